"""What an order wants of the ledger, given how it was told (channels.md, section 1.1)."""

from __future__ import annotations

from typing import Literal

from stockfold.orders.lifecycle import (
    BACKORDERED,
    CONFIRMED,
    FULFILLED,
    HELD,
    LAPSED,
    PARTIAL,
    REJECTED,
    RELEASED,
)
from stockfold.orders.state import OrderState
from stockfold.orders.words import Line, Order

Goal = Literal["reserve", "hold", "keep", "nothing"]
Key = tuple[str, str]
"""(line, SKU)."""

_GOALS: dict[str, Goal] = {
    "draft": "nothing",
    "pending": "hold",
    "on_hold": "reserve",
    "processing": "reserve",
    "completed": "reserve",
    "cancelled": "nothing",
    "failed": "nothing",
    "refunded": "keep",
}


def goal(state: OrderState) -> Goal:
    """Whether units are reserved for good, held for a time, kept as they are, or given up.

    ``refunded`` alone restocks nothing: what is held stays, but for what refund lines restocked.
    """
    if state.refused or state.order is None:
        return "nothing"
    return goal_of(state.order)


def goal_of(order: Order) -> Goal:
    """``goal`` of an order that no review has stopped."""
    return _GOALS[order.told]


def targets(state: OrderState) -> dict[Key, int]:
    """Units that each line wants of each SKU in all, shipped ones included.

    A component that several lines or nested kits need is there once for each line: the ledger
    decides them one after the other, so they are never checked against the same unit twice.
    """
    order = state.order
    wanted: dict[Key, int] = {(d.line, d.sku): 0 for d in state.demands}
    if order is None or goal(state) == "nothing":
        return wanted
    for line in order.lines:
        units = line.quantity - unshipped_restocked(state, line)
        for sku, each in line.parts:
            wanted[line.line, sku] = units * each
    return wanted


def shipped_units(state: OrderState, line: Line) -> int:
    """Units of a line that have left, by whoever knows of more: the channel or the ledger."""
    order = state.order
    assert order is not None
    parcels = sum(parcel.quantity for parcel in order.parcels if parcel.line == line.line)
    known = min(
        (sum(d.shipped for d in state.of(line.line, sku)) // each for sku, each in line.parts),
        default=0,
    )
    return max(line.shipped, parcels, known)


def unshipped_restocked(state: OrderState, line: Line) -> int:
    """Restocked units of a line that had never left."""
    return min(line.restocked, max(line.quantity - shipped_units(state, line), 0))


def told_shipped(state: OrderState, line: Line) -> int:
    """Units of a line that the channel says have left; a completed order is shipped whole."""
    order = state.order
    assert order is not None
    if order.told == "completed":
        return max(line.quantity - unshipped_restocked(state, line), 0)
    parcels = sum(parcel.quantity for parcel in order.parcels if parcel.line == line.line)
    return min(max(line.shipped, parcels), line.quantity)


def covered(state: OrderState) -> dict[Key, int]:
    """Units that are served of each (line, SKU)."""
    found: dict[Key, int] = {}
    for demand in state.demands:
        key = (demand.line, demand.sku)
        found[key] = found.get(key, 0) + demand.covers
    return found


def missing(state: OrderState) -> dict[Key, int]:
    """Units that are wanted and not served, of those lines that lack any, in SKU order."""
    served = covered(state)
    lacking = {
        key: units - served.get(key, 0)
        for key, units in targets(state).items()
        if units > served.get(key, 0)
    }
    return dict(sorted(lacking.items(), key=lambda entry: (entry[0][1], entry[0][0])))


def resting_state(state: OrderState) -> str:
    """The state of the life cycle that an order rests in once nothing is waited for."""
    aim, wanted, served = goal(state), targets(state), covered(state)
    if aim == "nothing" or not any(wanted.values()):
        return RELEASED
    if all(
        sum(demand.shipped for demand in state.of(*key)) >= units for key, units in wanted.items()
    ):
        return FULFILLED
    if all(served.get(key, 0) >= units for key, units in wanted.items()):
        if any(demand.backordered for demand in state.demands):
            return BACKORDERED
        return HELD if aim == "hold" else CONFIRMED
    if any(served.values()):
        return PARTIAL
    if aim == "keep":
        return RELEASED
    return LAPSED if any(demand.lapsed for demand in state.demands) else REJECTED
