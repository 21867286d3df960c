"""WooCommerce as a kind of channel."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from stockfold.channels.conformance import Subject
from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.channels.woocommerce.adapter import WooCommerce
from stockfold.domain.errors import SettingsError


class NoOptions(BaseModel):
    """What is special to a shop is in ``[channels.stock]`` and ``[channels.orders]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _adapter(terms: Terms) -> WooCommerce:
    return WooCommerce(
        terms.url, terms.credential("consumer_key"), terms.credential("consumer_secret")
    )


def _subject() -> Subject:
    raise SettingsError(
        "the imitated shop of woocommerce is no part of the installed package",
        where="channel kind woocommerce",
        remedy="Run it from a checkout: its tests hold the adapter against the shop.",
    )


KIND = ChannelKind(
    name="woocommerce",
    title="WooCommerce, REST API v3",
    assurance=WooCommerce.assurance,
    adapter=_adapter,
    options=NoOptions,
    credentials=("consumer_key", "consumer_secret"),
    subject=_subject,
    reads=True,
)
