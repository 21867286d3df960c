"""What an availability becomes in a shop: stock, a backorder, a preorder, or nothing.

WooCommerce knows a quantity and, per product, whether it may be sold below zero; it has no field
for how many may wait, for how long, or until when. A promise that the shop has no place for goes
out as zero: shown as plain stock it would be sold as if it lay on the shelf.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

import msgspec

from stockfold.channels.port import Restored, Shown, StockUpdate

Backorders = Literal["keep", "no", "notify", "yes"]
Preorders = Literal["zero", "backorder", "stock"]


_EPOCH = date(1970, 1, 1).toordinal()


class StockTerms(msgspec.Struct, frozen=True, kw_only=True):
    """How one shop shows what can be promised.

    ``backorders`` is WooCommerce's field for products whose availability is a backorder; all others
    get ``no``. ``keep`` never writes it. ``preorders`` are shown as nothing, like a backorder, or
    as stock. The keys name the products' metadata for the status, the units that may wait, the
    lead time in days and the day of the restock; an empty one is not written.
    """

    backorders: Backorders = "keep"
    preorders: Preorders = "zero"
    status_key: str = ""
    units_key: str = ""
    lead_time_key: str = ""
    restock_key: str = ""

    @property
    def has_keys(self) -> bool:
        """True when products carry metadata of ours."""
        return any((self.status_key, self.units_key, self.lead_time_key, self.restock_key))


PLAIN = StockTerms()


def show(update: StockUpdate, terms: StockTerms) -> Shown:
    """What the shop is made to show. A negative quantity would open its backorder paths."""
    if update.restored is not None:
        return _restored(update.restored, terms)
    promise = update.promise
    units = max(update.quantity - update.unseen, 0)
    place = _place(promise.status, terms) if units else "stock"
    waits = place == "backorder"
    quantity = units if place == "stock" else 0
    field = "" if terms.backorders == "keep" else terms.backorders if waits else "no"
    if not terms.has_keys:
        return Shown(quantity, field)
    sold = quantity > 0 or waits
    ahead = sold and promise.status in ("backorder", "preorder")
    told = (
        (terms.status_key, promise.status if sold else "out_of_stock"),
        (terms.units_key, str(units) if ahead else ""),
        (terms.lead_time_key, _text(promise.lead_time_days) if sold else ""),
        (terms.restock_key, _day(promise.next_available)),
    )
    return Shown(quantity, field, tuple((key, value) for key, value in told if key))


def _restored(before: Restored, terms: StockTerms) -> Shown:
    """As it was: what we never write is left alone, metadata of ours is emptied."""
    keys = (terms.status_key, terms.units_key, terms.lead_time_key, terms.restock_key)
    field = "" if terms.backorders == "keep" else before.backorders
    quantity = before.quantity if before.managed else 0
    status = "" if before.managed else before.stock_status
    return Shown(quantity, field, tuple((key, "") for key in keys if key), before.managed, status)


def _place(status: str, terms: StockTerms) -> Literal["stock", "backorder", "zero"]:
    wanted: str = "stock"
    if status == "backorder":
        wanted = "backorder"
    elif status == "preorder":
        wanted = terms.preorders
    if wanted == "backorder":
        return "backorder" if terms.backorders in ("notify", "yes") else "zero"
    return "stock" if wanted == "stock" else "zero"


def _day(since_1970: int | None) -> str:
    """YYYY-MM-DD; empty for a day that no calendar has."""
    ordinal = 0 if since_1970 is None else since_1970 + _EPOCH
    return date.fromordinal(ordinal).isoformat() if 0 < ordinal <= date.max.toordinal() else ""


def _text(number: int | None) -> str:
    return "" if number is None else str(number)
