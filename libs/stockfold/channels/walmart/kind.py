"""Walmart Marketplace as a kind of channel."""

from __future__ import annotations

from stockfold.channels.conformance import Subject
from stockfold.channels.kinds import ChannelKind, Terms
from stockfold.channels.walmart.adapter import Walmart
from stockfold.channels.walmart.fake import WalmartSubject
from stockfold.channels.walmart.options import WalmartOptions
from stockfold.domain.errors import SettingsError


def _adapter(terms: Terms) -> Walmart:
    assert isinstance(terms.options, WalmartOptions)
    node = terms.options.undivided_node
    if node and node not in terms.locations.values():
        raise SettingsError(
            f"options.undivided_node of channel {terms.channel} is none of its location_names",
            where="[[channels]]",
            remedy="Name the ship node there too, or leave the option out.",
        )
    return Walmart(terms.options, terms.credential, terms.locations)


def _subject() -> Subject:
    return WalmartSubject()


KIND = ChannelKind(
    name="walmart",
    title="Walmart Marketplace, inventory API v3",
    assurance=Walmart.assurance,
    adapter=_adapter,
    options=WalmartOptions,
    credentials=("client_id", "client_secret"),
    subject=_subject,
    bases=("gross",),
    per_location=True,
    items_max=10_000,
)
