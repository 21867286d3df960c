"""A shipment that was told too large: the rest never left, and its line is owed again.

A secondary source told it, the authority tells less (ruling 20). What the shipment drew is given
back in the opposite order, as far as the line still has room for it; a cancelled line is final and
takes the units as cancelled.
"""

from __future__ import annotations

from stockfold.ledger.accounts import (
    ALLOCATED,
    BACKORDERED,
    CUSTOMER,
    ON_HAND,
    RESERVED,
    Delta,
)
from stockfold.ledger.entities import Ahead, Allocation, Change, Line, SecondHand, copied
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.physical import physical_fact
from stockfold.ledger.state import SkuState

Drawn = tuple[tuple[str, str, int], ...]


def line_of(fact: Fact) -> tuple[str, str] | None:
    """The line that a shipment was drawn on."""
    line = fact.change.line if fact.change is not None else None
    return None if fact.kind != "StockShipped" or line is None else (line.order, line.line)


def drawn_by(state: SkuState, fact: Fact) -> Drawn:
    """What a shipment that is not folded yet draws on its line, in the order in which it does."""
    key = line_of(fact)
    if key is None:
        return ()
    assert fact.change is not None
    after = fact.change.line
    assert after is not None
    before = state.lines.get(key) or Line(*key)
    drawn = []
    for held, left in zip(before.allocations, after.allocations, strict=True):
        drawn.append(("allocated", held.id, held.open - left.open))
    rest = dict(after.reserved)
    drawn += [("reserved", place, held - rest.get(place, 0)) for place, held in before.reserved]
    drawn += [
        (term, "", getattr(before, term) - getattr(after, term))
        for term in ("backordered", "cancelled", "expired", "rejected")
    ]
    drawn.append(("unordered", "", after.unordered - before.unordered))
    return tuple(entry for entry in drawn if entry[2])


def ship_less(state: SkuState, given: Input, told: SecondHand, units: int) -> Fact:
    """Units that a shipment told but that never left: back on the shelf, and to their line."""
    location = given.body["location"]
    deltas: list[Delta] = [(ON_HAND, location, "", units), (CUSTOMER, "", "", -units)]
    if told.line is not None:
        known = state.lines.get(told.line)
        if known is None or known.shipped < units:
            return physical_fact(state, given, deltas)  # Its line is over and was forgotten.
        line = copied(known)
        _give_back(line, told.drawn, units, location, deltas)
        return physical_fact(state, given, deltas, Change(line=line))
    waiting = state.shipped_ahead(given.body["allocation"] or "", given.body["reservation"] or "")
    for ahead in waiting:
        if (ahead.location, ahead.units) == (location, told.units):
            less = Ahead(
                state.seq + 1, ahead.allocation, ahead.reservation, location, told.units - units
            )
            return physical_fact(state, given, deltas, Change(ahead=less, met=ahead.seq))
    key = state.allocations.get(given.body["allocation"]) or state.reservations.get(
        given.body["reservation"]
    )
    if key is None:
        return physical_fact(state, given, deltas)
    # It was met in the meantime; what it drew then is not remembered.
    line = copied(state.lines[key])
    drawn = (("allocated", given.body["allocation"] or "", units),)
    _give_back(line, drawn, units, location, deltas)
    return physical_fact(state, given, deltas, Change(line=line))


def _give_back(line: Line, drawn: Drawn, units: int, location: str, deltas: list[Delta]) -> None:
    """Undo as much of what was drawn on a (copied) line; claims that return are open again."""
    line.shipped -= units
    left = units
    for term, name, taken in reversed(drawn):
        back = min(left, taken)
        if not back:
            break
        left -= back
        if term == "allocated" and _allocate_again(line, name, back, deltas):
            continue
        line.shipped_free = max(line.shipped_free - back, 0)
        if term == "unordered":
            # An order that came since has absorbed what is no longer unordered.
            known = min(back, line.unordered)
            line.unordered -= known
            _hold_again(line, location, back - known, deltas)
        elif term in {"cancelled", "expired", "rejected"}:
            setattr(line, term, getattr(line, term) + back)
            line.lapsed += back if term == "expired" else 0
        elif term == "backordered" and not line.final:
            line.backordered += back
            line.live = True
            deltas.append((BACKORDERED, "", line.channel, back))
        else:
            _hold_again(line, name if term == "reserved" else location, back, deltas)
    if left:
        line.shipped_free = max(line.shipped_free - left, 0)
        _hold_again(line, location, left, deltas)


def _allocate_again(line: Line, name: str, units: int, deltas: list[Delta]) -> bool:
    """Give units back to the allocation they were drawn from; False when it cannot take them."""
    if line.final:
        return False
    for i, held in enumerate(line.allocations):
        if held.id == name and held.open + units <= held.quantity:
            more = Allocation(
                held.id, held.location, held.channel, held.quantity, held.open + units
            )
            line.allocations = (*line.allocations[:i], more, *line.allocations[i + 1 :])
            deltas.append((ALLOCATED, held.location, held.channel, units))
            return True
    return False


def _hold_again(line: Line, location: str, units: int, deltas: list[Delta]) -> None:
    """Reserved where they lie; without a reservation they count as cancelled (ruling 14)."""
    if not units:
        return
    if line.final or not line.reservation:
        line.cancelled += units
        return
    line.add_reserved(location, units)
    line.live = True
    deltas.append((RESERVED, location, line.channel, units))
