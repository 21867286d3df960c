"""Amazon's two interfaces as kinds of channels."""

from __future__ import annotations

from stockfold.channels.amazon.access import CREDENTIALS
from stockfold.channels.amazon.adapter import Amazon
from stockfold.channels.amazon.external_adapter import ExternalFulfillment
from stockfold.channels.amazon.fake import Imitation
from stockfold.channels.amazon.fake_external import ExternalImitation
from stockfold.channels.amazon.options import AmazonOptions, ExternalOptions
from stockfold.channels.kinds import ChannelKind, Terms

FEED_ITEMS_MAX = 5_000
"""Offered at once, for one feed to hold: to look through more takes longer than a patch."""


def _listings(terms: Terms) -> Amazon:
    return Amazon(terms.url, terms.options, terms.credential)


def _external(terms: Terms) -> ExternalFulfillment:
    return ExternalFulfillment(terms.url, terms.options, terms.credential, terms.locations)


KIND = ChannelKind(
    name="amazon",
    title="Amazon, Selling Partner API: listings that the merchant ships",
    assurance=Amazon.assurance,
    adapter=_listings,
    options=AmazonOptions,
    credentials=CREDENTIALS,
    subject=Imitation,
    items_max=FEED_ITEMS_MAX,
)

EXTERNAL = ChannelKind(
    name="amazon-external",
    title="Amazon, External Fulfillment: inventory by location",
    assurance=ExternalFulfillment.assurance,
    adapter=_external,
    options=ExternalOptions,
    credentials=CREDENTIALS,
    subject=ExternalImitation,
    per_location=True,
)
