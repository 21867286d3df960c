"""What inventory items hold: ``POST bulk_get_inventory_item``, for up to 25 SKUs.

getOffers tells what offers show, but not the ship-to quantity behind them, and eBay sells the
lesser of the two. It is asked where a SKU that this process has not written yet may be right as it
is: after a restart nothing is revised that need not be.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stockfold.channels.port import Purpose, Request, Shown, StockUpdate

PATH = "/sell/inventory/v1/bulk_get_inventory_item"


class Held(msgspec.Struct, frozen=True):
    """The ship-to quantity of an item, and its distribution over locations."""

    quantity: int
    locations: dict[str, int]

    def is_as(self, shown: Shown) -> bool:
        """Whether this is what would be written; a distribution counts where one is wanted."""
        return self.quantity == shown.quantity and (
            not shown.locations or self.locations == dict(shown.locations)
        )


def ask(updates: Sequence[StockUpdate]) -> Request:
    """The question for all of these at once."""
    rows = [{"sku": update.sku} for update in updates]
    return Request(Purpose.LOOK_UP, "POST", PATH, tuple(updates), json={"requests": rows})


def read(body: Any) -> dict[str, Held] | None:
    """What is held by SKU, those alone that were answered; None when the body is not eBay's."""
    rows = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        return None
    held: dict[str, Held] = {}
    for row in rows:
        sku = _at(row, "sku")
        there = _at(row, "inventoryItem", "availability", "shipToLocationAvailability")
        quantity = _at(there, "quantity")
        if isinstance(sku, str) and _at(row, "statusCode") == 200 and _is_whole(quantity):
            held[sku] = Held(quantity, _locations(_at(there, "availabilityDistributions")))
    return held


def _locations(rows: Any) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows if isinstance(rows, list) else ():
        key, quantity = _at(row, "merchantLocationKey"), _at(row, "quantity")
        if isinstance(key, str) and _is_whole(quantity):
            found[key] = quantity
    return found


def _at(tree: Any, *names: str) -> Any:
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
