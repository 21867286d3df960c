"""How many listings a channel has, and how many it may not show what is wanted of."""

from __future__ import annotations

from stockfold.runtime.channel_adapters import adapter_of
from stockfold.runtime.channel_control import ORDERS, Control
from stockfold.runtime.listing_topics import ListingTopics
from stockfold.runtime.settings import ChannelSettings, Settings


def not_shown_yet(
    settings: Settings, channel: ChannelSettings, control: Control
) -> tuple[int, int]:
    """Listings, and those that were not last seen to show the quantity that is wanted.

    After an order that is every listing that the order has changed, or may have.
    """
    topics = ListingTopics(settings, channel.name)
    wanted = topics.wanted(adapter_of(channel).to_show, "", "")
    standing = topics.standing()
    waiting = 0
    for sku, told in wanted.items():
        stands = standing.get(sku)
        shown = None if stands is None or control.state in ORDERS else stands.applied_quantity
        waiting += shown != told.wanted.quantity
    return len(wanted), waiting
