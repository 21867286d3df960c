"""WooCommerce as a kind of channel."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.channels.woocommerce.adapter import WooCommerce
from stockfold.channels.woocommerce.fake import WooCommerceSubject


class NoOptions(BaseModel):
    """What is special to a shop is in ``[channels.stock]`` and ``[channels.orders]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _adapter(terms: Terms) -> WooCommerce:
    return WooCommerce(
        terms.url, terms.credential("consumer_key"), terms.credential("consumer_secret")
    )


KIND = ChannelKind(
    name="woocommerce",
    title="WooCommerce, REST API v3",
    assurance=WooCommerce.assurance,
    adapter=_adapter,
    options=NoOptions,
    credentials=("consumer_key", "consumer_secret"),
    subject=WooCommerceSubject,
    reads=True,
)
