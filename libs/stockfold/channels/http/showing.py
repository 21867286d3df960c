"""What an availability becomes for a receiver.

A receiver that looks at ``quantity`` alone must not sell as stock what is not there: units of
backorders and preorders go out apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

from stockfold.channels.http.wire import AtLocation, Item
from stockfold.channels.port import Shown, StockUpdate

_EPOCH = date(1970, 1, 1).toordinal()
_AHEAD = ("backorder", "preorder")


def show(update: StockUpdate, location_names: Mapping[str, str]) -> Shown:
    """What goes out for an update, clamped at zero."""
    restored = update.restored
    wanted = update.quantity - update.unseen if restored is None else restored.quantity
    units = max(wanted, 0)
    promise = update.promise
    ahead = units if promise.status in _AHEAD else 0
    stock = units - ahead
    extras = (
        ("status", promise.status if units else "out_of_stock"),
        ("ahead", str(ahead)),
        ("next_available", _day(promise.next_available)),
        ("lead_time_days", "" if promise.lead_time_days is None else str(promise.lead_time_days)),
    )
    named = [(location_names.get(name, name), count) for name, count in update.locations]
    return Shown(stock, extras=extras, locations=tuple(_within(named, stock)))


def _within(locations: Sequence[tuple[str, int]], units: int) -> Iterator[tuple[str, int]]:
    """Never more at the locations together than there is to sell: the first ones keep theirs."""
    left = units
    for name, count in locations:
        here = min(max(count, 0), left)
        left -= here
        yield name, here


def item(update: StockUpdate, shown: Shown) -> Item:
    """An update as it goes over the wire."""
    extras = dict(shown.extras)
    days = extras["lead_time_days"]
    return Item(
        update.sku,
        update.version,
        shown.quantity,
        int(extras["ahead"]),
        extras["status"],  # type: ignore[arg-type]  # one of five words
        extras["next_available"] or None,
        int(days) if days else None,
        tuple(AtLocation(name, count) for name, count in shown.locations),
    )


def _day(since_1970: int | None) -> str:
    """YYYY-MM-DD; empty for a day that no calendar has."""
    ordinal = 0 if since_1970 is None else since_1970 + _EPOCH
    return date.fromordinal(ordinal).isoformat() if 0 < ordinal <= date.max.toordinal() else ""
