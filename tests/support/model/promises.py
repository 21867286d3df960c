"""Reservation commands, expiry and backorders: soft claims."""

from __future__ import annotations

from .floor import meet_shipment
from .lines import Line, Reservation
from .log import Refused
from .sourcing import choose
from .state import Parked, State

SAME = ("order", "line", "channel", "quantity")  # what a repeated reservation may not change


def reserve(state: State, body: dict, now_us: int) -> None:
    """ReserveStock: asks for quantity less what its line has open or shipped (ruling 5)."""
    name = body["reservation"]
    known = state.reservations.get(name)
    if known is not None:
        if any(getattr(known, key) != body[key] for key in SAME):
            raise Refused("payload_conflict")  # Ruling 23: an exception, changes nothing.
        _repeat(state, known, body)
        return
    line = state.line(body["order"], body["line"])
    if line.holder is not None and line.holder.live and line.open:
        # Ruling 23: a second id is refused while the first is open.
        state.log.answer(name, "ReserveStock", "refused", 0, "line_reserved_by_another")
        return
    for early in state.unpark("reservation", name, "StockShipped"):
        # Ruling 5: what was shipped against this reservation is met before anything is asked.
        meet_shipment(state, line, early.body)
    reservation = _make(body)
    state.reservations[name] = reservation
    line.channel = body["channel"]  # Ruling 18: now the line's claims have a channel.
    absorbed = min(body["quantity"], line.unordered)  # Ruling 5: it absorbs unordered first.
    line.unordered -= absorbed
    line.ordered += absorbed
    ask = max(body["quantity"] - line.open - line.shipped, 0)
    if line.over:
        # Ruling 1: cancel is final. Lead: what is beyond the closed units grows both sides.
        beyond = max(ask - line.closed, 0)
        line.ordered += beyond
        line.rejected += beyond
        reservation.live = False
        _answer(state, reservation, "ReserveStock", ("rejected", ask, "line_cancelled"))
        return
    if line.holder is not None:
        line.holder.live = False
    line.holder = reservation
    # Lead: the ask first reopens closed units (ruling 23), the rest of it is new demand.
    line.ordered += ask - line.take(ask, "cancelled", "expired", "rejected")
    _answer(state, reservation, "ReserveStock", _source(state, line, reservation, ask))


def extend(state: State, body: dict, now_us: int) -> None:
    """ExtendReservation: moves the expiry; asks expired units again (ruling 10)."""
    reservation = state.reservations[body["reservation"]]
    line = state.line_of(reservation)
    ask = _expired_ask(line, reservation)
    if ask and line.over:
        state.log.answer(reservation.id, "ExtendReservation", "refused", 0, "line_cancelled")
    elif ask:
        reservation.expires_at = body.get("expires_at")
        _answer(state, reservation, "ExtendReservation", _ask_again(state, line, reservation, ask))
    elif reservation.live:
        reservation.expires_at = body.get("expires_at")
        state.log.answer(reservation.id, "ExtendReservation", "extended", line.soft)
    else:
        # Choice: nothing open and nothing expired leaves nothing to extend.
        state.log.answer(reservation.id, "ExtendReservation", "refused", 0, "reservation_closed")


def move(state: State, body: dict, now_us: int) -> None:
    """MoveReservation: all reserved units to one location, or nothing (ruling 24)."""
    reservation = state.reservations[body["reservation"]]
    line, target = state.line_of(reservation), body["location"]
    mine = line.holder is reservation
    held = {p: n for p, n in line.reserved.items() if n} if mine else {}
    if not held:  # Ruling 10: an expired one is refused; so is one that only waits.
        reason = "expired" if reservation.lapsed and mine else "nothing_reserved"
        state.log.answer(reservation.id, "MoveReservation", "refused", 0, reason)
        return
    moving = sum(n for place, n in held.items() if place != target)
    if max(state.atp()[target], 0) < moving:
        state.log.answer(reservation.id, "MoveReservation", "refused", 0, "target_cannot_take")
        return
    line.reserved = {target: sum(held.values())}
    state.log.answer(reservation.id, "MoveReservation", "moved", moving)


def release(state: State, body: dict, now_us: int) -> None:
    """ReleaseReservation: backordered first, then the last preference (ruling 25)."""
    reservation = state.reservations[body["reservation"]]
    line = state.line_of(reservation)
    soft = line.soft if line.holder is reservation else 0
    asked = body.get("quantity")
    quantity = soft if asked is None else min(asked, soft)  # Lead: beyond open releases open.
    left = quantity - line.take(quantity, "backordered")
    line.take_reserved(left, line.preference()[::-1])
    line.cancelled += quantity  # Ruling 2: released counts as cancelled.
    line.settle()
    state.log.answer(reservation.id, "ReleaseReservation", "released", quantity)


COMMANDS = {
    "ReserveStock": reserve,
    "ExtendReservation": extend,
    "MoveReservation": move,
    "ReleaseReservation": release,
}


def command(state: State, event_type: str, body: dict, now_us: int) -> None:
    """One reservation command; parked when its reservation is not known yet (ruling 26)."""
    name = body["reservation"]
    if event_type != "ReserveStock" and name not in state.reservations:
        state.parked.append(Parked([("reservation", name)], event_type, body))
        return
    COMMANDS[event_type](state, body, now_us)
    if name in state.reservations:
        for parked in state.unpark("reservation", name):  # Ruling 34: after the input's own.
            COMMANDS[parked.event_type](state, parked.body, now_us)


def expire(state: State, now_us: int) -> bool:
    """End what is due: reserved and backordered, never allocated (ruling 10). True if any."""
    due = [
        r
        for r in state.reservations.values()
        if r.expires_at is not None
        and now_us >= r.expires_at
        and state.line_of(r).holder is r
        and state.line_of(r).soft
    ]
    for reservation in sorted(due, key=lambda r: (r.expires_at, r.id)):
        line = state.line_of(reservation)
        quantity = line.soft
        line.reserved, line.backordered = {}, 0
        line.expired += quantity
        reservation.live, reservation.lapsed = False, True
        state.log.answer(reservation.id, "", "expired", quantity)
    return bool(due)


def serve_backorders(state: State) -> bool:
    """Give what there is to those who wait, in order (Reservations, ruling 11). True if any."""
    waiting = [ln.holder for ln in state.lines.values() if ln.backordered and ln.holder]
    any_served = False
    for reservation in sorted(waiting, key=lambda r: (-r.priority, r.waiting_since)):
        line = state.line_of(reservation)
        held = choose(
            line.backordered,
            _places(line, reservation),
            state.atp(),
            state.cap(line.channel),
            allow_split=reservation.allow_split,
            allow_partial=reservation.allow_partial,
        )
        quantity = sum(held.values())
        if quantity:  # One that waits as a whole and does not fit is passed over.
            line.backordered -= quantity
            line.add_reserved(held)
            state.log.answer(reservation.id, "", "backorder_confirmed", quantity)
            any_served = True
    return any_served


def _places(line: Line, reservation: Reservation) -> list[str]:
    """Ruling 9: a line without allow_split stays where it holds a part, allocated ones included.

    Choice: a backorder keeps its list after a move (ruling 24), so it waits for places that are
    both listed and held.
    """
    held = {p for p, n in line.reserved.items() if n}
    held |= {a.location for a in line.allocations if a.open}
    if reservation.allow_split or not held:
        return reservation.locations
    return [p for p in reservation.locations if p in held]


def _make(body: dict) -> Reservation:
    return Reservation(
        id=body["reservation"],
        order=body["order"],
        line=body["line"],
        channel=body["channel"],
        quantity=body["quantity"],
        locations=list(body["locations"]),
        allow_split=body.get("allow_split", False),
        allow_partial=body.get("allow_partial", False),
        allow_backorder=body.get("allow_backorder", False),
        priority=body.get("priority", 0),
        expires_at=body.get("expires_at"),
    )


def _repeat(state: State, known: Reservation, body: dict) -> None:
    """Repeating it repeats the answer; expired units are asked again (rulings 10 and 23)."""
    line = state.line_of(known)
    ask = _expired_ask(line, known)
    if ask and line.over:
        state.log.answer(known.id, "ReserveStock", "rejected", ask, "line_cancelled")
    elif ask:
        known.expires_at, known.locations = body.get("expires_at"), list(body["locations"])
        _answer(state, known, "ReserveStock", _ask_again(state, line, known, ask))
    else:
        state.log.answer(known.id, "ReserveStock", *known.answer)


def _expired_ask(line: Line, reservation: Reservation) -> int:
    """Expired units that this reservation would ask again."""
    if line.holder is not reservation or not reservation.lapsed:
        return 0
    return min(line.expired, max(reservation.quantity - line.open - line.shipped, 0))


def _ask_again(
    state: State, line: Line, reservation: Reservation, ask: int
) -> tuple[str, int, str]:
    line.expired -= ask
    reservation.live, reservation.lapsed = True, False
    return _source(state, line, reservation, ask)


def _source(state: State, line: Line, reservation: Reservation, ask: int) -> tuple[str, int, str]:
    """Hold, let wait or reject the units of an ask; (status, quantity, reason)."""
    held: dict[str, int] = {}
    if ask:
        held = choose(
            ask,
            reservation.locations,
            state.atp(),
            state.cap(line.channel),
            allow_split=reservation.allow_split,
            allow_partial=reservation.allow_partial,
        )
    taken = sum(held.values())
    rest = ask - taken
    room = state.room(line.channel)
    waiting, reason = 0, "" if taken else "insufficient_stock"
    if rest and reservation.allow_backorder:
        if room is None or rest <= room:
            waiting = rest
        elif reservation.allow_partial:  # Ruling 19: beyond the limit the rest is rejected.
            waiting = room
        if waiting < rest:
            reason = "backorder_limit"
    line.add_reserved(held)
    line.backordered += waiting
    line.rejected += rest - waiting
    if waiting:
        state.turns += 1
        reservation.waiting_since = state.turns
    line.settle()
    if taken == ask:
        return "confirmed", taken, ""
    if taken:
        return "partially_confirmed", taken, ""
    if waiting:
        return "backordered", waiting, ""
    reservation.live = False  # rejected whole
    return "rejected", ask, reason


def _answer(
    state: State, reservation: Reservation, command_name: str, answer: tuple[str, int, str]
) -> None:
    reservation.answer = answer
    state.log.answer(reservation.id, command_name, *answer)
