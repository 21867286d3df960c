"""Allocations, shipments and cancelled lines: what the floor does to claims. Never refused."""

from __future__ import annotations

from .lines import Allocation, Line
from .log import Refused
from .state import Parked, State


def allocate(state: State, body: dict) -> None:
    """StockAllocated: reserved becomes allocated; the rest meets, re-claims or claims directly."""
    name = body["allocation"]
    known = state.allocations.get(name)
    if known is not None:
        if known.body != body:
            raise Refused("payload_conflict")
        return  # Lead: a repeat by the entity's life cycle changes nothing.
    line = state.line(body["order"], body["line"])
    if not line.channel and body.get("channel"):
        line.channel = body["channel"]  # Ruling 18.
    place, left = body["location"], body["quantity"]
    allocation = Allocation(name, line.order, line.line, place, body)
    state.allocations[name] = allocation
    line.allocations.append(allocation)

    drawn = line.take_reserved(left, [place, *line.preference()])
    left -= drawn
    # Ruling 3: units of its line that already shipped without an allocation claim nothing.
    left -= line.take(left, "shipped_unallocated")
    if line.over and left:
        state.log.flag("line_cancelled")  # Ruling 3: on a cancelled line it claims nothing.
        left = 0
    # Ruling 10: expired units are re-claimed without asking.
    again = line.take(left, "backordered", "expired")
    line.unordered += left - again  # Ruling 2: a direct claim has no order yet.
    allocation.open = drawn + left
    line.settle()
    state.log.answer(_name(line), "StockAllocated", "allocated", allocation.open)

    for parked in state.unpark("allocation", name):  # Ruling 34: after the input's own.
        if parked.event_type == "StockDeallocated":
            deallocate(state, parked.body)
        else:
            meet_shipment(state, line, parked.body)


def deallocate(state: State, body: dict) -> None:
    """StockDeallocated: back to reserved at the same place, or free (ruling 14)."""
    allocation = state.allocations.get(body["allocation"])
    if allocation is None:
        waits_for = [("allocation", body["allocation"])]
        state.parked.append(Parked(waits_for, "StockDeallocated", body))
        return
    line = state.line_of(allocation)
    asked = body.get("quantity")
    quantity = allocation.open if asked is None else min(asked, allocation.open)
    allocation.open -= quantity
    if body.get("to", "reserved") == "reserved" and line.holder and line.holder.live:
        line.add_reserved({allocation.location: quantity})
    else:
        line.cancelled += quantity  # Without an open reservation always free: cancelled.
    line.settle()
    state.log.answer(_name(line), "StockDeallocated", "deallocated", quantity)


def ship(state: State, body: dict, occurred_us: int) -> None:
    """StockShipped: on_hand to customer at once; the claim shrinks when its line is known."""
    shelf = ("on_hand", body["location"])
    state.book.move(body["quantity"], shelf, ("customer", ""), occurred_us)
    line = _line_of_shipment(state, body)
    if line is not None:
        meet_shipment(state, line, body)
        return
    waits_for = [(kind, body[kind]) for kind in ("allocation", "reservation") if body.get(kind)]
    if waits_for:  # Ruling 5 and lead: met when that allocation or reservation becomes known.
        state.parked.append(Parked(waits_for, "StockShipped", body))
    else:
        state.log.flag("shipment_without_line")


def meet_shipment(state: State, line: Line, body: dict) -> None:
    """Shrink the claims of a line by a shipment (rulings 12 and 13)."""
    place, quantity = body["location"], body["quantity"]
    named = [a for a in line.allocations if a.id == body.get("allocation")]
    there = [a for a in line.allocations if a.location == place]
    left = quantity - line.take_allocated(quantity, named + there + line.allocations)
    line.shipped += quantity
    line.shipped_unallocated += left
    left -= line.take_reserved(left, [place, *line.preference()])
    left -= line.take(left, "backordered")
    closed = line.take(left, "cancelled", "expired", "rejected")
    if closed:
        state.log.flag("shipped_closed")  # Ruling 12.
    line.unordered += left - closed
    line.settle()
    state.log.answer(_name(line), "StockShipped", "shipped", quantity)


def cancel(state: State, body: dict) -> None:
    """OrderLineCancelled: releases what is open, nothing else, once and for good (ruling 1)."""
    line = state.line(body["order"], body["line"])
    quantity = line.open
    line.cancelled += quantity
    line.reserved, line.backordered = {}, 0
    for allocation in line.allocations:
        allocation.open = 0
    line.settle()
    if not line.over:
        state.log.answer(_name(line), "OrderLineCancelled", "cancelled", quantity)
    line.over = True


def _line_of_shipment(state: State, body: dict) -> Line | None:
    """The line a shipment is for: of its allocation, of its reservation, or as named."""
    allocation = state.allocations.get(body.get("allocation") or "")
    if allocation is not None:
        return state.line_of(allocation)
    reservation = state.reservations.get(body.get("reservation") or "")
    if reservation is not None:
        return state.line_of(reservation)
    if body.get("order") is not None and body.get("line") is not None:
        return state.line(body["order"], body["line"])
    return None


def _name(line: Line) -> str:
    return line.holder.id if line.holder else ""
