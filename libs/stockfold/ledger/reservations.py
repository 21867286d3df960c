"""Reservation commands: the only inputs that may be refused (semantics.md, "Reservations").

One reservation per demand line. What a line already has open or shipped is not asked again, and
units that the floor claimed or shipped before the order are absorbed first (ruling 5).
"""

from __future__ import annotations

from sys import intern

from stockfold.ledger.accounts import BACKORDERED, RESERVED, Delta
from stockfold.ledger.claims import give_back, know_channel
from stockfold.ledger.entities import Answer, Change, Line, Parked, PastReservation, copied
from stockfold.ledger.facts import Fact, Input, Refused
from stockfold.ledger.sourcing import allowance, backorder_room, find_places
from stockfold.ledger.state import SkuState

Status = tuple[str, str, str, int, str, int]
"""(reservation, status, command, quantity, reason, available)."""

KIND_OF_STATUS = {
    "confirmed": "ReservationConfirmed",
    "partially_confirmed": "ReservationPartiallyConfirmed",
    "backordered": "ReservationBackordered",
    "rejected": "ReservationRejected",
}


def reserve_stock(state: SkuState, given: Input) -> Fact:
    """ReserveStock: decide what of the line is held, waits, or is rejected."""
    body = given.body
    name = body["reservation"]
    key = (body["order"], body["line"])
    known_key = state.reservations.get(name)
    if known_key is not None:
        return _repeat(state, given, state.lines[known_key])
    known = state.lines.get(key)
    if known is None:
        line = Line(*key, ordered=body["quantity"], channel=intern(body["channel"]))
        _take_terms(line, given)
        return _ask(state, line, given, line.ordered, [])
    line = copied(known)
    if line.live:
        return _refused(line, name, given, "line_reserved_by_another")
    if line.final:
        return _reserve_on_cancelled(line, given)
    if line.reservation and line.answer is not None:
        line.past = (*line.past, PastReservation(line.reservation, line.quantity, line.answer))
    _take_terms(line, given)
    deltas = know_channel(line, intern(body["channel"]))
    absorbed = min(body["quantity"], line.unordered)
    line.unordered -= absorbed
    line.ordered += absorbed
    ask = max(0, body["quantity"] - line.open_units() - line.shipped)
    line.ordered += ask - _reopen(line, ask)
    return _ask(state, line, given, ask, deltas)


def opens_line(state: SkuState, given: Input) -> bool:
    """Whether ReserveStock makes its reservation known: it is new, and its line is free."""
    body = given.body
    line = state.lines.get((body["order"], body["line"]))
    return body["reservation"] not in state.reservations and not (line is not None and line.live)


def _reserve_on_cancelled(line: Line, given: Input) -> Fact:
    """A cancelled line is final: what is asked beyond its closed units is rejected (ruling 1)."""
    name, quantity = given.body["reservation"], given.body["quantity"]
    absorbed = min(quantity, line.unordered)
    line.unordered -= absorbed
    line.ordered += absorbed
    ask = max(0, quantity - line.open_units() - line.shipped)
    beyond = max(ask - line.closed_units(), 0)
    line.ordered += beyond
    line.rejected += beyond
    answer = Answer("rejected", ask, "line_cancelled")
    line.past = (*line.past, PastReservation(name, quantity, answer))
    line.channel = line.channel or intern(given.body["channel"])
    change = Change(line=line, status=_status(name, given, answer))
    return Fact("ReservationRejected", [], change)


def _other_payload(name: str) -> Refused:
    return Refused(
        "payload_conflict",
        f"reservation {name} is known with another order, line, channel or quantity",
        "The first stays. Send a new reservation id, or release the first.",
    )


def _repeat(state: SkuState, given: Input, known: Line) -> Fact:
    """The same reservation again: the answer again, or its expired units asked again."""
    body = given.body
    name = body["reservation"]
    current = known.reservation == name
    past = next((p for p in known.past if p.id == name), None)
    quantity = known.quantity if current or past is None else past.quantity
    if (known.order, known.line, known.channel, quantity) != (
        body["order"],
        body["line"],
        body["channel"],
        body["quantity"],
    ):
        raise _other_payload(name)
    if current and known.lapsed and known.final:
        answer = Answer("rejected", lapsed_ask(known), "line_cancelled")
        return Fact("ReservationRepeated", [], Change(status=_status(name, given, answer)))
    if current and lapsed_ask(known):
        line = copied(known)
        line.expires_us = body["expires_at"] or 0
        line.locations = _places(given)
        return ask_lapsed(state, line, given)
    told = known.answer if current or past is None else past.answer
    assert told is not None
    return Fact("ReservationRepeated", [], Change(status=_status(name, given, told)))


def _status(name: str, given: Input, answer: Answer) -> Status:
    return (name, answer.status, given.type, answer.quantity, answer.reason, answer.available)


def _places(given: Input) -> tuple[str, ...]:
    return tuple(dict.fromkeys(map(intern, given.body["locations"])))


def lapsed_ask(line: Line) -> int:
    """Expired units that the reservation would ask again."""
    return min(line.lapsed, max(line.quantity - line.open_units() - line.shipped, 0))


def ask_lapsed(state: SkuState, line: Line, given: Input) -> Fact:
    """Ask the expired units of a (copied) line again, against today's stock (ruling 10)."""
    ask = lapsed_ask(line)
    line.lapsed = 0
    line.expired -= ask
    return _ask(state, line, given, ask, [])


def _take_terms(line: Line, given: Input) -> None:
    """Copy the command's terms onto a (copied) line."""
    body = given.body
    line.reservation = body["reservation"]
    line.quantity = body["quantity"]
    line.locations = _places(given)
    line.split = body["allow_split"]
    line.partial = body["allow_partial"]
    line.backorder = body["allow_backorder"]
    line.needed_on = body["needed_on"]
    supply = body["supply_line"]
    line.supply = (supply["inbound"], supply["line"]) if supply is not None else None
    line.expires_us = body["expires_at"] or 0
    line.priority = body["priority"]


def _reopen(line: Line, ask: int) -> int:
    """Asked units that had been closed are no longer: cancelled, then expired, then rejected."""
    left = ask
    taken = min(line.cancelled, left)
    line.cancelled -= taken
    left -= taken
    taken = min(line.expired, left)
    line.expired -= taken
    left -= taken
    taken = min(line.rejected, left)
    line.rejected -= taken
    left -= taken
    line.lapsed = 0
    return ask - left


def _ask(state: SkuState, line: Line, given: Input, ask: int, deltas: list[Delta]) -> Fact:
    """Source ``ask`` units for a (copied) line; the rest waits or is rejected (rulings 8, 9)."""
    if not ask:
        line.live = True
        line.settle()
        line.answer = Answer("confirmed", 0)
        return _answered(line, given, deltas)
    channel = line.channel
    bound = allowance(state, channel)
    places = find_places(state, line.locations, ask, bound, split=line.split, partial=line.partial)
    held = 0
    for location, units in places:
        held += units
        line.add_reserved(location, units)
        deltas.append((RESERVED, location, channel, units))
    rest = ask - held
    waits = 0
    if rest and line.backorder:
        room = backorder_room(state, channel)
        waits = min(rest, room) if line.partial else (rest if rest <= room else 0)
    if waits:
        line.backordered += waits
        line.waiting_seq = state.seq + 1
        deltas.append((BACKORDERED, "", channel, waits))
    rejected = rest - waits
    line.rejected += rejected
    reason = "backorder_limit" if line.backorder else "insufficient_stock"
    line.live = bool(held or waits)
    if not rest:
        line.answer = Answer("confirmed", held)
    elif held:
        line.answer = Answer("partially_confirmed", held, reason if rejected else "")
    elif waits:
        line.answer = Answer("backordered", waits, reason if rejected else "")
    else:
        available = min(sum(max(state.atp(place), 0) for place in line.locations), max(bound, 0))
        line.answer = Answer("rejected", rejected, reason, available)
    return _answered(line, given, deltas)


def _answered(line: Line, given: Input, deltas: list[Delta]) -> Fact:
    answer = line.answer
    assert answer is not None
    status = _status(line.reservation, given, answer)
    return Fact(KIND_OF_STATUS[answer.status], deltas, Change(line=line, status=status))


def _refused(line: Line, name: str, given: Input, reason: str, available: int = 0) -> Fact:
    """A refused command changes nothing but is remembered: repeated, it is a repeat (ruling 22)."""
    status = (name, "refused", given.type, 0, reason, available)
    note: dict[str, object] = {"order": line.order, "line": line.line}
    return Fact("CommandRefused", [], Change(status=status, note=note))


def parked(state: SkuState, given: Input, waits_for: str) -> Fact:
    """A command before its entity waits for it (ruling 26)."""
    entry = Parked(
        state.seq + 1,
        waits_for,
        given.type,
        dict(given.body),
        given.source,
        given.event_id,
        given.correlation_id,
        given.occurred_us,
        given.caused_us,
        given.topic,
        given.partition,
        given.offset,
        given.schema_id,
        given.payload_hash,
    )
    return Fact("Parked", [], Change(park=entry))


def _line_of(state: SkuState, name: str) -> Line | None:
    key = state.reservations.get(name)
    return state.lines[key] if key is not None else None


def extend_reservation(state: SkuState, given: Input) -> Fact:
    """A new expiry; expired units are asked again with it."""
    name = given.body["reservation"]
    known = _line_of(state, name)
    if known is None:
        return parked(state, given, "r:" + name)
    if known.reservation != name:
        return _refused(known, name, given, "replaced_by_another")
    line = copied(known)
    line.expires_us = given.body["expires_at"] or 0
    if lapsed_ask(line):
        if line.final:
            return _refused(known, name, given, "line_cancelled")
        return ask_lapsed(state, line, given)
    if not line.live:
        return _refused(known, name, given, "reservation_closed")
    status = (name, "extended", given.type, line.reserved_units() + line.backordered, "", 0)
    return Fact("ReservationExtended", [], Change(line=line, status=status))


def move_reservation(state: SkuState, given: Input) -> Fact:
    """All reserved units to one location, or nothing (ruling 24)."""
    name, target = given.body["reservation"], given.body["location"]
    known = _line_of(state, name)
    if known is None:
        return parked(state, given, "r:" + name)
    if known.reservation != name:
        return _refused(known, name, given, "replaced_by_another")
    if not known.reserved:
        return _refused(known, name, given, "nothing_reserved")
    elsewhere = [(place, units) for place, units in known.reserved if place != target]
    units = sum(held for _, held in elsewhere)
    available = max(state.atp(target), 0)
    if units > available:
        return _refused(known, name, given, "target_cannot_take", available)
    line = copied(known)
    deltas: list[Delta] = []
    for place, held in elsewhere:
        line.add_reserved(place, -held)
        line.add_reserved(target, held)
        deltas.append((RESERVED, place, line.channel, -held))
        deltas.append((RESERVED, target, line.channel, held))
    status = (name, "moved", given.type, units, "", 0)
    return Fact("ReservationMoved", deltas, Change(line=line, status=status))


def release_reservation(state: SkuState, given: Input) -> Fact:
    """Backordered units first, then reserved ones from the last preference (ruling 25)."""
    name, quantity = given.body["reservation"], given.body["quantity"]
    known = _line_of(state, name)
    if known is None:
        return parked(state, given, "r:" + name)
    line = copied(known)
    mine = known.reservation == name
    open_soft = line.reserved_units() + line.backordered if mine else 0
    asked = open_soft if quantity is None else min(quantity, open_soft)
    deltas = give_back(line, asked)
    line.cancelled += asked
    line.settle()
    status = (name, "released", given.type, asked, "", 0)
    return Fact("ReservationReleased", deltas, Change(line=line, status=status))
