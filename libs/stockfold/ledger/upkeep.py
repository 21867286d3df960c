"""What the ledger does by itself around an input: expiry, and serving backorders."""

from __future__ import annotations

from stockfold.ledger.accounts import BACKORDERED, RESERVED, Delta
from stockfold.ledger.claims import give_back
from stockfold.ledger.entities import Change, Line, copied
from stockfold.ledger.facts import Fact
from stockfold.ledger.sourcing import allowance, find_places
from stockfold.ledger.state import LineKey, SkuState


def due_lines(state: SkuState, now_us: int) -> list[LineKey]:
    """Lines whose reservation is due: now >= expires_at (ruling 10), oldest expiry first."""
    due = [key for key in state.expiring if state.lines[key].expires_us <= now_us]
    due.sort(key=lambda key: (state.lines[key].expires_us, key))
    return due


def next_expiry_us(state: SkuState) -> int:
    """The earliest expiry among open reservations; 0 when none expires."""
    return min((state.lines[key].expires_us for key in state.expiring), default=0)


def expire(known: Line) -> Fact:
    """Reserved and backordered units lapse; allocated ones never do."""
    line = copied(known)
    units = line.reserved_units() + line.backordered
    deltas = give_back(line, units)
    line.expired += units
    line.lapsed += units
    line.live = False
    status = (line.reservation, "expired", "", units, "", 0)
    return Fact("ReservationExpired", deltas, Change(line=line, status=status))


def backorders_in_order(state: SkuState) -> list[LineKey]:
    """Waiting lines: higher priority first, then the order in which they began to wait."""
    return sorted(
        state.waiting,
        key=lambda key: (-state.lines[key].priority, state.lines[key].waiting_seq, key),
    )


def confirm_backorder(state: SkuState, known: Line) -> Fact | None:
    """Serve a waiting line if stock allows; a whole that does not fit waits on (ruling 11)."""
    bound = allowance(state, known.channel)
    locations = known.places_to_wait()
    places = find_places(
        state, locations, known.backordered, bound, split=known.split, partial=known.partial
    )
    if not places:
        return None
    line = copied(known)
    deltas: list[Delta] = []
    held = 0
    for location, units in places:
        held += units
        line.add_reserved(location, units)
        deltas.append((RESERVED, location, line.channel, units))
    line.backordered -= held
    deltas.append((BACKORDERED, "", line.channel, -held))
    status = (line.reservation, "backorder_confirmed", "", held, "", 0)
    return Fact("BackorderConfirmed", deltas, Change(line=line, status=status))
