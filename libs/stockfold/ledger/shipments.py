"""Shipments: on_hand -> customer, and the claim they satisfy shrinks (rulings 12, 13).

They happened, even if the shelf goes negative.
"""

from __future__ import annotations

from stockfold.ledger.accounts import (
    ALLOCATED,
    BACKORDERED,
    CUSTOMER,
    ON_HAND,
    Delta,
)
from stockfold.ledger.claims import take_reserved
from stockfold.ledger.entities import Ahead, Allocation, Change, Line, copied
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.physical import physical_fact
from stockfold.ledger.state import LineKey, SkuState


def stock_shipped(state: SkuState, given: Input) -> Fact:
    """Move the units, and draw them on the line that the shipment names."""
    body = given.body
    units, location = body["quantity"], body["location"]
    deltas: list[Delta] = [(ON_HAND, location, "", -units), (CUSTOMER, "", "", units)]
    key = _line_key(state, given)
    if key is None:
        return _unknown_line(state, given, deltas)
    known = state.lines.get(key)
    line = copied(known) if known is not None else Line(*key)
    line.shipped += units
    closed = draw(line, units, body["allocation"], location, deltas)
    status = (line.reservation, "shipped", given.type, units, "", 0)
    change = Change(line=line, status=status)
    return physical_fact(state, given, deltas, change, ("shipped_closed",) if closed else ())


def _line_key(state: SkuState, given: Input) -> LineKey | None:
    body = given.body
    key = state.allocations.get(body["allocation"]) if body["allocation"] is not None else None
    if key is None and body["reservation"] is not None:
        key = state.reservations.get(body["reservation"])
    if key is None and body["order"] is not None and body["line"] is not None:
        key = (body["order"], body["line"])
    return key


def _unknown_line(state: SkuState, given: Input, deltas: list[Delta]) -> Fact:
    """Units that wait to be met by the allocation or reservation they name, or by none."""
    body = given.body
    if body["allocation"] is None and body["reservation"] is None:
        return physical_fact(state, given, deltas, None, ("shipment_without_line",))
    ahead = Ahead(
        state.seq + 1,
        body["allocation"] or "",
        body["reservation"] or "",
        body["location"],
        body["quantity"],
    )
    return physical_fact(state, given, deltas, Change(ahead=ahead))


def shipment_met(known: Line, ahead: Ahead) -> Fact:
    """What was shipped ahead is drawn on its line, now that it is known; the units left before."""
    line = copied(known)
    deltas: list[Delta] = []
    line.shipped += ahead.units
    closed = draw(line, ahead.units, ahead.allocation, ahead.location, deltas)
    status = (line.reservation, "shipped", "StockShipped", ahead.units, "", 0)
    change = Change(line=line, met=ahead.seq, status=status)
    return Fact("ShipmentMet", deltas, change, ("shipped_closed",) if closed else ())


def draw(line: Line, units: int, allocation: str | None, location: str, deltas: list[Delta]) -> int:
    """Draw shipped units on a (copied) line; returns units drawn on closed ones.

    The named allocation first, then allocated there, allocated elsewhere, reserved there, reserved
    elsewhere, backordered, then cancelled, expired and rejected units; the rest is unordered.
    """
    left = units
    if line.allocations:
        left = _draw_allocated(line, left, allocation, location, deltas)
    line.shipped_free += left
    if left and line.reserved:
        left -= take_reserved(line, left, location, deltas)
    if left and line.backordered:
        taken = min(line.backordered, left)
        line.backordered -= taken
        deltas.append((BACKORDERED, "", line.channel, -taken))
        left -= taken
    closed = 0
    if left:
        before = left
        taken = min(line.cancelled, left)
        line.cancelled -= taken
        left -= taken
        taken = min(line.expired, left)
        line.expired -= taken
        line.lapsed = min(line.lapsed, line.expired)
        left -= taken
        taken = min(line.rejected, left)
        line.rejected -= taken
        left -= taken
        closed = before - left
        line.unordered += left
    line.settle()
    return closed


def _draw_allocated(
    line: Line, units: int, allocation: str | None, location: str, deltas: list[Delta]
) -> int:
    left = units
    order: list[int] = [0]
    if len(line.allocations) > 1:
        order = sorted(
            range(len(line.allocations)),
            key=lambda i: (
                line.allocations[i].id != allocation,
                line.allocations[i].location != location,
            ),
        )
    changed = list(line.allocations)
    for i in order:
        held = changed[i]
        taken = min(held.open, left)
        if taken:
            changed[i] = Allocation(
                held.id, held.location, held.channel, held.quantity, held.open - taken
            )
            deltas.append((ALLOCATED, held.location, held.channel, -taken))
            left -= taken
    line.allocations = tuple(changed)
    return left
