"""The life cycles of what a SKU remembers, as literal tables, and the state that an entity is in.

The decisions do not read these tables: they are told by what the fold holds, and a test asserts
over generated histories that every transition seen is here, and every one here is seen. The
diagrams of the documentation are drawn from them. A transition is moved by the kind of a fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.ledger.entities import Change, InboundLine, Line, Return, Transfer
from stockfold.ledger.state import SkuState

Row = tuple[str, str, str]
"""(from, kind of the fact, to)."""
Entity = tuple[str, str]
"""(life cycle, id): what a transition is about."""

NONE = "none"
"""Not known yet: where every life cycle begins."""


def line_state(line: Line | None) -> str:
    """The state of a demand line."""
    if line is None:
        return NONE
    if line.final:
        return "cancelled"
    if line.open_units():
        return "partly_shipped" if line.shipped else "open"
    return "shipped" if line.shipped else "closed"


def reservation_state(line: Line | None, name: str) -> str:
    """The state of the reservation ``name`` on the line that knows it."""
    if line is None:
        return NONE
    if line.reservation != name:
        past = next((p for p in line.past if p.id == name), None)
        if past is None:
            return NONE
        return "rejected" if past.answer.status == "rejected" else "replaced"
    if line.live:
        return "waiting" if line.backordered else "held"
    if line.final:
        return "cancelled"
    if line.lapsed:
        return "expired"
    assert line.answer is not None, "a reservation that is known was answered"
    return "rejected" if line.answer.status == "rejected" else "ended"


def transfer_state(transfer: Transfer | None) -> str:
    """The state of a transfer, by its totals."""
    if transfer is None:
        return NONE
    if transfer.remainder:
        return "closed"
    sent = sum(units for _, units in transfer.dispatched)
    received = sum(units for _, units in transfer.received)
    if not transfer.dispatched:
        return "received_early"
    if received > sent:
        return "over_received"
    if received == sent:
        return "received"
    return "partly_received" if received else "dispatched"


def return_state(returned: Return | None) -> str:
    """The state of a return, by its totals."""
    if returned is None:
        return NONE
    if returned.dispositioned > returned.received:
        return "dispositioned_early"
    if not returned.received:
        return "authorized"
    if returned.dispositioned == returned.received:
        return "dispositioned"
    return "partly_dispositioned" if returned.dispositioned else "in_inspection"


def inbound_line_state(known: InboundLine | None) -> str:
    """The state of an inbound line, by its own totals: units received without a line count on the
    document alone.
    """
    if known is None:
        return NONE
    if known.revision < 0:
        closed = known.closed_first or known.closed_through is not None
        return "closed_early" if closed else "received_early"
    if not known.is_open():
        return "closed"
    if known.received >= known.quantity:
        return "complete"
    return "partly_received" if known.received else "expected"


def states(state: SkuState, change: Change) -> Iterator[tuple[Entity, str]]:
    """The state of every entity that a change names, as ``state`` holds it: before, or after."""
    if change.line is not None:
        key = (change.line.order, change.line.line)
        line = state.lines.get(key)
        yield ("order line", "/".join(key)), line_state(line)
        names = [change.line.reservation, *(p.id for p in change.line.past)]
        for name in filter(None, names):
            yield ("reservation", name), reservation_state(line, name)
    if change.transfer is not None:
        transfer = change.transfer.id
        yield ("transfer", transfer), transfer_state(state.transfers.get(transfer))
    if change.returned is not None:
        returned = change.returned.id
        yield ("return", returned), return_state(state.returns.get(returned))
    if change.inbound is not None:
        held = state.inbounds.get(change.inbound.id)
        lines = {known.line: known for known in held.lines} if held is not None else {}
        for known in change.inbound.lines:
            name = f"{change.inbound.id}/{known.line}"
            yield ("inbound line", name), inbound_line_state(lines.get(known.line))
