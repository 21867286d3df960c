"""What ``[channels.options]`` may hold for eBay.

Defaults are as eBay's own description says; what it leaves open, or says in two ways, is here.
"""

from __future__ import annotations

from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveFloat, model_validator

OFFERS_MAX = 25
"""Offers that one bulk_update_price_quantity may hold, and items that one bulk read may."""
QUANTITY_MAX = 2**31 - 1
"""Quantities are 32-bit integers there."""


def _known(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"no time zone is called {zone!r}") from error
    return zone


class EbayOptions(BaseModel):
    """Of one seller's account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: str = Field(
        default="",
        max_length=100,
        description="The seller's account. Channels of one account share its call budget. "
        "Empty: the channel's own name.",
    )
    marketplaces: tuple[str, ...] = Field(
        default=(),
        description="Write offers of these marketplaces alone, such as EBAY_DE. Empty: of all.",
    )
    items_per_call: int = Field(
        default=1,
        ge=1,
        le=OFFERS_MAX,
        description="SKUs in one bulk_update_price_quantity. eBay's reference says one, its guide "
        "25: above 1 it is tried out upwards from 1, and what eBay refuses is not tried again.",
    )
    shown_at_most: int = Field(
        default=QUANTITY_MAX,
        ge=1,
        le=QUANTITY_MAX,
        description="Show no more units than these: what happens above them costs no revision.",
    )
    preorders: Literal["zero", "stock"] = Field(
        default="zero",
        description="What preorders and backorders show: nothing, or their units as stock.",
    )
    revisions_per_day: int = Field(
        default=250, ge=1, description="How often eBay lets a listing be revised in one day."
    )
    revisions_kept: int = Field(
        default=50,
        ge=0,
        description="So many of them are kept for sold-out SKUs and for such as come back.",
    )
    day_zone: Annotated[str, AfterValidator(_known)] = Field(
        default="America/Los_Angeles",
        description="Where the day of the revisions begins. eBay says calendar day, not whose.",
    )
    offers_kept_s: int = Field(
        default=86_400,
        ge=60,
        description="After so many seconds the offers of a SKU are looked up anew.",
    )
    retryable_errors: tuple[int, ...] = Field(
        default=(25001,), description="eBay's error ids that pass by themselves."
    )
    calls_per_s: PositiveFloat = Field(
        default=20.0,
        description="Calls a second of the account. eBay allows 2,000,000 Inventory calls a day.",
    )
    calls_burst: float = Field(default=40.0, ge=1.0, description="Calls at once after a pause.")
    token_path: str = Field(
        default="/identity/v1/oauth2/token", description="Where access tokens are had."
    )
    scope: str = Field(
        default="https://api.ebay.com/oauth/api_scope/sell.inventory",
        description="The scope asked for, one that the seller has granted.",
    )

    @model_validator(mode="after")
    def _some_are_left(self) -> EbayOptions:
        if self.revisions_kept >= self.revisions_per_day:
            raise ValueError("revisions_kept must be less than revisions_per_day")
        return self
