"""What ``[channels.options]`` of an Amazon channel may hold.

Where Amazon's documentation leaves something open, or contradicts itself, it is an option here.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

TOKEN_URL = "https://api.amazon.com/auth/o2/token"  # noqa: S105 - an address


class AccountOptions(BaseModel):
    """Whose stock it is, and where access is had."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seller: str = Field(min_length=1, description="The seller's id, as Seller Central shows it.")
    token_url: str = Field(
        TOKEN_URL, description="Where Login with Amazon hands out access tokens, all regions."
    )


class AmazonOptions(AccountOptions):
    """The listings of one seller in one region."""

    marketplaces: tuple[str, ...] = Field(
        min_length=1,
        max_length=10,
        description="Ids of the marketplaces whose listings are written, of one region.",
    )
    fulfillment_channel_code: str = Field(
        "DEFAULT",
        min_length=1,
        description="The fulfilment channel whose quantity is written: what the merchant ships.",
    )
    product_type: str = Field(
        "PRODUCT",
        min_length=1,
        description="The product type that goes with a patch; PRODUCT stands for any.",
    )
    op: Literal["merge", "replace"] = Field(
        "merge",
        description="merge leaves lead time and restock date as they are; replace drops them.",
    )
    lead_time: bool = Field(
        False, description="Whether lead_time_to_ship_max_days goes with the quantity."
    )
    feeds: bool = Field(
        True, description="Whether many changes at once go as a feed; otherwise patch by patch."
    )
    patch_at_most: int = Field(
        300,
        ge=1,
        description="So many changes that are due at once are still patched, 5 a second.",
    )
    feed_items_max: int = Field(
        5_000, ge=1, le=5_000, description="The most listings of one feed; Amazon takes 25,000."
    )
    feed_poll_s: float = Field(
        60.0, ge=1, description="How long to wait before a feed is asked after once more."
    )
    read_back: bool = Field(
        True, description="Whether a change counts only once the listing shows it."
    )
    read_back_after_s: float = Field(
        60.0, ge=1, description="How long to wait before a listing is read back."
    )
    read_back_tries: int = Field(
        5, ge=1, description="How often it is read back before the change is written again."
    )


class ExternalOptions(AccountOptions):
    """The inventory of one seller by location, External Fulfillment."""

    marketplace: str = Field(
        "", description="The marketplace's id; needed where channels share a location id."
    )
    channel_name: Literal["", "FBA", "MFN", "DF"] = Field(
        "", description="The fulfilment channel; needed where channels share a location id."
    )
    location: str = Field(
        "",
        description="Amazon's id of the location of what is not told by location: the first of "
        "location_names when empty, and DEFAULT where there are none.",
    )
    sequence_base: int = Field(
        0,
        ge=0,
        description="Added to our versions: more than the highest sequence number used before us.",
    )
