"""What the ledger does by itself around an input: expiry, and serving backorders."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.ledger.accounts import BACKORDERED, RESERVED, Delta
from stockfold.ledger.claims import give_back
from stockfold.ledger.entities import Change, Line, copied
from stockfold.ledger.facts import Fact
from stockfold.ledger.sourcing import allowance, find_places
from stockfold.ledger.state import LineKey, SkuState


def take_due(state: SkuState, now_us: int) -> Iterator[LineKey]:
    """Lines whose reservation is due: now >= expires_at (ruling 10), oldest expiry first."""
    expiring = state.expiring
    while expiring and (first := expiring.first()) is not None and first[0] <= now_us:
        key = expiring.take_first()
        assert key is not None, "it has a first"
        yield key


def next_expiry_us(state: SkuState) -> int:
    """The earliest expiry among open reservations; 0 when none expires."""
    first = state.expiring.first() if state.expiring else None
    return 0 if first is None else first[0]


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
