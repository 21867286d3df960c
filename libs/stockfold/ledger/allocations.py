"""Hard claims and their end: allocation, deallocation, cancellation of a line.

They happened on the floor, so they act at once, known order or not (rulings 3, 10, 14, 18, 26).
"""

from __future__ import annotations

from sys import intern

from stockfold.ledger.accounts import ALLOCATED, BACKORDERED, RESERVED, Delta
from stockfold.ledger.claims import give_back, know_channel, take_reserved
from stockfold.ledger.entities import Allocation, Change, Line, copied
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.physical import crossings
from stockfold.ledger.reservations import parked
from stockfold.ledger.state import SkuState


def stock_allocated(state: SkuState, given: Input) -> Fact:
    """Soft claims harden; the excess meets shipped units, then waiting ones, then claims."""
    body = given.body
    name, units = body["allocation"], body["quantity"]
    known_key = state.allocations.get(name)
    if known_key is not None:
        return _known_allocation(state.lines[known_key], given)
    key = (body["order"], body["line"])
    known = state.lines.get(key)
    line = copied(known) if known is not None else Line(*key)
    location = intern(body["location"])
    deltas = know_channel(line, line.channel or intern(body["channel"] or ""))
    channel = line.channel
    claimed = take_reserved(line, units, location, deltas)
    rest = units - claimed
    met = min(rest, line.shipped_free)
    line.shipped_free -= met
    rest -= met
    flags: tuple[str, ...] = ()
    if line.final and rest:
        flags = ("line_cancelled",)  # It claims nothing, but it is known from now on (ruling 3).
    elif rest:
        claimed += rest
        _claim_excess(line, rest, deltas)
    if claimed:
        deltas.append((ALLOCATED, location, channel, claimed))
    line.allocations = (
        *line.allocations,
        Allocation(name, location, channel, units, claimed),
    )
    change = Change(line=line)
    line.settle()
    change.status = _status(line, "allocated", given, claimed)
    return Fact(given.type, deltas, change, flags + crossings(state, deltas))


def _status(
    line: Line, status: str, given: Input, units: int
) -> tuple[str, str, str, int, str, int]:
    return (line.reservation, status, given.type, units, "", 0)


def _known_allocation(line: Line, given: Input) -> Fact:
    """The same allocation again changes nothing; another one under its id is a conflict."""
    body = given.body
    held = next(a for a in line.allocations if a.id == body["allocation"])
    same_line = (line.order, line.line) == (body["order"], body["line"])
    if same_line and (held.location, held.quantity) == (body["location"], body["quantity"]):
        return Fact("AllocationRepeated", [])
    raise Refused(
        "payload_conflict",
        f"allocation {held.id} is known with another line, location or quantity",
        "The first stays. Deallocate it, or send a new allocation id.",
    )


def _claim_excess(line: Line, units: int, deltas: list[Delta]) -> None:
    """Beyond what was soft: waiting units, expired ones without asking, then a direct claim."""
    waiting = min(line.backordered, units)
    if waiting:
        line.backordered -= waiting
        deltas.append((BACKORDERED, "", line.channel, -waiting))
        units -= waiting
    lapsed = min(line.expired, units)
    line.expired -= lapsed
    line.lapsed = min(line.lapsed, line.expired)
    line.unordered += units - lapsed


def stock_deallocated(state: SkuState, given: Input) -> Fact:
    """Back to reserved at the allocation's location, or free; free counts as cancelled."""
    body = given.body
    name = body["allocation"]
    key = state.allocations.get(name)
    if key is None:
        return parked(state, given, "a:" + name)
    line = copied(state.lines[key])
    held = next(a for a in line.allocations if a.id == name)
    units = held.open if body["quantity"] is None else min(body["quantity"], held.open)
    to_reserved = body["to"] == "reserved" and line.live
    line.allocations = tuple(
        Allocation(a.id, a.location, a.channel, a.quantity, a.open - units) if a is held else a
        for a in line.allocations
    )
    deltas: list[Delta] = []
    if units:
        deltas.append((ALLOCATED, held.location, held.channel, -units))
    if units and to_reserved:
        line.add_reserved(held.location, units)
        deltas.append((RESERVED, held.location, line.channel, units))
    else:
        line.cancelled += units
    line.settle()
    status = _status(line, "deallocated", given, units)
    return Fact(given.type, deltas, Change(line=line, status=status))


def order_line_cancelled(state: SkuState, given: Input) -> Fact:
    """Releases what the line still has open, once, for good (ruling 1)."""
    key = (given.body["order"], given.body["line"])
    known = state.lines.get(key)
    if known is not None and known.final:
        return Fact("CancelRepeated", [])
    line = copied(known) if known is not None else Line(*key)
    units = line.open_units()
    deltas = give_back(line, line.reserved_units() + line.backordered)
    for held in line.allocations:
        if held.open:
            deltas.append((ALLOCATED, held.location, held.channel, -held.open))
    line.allocations = tuple(
        Allocation(a.id, a.location, a.channel, a.quantity, 0) for a in line.allocations
    )
    line.cancelled += units
    line.final = True
    line.live = False
    status = _status(line, "cancelled", given, units)
    return Fact(given.type, deltas, Change(line=line, status=status))
