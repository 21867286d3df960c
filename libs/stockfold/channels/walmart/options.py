"""What may be set of a Walmart channel. What the vendor's pages leave open is among it.

Defaults are as documented for the United States (developer.walmart.com/us-marketplace), or the more
careful of two figures where pages differ.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt

FEEDS = ("inventory", "mp_inventory")
"""Types of feeds that write stock, in lower case."""


class WalmartOptions(BaseModel):
    """``[channels.options]`` of a channel of kind walmart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seller: str = Field(
        min_length=1,
        description="The seller's partner id. Channels of the same one share its rate budgets.",
    )
    base_path: str = Field(
        default="/v3", pattern="^/.*[^/]$", description="Where the API begins, below url."
    )
    service_name: str = Field(
        default="Walmart Marketplace", min_length=1, description="Sent as WM_SVC.NAME."
    )
    market: str = Field(
        default="",
        description="Sent as WM_MARKET: us, ca, mx or cl. The Global APIs want it, together with "
        "global_version; empty: not sent.",
    )
    global_version: str = Field(
        default="", description="Sent as WM_GLOBAL_VERSION, such as 3.1; empty: not sent."
    )
    channel_type: str = Field(
        default="",
        description="Sent as WM_CONSUMER.CHANNEL.TYPE, which a solution provider is given; empty: "
        "not sent.",
    )
    undivided_node: str = Field(
        default="",
        description="Where location_names has several ship nodes: the one that shows a quantity "
        "without breakdown, the others then show 0. Empty: such a quantity is refused.",
    )
    list_from: PositiveInt = Field(
        default=100,
        description="So many SKUs at once that were not seen yet are read from the list of all, 50 "
        "at a time, and fewer one by one.",
    )
    feed_type: str = Field(default="inventory", description="The bulk feed of one ship node.")
    feed_version: str = Field(default="1.4", description="The version in that feed's header.")
    node_feed_type: str = Field(
        default="MP_INVENTORY", description="The bulk feed of several ship nodes."
    )
    node_feed_version: str = Field(default="1.5", description="The version in that feed's header.")
    feed_from: NonNegativeInt = Field(
        default=1_200,
        description="So many changes at once are worth a feed; 0: never make one. By default what "
        "single writes take as long for as a feed's share of the hour: 200 a minute for 6 minutes.",
    )
    feed_items_max: PositiveInt = Field(default=10_000, description="The most SKUs in one feed.")
    feed_bytes_max: PositiveInt = Field(
        default=5_000_000, description="The largest feed, in bytes. The sandbox takes 2000."
    )
    feed_page: PositiveInt = Field(
        default=50,
        le=1_000,
        description="Items that are asked for at once of a feed's report; pages say 50 and 1000.",
    )
    feed_poll_s: PositiveFloat = Field(
        default=60.0, description="Seconds between two questions how far a feed is."
    )
    feed_polls_max: PositiveInt = Field(
        default=180, description="After so many of them a feed is given up, and written anew."
    )
    feeds_per_hour: PositiveFloat = Field(
        default=10.0, description="Feeds an hour of an account. The sandbox takes 30."
    )
    writes_per_min: PositiveFloat = Field(
        default=200.0, description="Single writes a minute of an account."
    )
    reads_per_min: PositiveFloat = Field(
        default=200.0, description="Questions for one SKU's stock a minute of an account."
    )
    polls_per_min: PositiveFloat = Field(
        default=300.0, description="Questions about feeds a minute of an account."
    )
