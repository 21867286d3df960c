"""What an availability becomes on Amazon: a quantity that is there, and days until it leaves.

The field has no place for units that are not there: a backorder or a preorder is shown as nothing.
"""

from __future__ import annotations

from stockfold.channels.port import Shown, StockUpdate

LEAD_TIME = "lead_time_to_ship_max_days"
LEAD_TIME_DAYS_MAX = 30
"""More is refused (selling-partner-api-docs#2159)."""
AHEAD = frozenset({"backorder", "preorder"})


def units_of(update: StockUpdate) -> int:
    """The units to offer: never negative, and none that are not there."""
    if update.restored is not None:
        return max(update.restored.quantity, 0)
    if update.promise.status in AHEAD:
        return 0
    return max(update.quantity - update.unseen, 0)


def show(update: StockUpdate, *, lead_time: bool) -> Shown:
    """What goes out. The lead time goes with units that are offered only."""
    units, days = units_of(update), update.promise.lead_time_days
    if not lead_time or not units or days is None or update.restored is not None:
        return Shown(units)
    return Shown(units, extras=((LEAD_TIME, str(min(max(days, 0), LEAD_TIME_DAYS_MAX))),))
