"""The kind ``shopify`` of channels."""

from __future__ import annotations

from stockfold.channels.conformance import Subject
from stockfold.channels.kinds import ChannelKind
from stockfold.channels.port import Assurance
from stockfold.channels.shopify.adapter import Shopify
from stockfold.channels.shopify.terms import ShopifyOptions


def subject() -> Subject:
    """A fresh imitation; loaded only here, because publishers need none."""
    from stockfold.channels.shopify.fake import FakeShopify  # noqa: PLC0415

    return FakeShopify()


KIND = ChannelKind(
    name="shopify",
    title="Shopify",
    assurance=Assurance.CONTRACT,
    adapter=Shopify,
    options=ShopifyOptions,
    credentials=("secret",),
    subject=subject,
    bases=("net", "gross"),
    per_location=True,
)
