"""What a Shopify connection is set to, and what an availability becomes there.

Shopify keeps named quantities of an inventory item at each location. ``available`` is what can be
sold: an order moves its units from there to ``committed`` in that moment, so the field is NET.
``on_hand`` holds the committed ones too, until they leave: GROSS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from stockfold.channels.port import Restored, Shown, StockUpdate
from stockfold.channels.shopify.asking import COST_MAX

QUANTITY_MAX = 1_000_000_000
"""``INVALID_QUANTITY_TOO_HIGH``: "can't be higher than 1,000,000,000"."""
INPUTS_MAX = 250
"""No list of a request may be longer: ``MAX_INPUT_SIZE_EXCEEDED``."""
CHANGE_FROM = "2026-01"
"""The first version with ``changeFromQuantity`` and ``@idempotent``; from 2026-04 on it needs
both, and ``compareQuantity`` is gone."""


class ShopifyOptions(BaseModel):
    """``[channels.options]`` of a Shopify channel."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    api_version: str = Field(
        default="2026-04",
        pattern=r"^\d{4}-(01|04|07|10)$",
        description="The version of the Admin API to speak.",
    )
    client_id: str = Field(
        default="",
        description="The app's client id: tokens of a day are fetched with it and the credential "
        "`secret`. Empty: `secret` is an access token itself.",
    )
    quantity: Literal["available", "on_hand"] = Field(
        default="available",
        description="The quantity that is written: available (basis net), on_hand (basis gross).",
    )
    compare: Literal["auto", "changeFromQuantity", "compareQuantity"] = Field(
        default="auto",
        description="The field that holds what was there before; auto: as the version has it.",
    )
    idempotent: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Whether writes carry @idempotent; auto: from version 2026-01 on.",
    )
    location: str = Field(
        default="",
        description="Shopify's id of the location that gets all units when availability is not "
        "told by location. Empty: the first of location_names.",
    )
    reason: str = Field(
        default="correction", description="The reason that Shopify's inventory history shows."
    )
    ahead: Literal["zero", "stock"] = Field(
        default="zero",
        description="How backorders and preorders are shown: as nothing, or as stock.",
    )
    settle_s: float = Field(
        default=5.0,
        ge=0,
        le=600,
        description="Seconds to wait before units are added where some were sold unexpectedly: "
        "the order may still be on its way to us.",
    )
    quantities_max: int = Field(
        default=INPUTS_MAX, ge=1, le=INPUTS_MAX, description="Quantities of one write at most."
    )
    skus_max: int = Field(
        default=100, ge=1, le=INPUTS_MAX, description="SKUs of one search at most."
    )
    points_per_s: float = Field(
        default=100.0,
        gt=0,
        description="Points a second of the shop's plan, until its answers tell.",
    )
    points_max: float = Field(
        default=2_000.0,
        ge=COST_MAX,
        description="Points that its bucket holds, until its answers tell.",
    )

    @property
    def changes_from(self) -> bool:
        """Whether a write names the quantity before it in ``changeFromQuantity``."""
        if self.compare == "auto":
            return self.api_version >= CHANGE_FROM
        return self.compare == "changeFromQuantity"

    @property
    def is_idempotent(self) -> bool:
        """Whether a write carries ``@idempotent``."""
        if self.idempotent == "auto":
            return self.api_version >= CHANGE_FROM
        return self.idempotent == "on"


class Places(msgspec.Struct, frozen=True):
    """``theirs`` by our names of locations; ``main`` gets what is not told by location."""

    theirs: Mapping[str, str]
    main: str

    @property
    def all(self) -> tuple[str, ...]:
        """Shopify's ids of every location that we write, the main one first."""
        return tuple(dict.fromkeys((self.main, *self.theirs.values())))


def show(update: StockUpdate, options: ShopifyOptions, places: Places) -> Shown:
    """What the shop is made to show, location by location. Never less than nothing."""
    units = dict.fromkeys(places.all, 0)
    if update.restored is not None:
        units[places.main] = _restored(update.restored, options)
    elif update.promise.status not in ("backorder", "preorder") or options.ahead == "stock":
        _spread(update, options, places, units)
    told = tuple((place, min(count, QUANTITY_MAX)) for place, count in units.items())
    return Shown(sum(count for _, count in told), locations=told)


def _spread(
    update: StockUpdate, options: ShopifyOptions, places: Places, units: dict[str, int]
) -> None:
    # What Shopify has sold is still on hand there: it takes that off by itself.
    unseen = update.unseen if options.quantity == "available" else 0
    left = max(update.quantity - unseen, 0)
    if not update.locations:
        units[places.main] = left
        return
    for ours, count in update.locations:
        if ours in places.theirs:
            units[places.theirs[ours]] += max(count, 0)
    # Nobody knows where the unseen ones were sold: off where most are.
    while (excess := sum(units.values()) - left) > 0:
        most = max(units, key=lambda place: units[place])
        units[most] -= min(excess, units[most])


def _restored(before: Restored, options: ShopifyOptions) -> int:
    """Its quantity before us; ``on_hand`` can't be negative, ``available`` may."""
    least = -QUANTITY_MAX if options.quantity == "available" else 0
    return max(before.quantity, least) if before.managed else 0


def unmapped(update: StockUpdate, places: Places) -> tuple[str, ...]:
    """Our locations whose units Shopify has no place for, so that they are not shown."""
    return tuple(o for o, count in update.locations if count > 0 and o not in places.theirs)
