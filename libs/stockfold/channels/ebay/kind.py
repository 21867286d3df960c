"""What eBay offers as a kind of channel."""

from __future__ import annotations

from stockfold.channels.ebay.adapter import Ebay
from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.ebay.options import EbayOptions
from stockfold.channels.kinds import ChannelKind, Terms


def adapter(terms: Terms) -> Ebay:
    """The adapter of one connection."""
    assert isinstance(terms.options, EbayOptions)
    return Ebay(terms.channel, terms.credential, terms.options, terms.locations)


KIND = ChannelKind(
    name="ebay",
    title="eBay Sell Inventory API",
    assurance=Ebay.assurance,
    adapter=adapter,
    options=EbayOptions,
    credentials=("client_id", "client_secret", "refresh_token"),
    subject=FakeEbay,
    per_location=True,
)
