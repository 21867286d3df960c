"""Amazon's two interfaces as kinds of channels."""

from __future__ import annotations

from stockfold.channels.amazon.access import CREDENTIALS
from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.fake import Imitation
from stockfold.channels.amazon.options import AmazonOptions
from stockfold.channels.kinds import ChannelKind, Terms


def _listings(terms: Terms) -> Amazon:
    return Amazon(terms.url, terms.options, terms.credential)


KIND = ChannelKind(
    name="amazon",
    title="Amazon, Selling Partner API: listings that the merchant ships",
    assurance=Amazon.assurance,
    adapter=_listings,
    options=AmazonOptions,
    credentials=CREDENTIALS,
    subject=Imitation,
    items_max=5_000,
)
