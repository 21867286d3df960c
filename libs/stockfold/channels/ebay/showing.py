"""What an availability becomes on eBay: a quantity, and how it is distributed over locations.

eBay sells what is there: it has no place for units that are still to come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stockfold.channels.ebay.options import QUANTITY_MAX, EbayOptions
from stockfold.channels.port import Shown, StockUpdate

AHEAD = frozenset({"backorder", "preorder"})


def show(update: StockUpdate, options: EbayOptions, names: Mapping[str, str]) -> Shown:
    """What eBay is made to show; ``names`` are its keys of our locations."""
    if update.restored is not None:
        return Shown(min(max(update.restored.quantity, 0), QUANTITY_MAX))
    ahead = update.promise.status in AHEAD and options.preorders == "zero"
    units = 0 if ahead else update.quantity - update.unseen
    quantity = min(max(units, 0), options.shown_at_most)
    return Shown(quantity, locations=_distributed(update.locations, quantity, names))


def _distributed(
    locations: Sequence[tuple[str, int]], quantity: int, names: Mapping[str, str]
) -> tuple[tuple[str, int], ...]:
    """By eBay's keys, never more together than ``quantity``: the last ones lose first."""
    left = quantity
    told: dict[str, int] = {}
    for location, units in locations:
        key = names.get(location)
        if key is not None:
            taken = min(max(units, 0), left)
            told[key] = told.get(key, 0) + taken
            left -= taken
    return tuple(told.items())
