"""The life cycles of what a SKU remembers, as literal tables, and the state that an entity is in.

The decisions do not read these tables: they are told by what the fold holds, and a test asserts
over generated histories that every transition seen is here, and every one here is seen. The
diagrams of the documentation are drawn from them. A transition is moved by the kind of a fact.
"""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.ledger.entities import Change, InboundLine, Line, Return, Transfer
from stockfold.ledger.state import SkuState

Edge = tuple[str, str, tuple[str, ...]]
"""(from, to, kinds of the facts that move it). A fact may also leave an entity as it is."""
Entity = tuple[str, str]
"""(life cycle, id): what a transition is about."""

NONE = "none"
"""Not known yet: where every life cycle begins."""


LIFE_CYCLES: dict[str, tuple[Edge, ...]] = {
    "reservation": (
        ("none", "held", ("ReservationConfirmed", "ReservationPartiallyConfirmed")),
        ("none", "waiting", ("ReservationBackordered", "ReservationPartiallyConfirmed")),
        ("none", "ended", ("ReservationConfirmed",)),
        ("none", "rejected", ("ReservationRejected",)),
        ("held", "expired", ("ReservationExpired",)),
        (
            "held",
            "ended",
            ("ReservationReleased", "ShipmentMet", "StockDeallocated", "StockShipped"),
        ),
        ("held", "cancelled", ("OrderLineCancelled",)),
        ("waiting", "held", ("BackorderConfirmed", "ReservationReleased", "StockAllocated")),
        ("waiting", "expired", ("ReservationExpired",)),
        ("waiting", "ended", ("ReservationReleased", "ShipmentMet", "StockShipped")),
        ("waiting", "cancelled", ("OrderLineCancelled",)),
        ("expired", "held", ("ReservationConfirmed", "ReservationPartiallyConfirmed")),
        ("expired", "waiting", ("ReservationBackordered", "ReservationPartiallyConfirmed")),
        ("expired", "ended", ("ShipmentMet", "StockAllocated", "StockShipped")),
        ("expired", "rejected", ("ReservationRejected",)),
        (
            "expired",
            "replaced",
            (
                "ReservationBackordered",
                "ReservationConfirmed",
                "ReservationPartiallyConfirmed",
                "ReservationRejected",
            ),
        ),
        ("expired", "cancelled", ("OrderLineCancelled",)),
        (
            "ended",
            "replaced",
            (
                "ReservationBackordered",
                "ReservationConfirmed",
                "ReservationPartiallyConfirmed",
                "ReservationRejected",
            ),
        ),
        ("ended", "cancelled", ("OrderLineCancelled",)),
        ("rejected", "cancelled", ("OrderLineCancelled",)),
    ),
    "order line": (
        (
            "none",
            "open",
            (
                "ReservationBackordered",
                "ReservationConfirmed",
                "ReservationPartiallyConfirmed",
                "StockAllocated",
            ),
        ),
        ("none", "shipped", ("ShipmentMet", "StockShipped")),
        ("none", "closed", ("ReservationRejected",)),
        ("none", "cancelled", ("OrderLineCancelled",)),
        ("open", "partly_shipped", ("ShipmentMet", "StockShipped")),
        ("open", "shipped", ("ShipmentMet", "StockShipped")),
        ("open", "closed", ("ReservationExpired", "ReservationReleased", "StockDeallocated")),
        ("open", "cancelled", ("OrderLineCancelled",)),
        (
            "partly_shipped",
            "shipped",
            (
                "ReservationExpired",
                "ReservationReleased",
                "ShipmentMet",
                "StockDeallocated",
                "StockShipped",
            ),
        ),
        ("partly_shipped", "cancelled", ("OrderLineCancelled",)),
        (
            "shipped",
            "partly_shipped",
            (
                "ReservationBackordered",
                "ReservationConfirmed",
                "ReservationPartiallyConfirmed",
                "StockAllocated",
            ),
        ),
        ("shipped", "cancelled", ("OrderLineCancelled",)),
        (
            "closed",
            "open",
            (
                "ReservationBackordered",
                "ReservationConfirmed",
                "ReservationPartiallyConfirmed",
                "StockAllocated",
            ),
        ),
        ("closed", "shipped", ("ShipmentMet", "StockShipped")),
        ("closed", "cancelled", ("OrderLineCancelled",)),
    ),
    "transfer": (
        ("none", "received_early", ("TransferReceived",)),
        ("none", "dispatched", ("TransferDispatched",)),
        ("none", "closed", ("TransferClosed",)),
        ("received_early", "partly_received", ("TransferDispatched",)),
        ("received_early", "received", ("TransferDispatched",)),
        ("received_early", "over_received", ("TransferDispatched",)),
        ("received_early", "closed", ("TransferClosed",)),
        ("dispatched", "partly_received", ("TransferReceived",)),
        ("dispatched", "received", ("TransferReceived",)),
        ("dispatched", "over_received", ("TransferReceived",)),
        ("dispatched", "closed", ("TransferClosed",)),
        ("partly_received", "received", ("TransferReceived",)),
        ("partly_received", "over_received", ("TransferReceived",)),
        ("partly_received", "closed", ("TransferClosed",)),
        ("received", "partly_received", ("TransferDispatched",)),
        ("received", "over_received", ("TransferReceived",)),
        ("received", "closed", ("TransferClosed",)),
        ("over_received", "partly_received", ("TransferDispatched",)),
        ("over_received", "received", ("TransferDispatched",)),
        ("over_received", "closed", ("TransferClosed",)),
    ),
    "return": (
        ("none", "authorized", ("ReturnAuthorized",)),
        ("none", "in_inspection", ("ReturnReceived",)),
        ("none", "dispositioned_early", ("ReturnDispositioned",)),
        ("authorized", "in_inspection", ("ReturnReceived",)),
        ("authorized", "dispositioned_early", ("ReturnDispositioned",)),
        ("in_inspection", "partly_dispositioned", ("ReturnDispositioned",)),
        ("in_inspection", "dispositioned", ("ReturnDispositioned",)),
        ("in_inspection", "dispositioned_early", ("ReturnDispositioned",)),
        ("partly_dispositioned", "dispositioned", ("ReturnDispositioned",)),
        ("partly_dispositioned", "dispositioned_early", ("ReturnDispositioned",)),
        ("dispositioned", "partly_dispositioned", ("ReturnReceived",)),
        ("dispositioned", "dispositioned_early", ("ReturnDispositioned",)),
        ("dispositioned_early", "partly_dispositioned", ("ReturnReceived",)),
        ("dispositioned_early", "dispositioned", ("ReturnReceived",)),
    ),
    "inbound line": (
        ("none", "received_early", ("GoodsReceived",)),
        ("none", "closed_early", ("GoodsReceived", "InboundClosed")),
        ("none", "expected", ("InboundExpected",)),
        ("none", "complete", ("InboundExpected",)),
        ("none", "closed", ("InboundExpected",)),
        ("received_early", "closed_early", ("InboundClosed",)),
        ("received_early", "partly_received", ("InboundExpected",)),
        ("received_early", "complete", ("InboundExpected",)),
        ("closed_early", "expected", ("InboundExpected",)),
        ("closed_early", "partly_received", ("InboundExpected",)),
        ("closed_early", "complete", ("InboundExpected",)),
        ("closed_early", "closed", ("InboundExpected",)),
        ("expected", "partly_received", ("GoodsReceived",)),
        ("expected", "complete", ("GoodsReceived", "InboundExpected")),
        ("expected", "closed", ("InboundClosed",)),
        ("partly_received", "complete", ("GoodsReceived", "InboundExpected")),
        ("partly_received", "closed", ("InboundClosed",)),
        ("complete", "expected", ("InboundExpected",)),
        ("complete", "partly_received", ("InboundExpected",)),
        ("complete", "closed", ("InboundClosed",)),
        ("closed", "expected", ("InboundExpected",)),
        ("closed", "partly_received", ("InboundExpected",)),
        ("closed", "complete", ("InboundExpected",)),
    ),
}

MEANINGS: dict[str, dict[str, str]] = {
    "reservation": {
        "held": "Open: every unit that was granted has stock behind it, soft or hard.",
        "waiting": "Open: some units wait for stock.",
        "expired": "Its time came while it was open; asked again, it is decided anew.",
        "ended": "Nothing of it is open: shipped, released or deallocated.",
        "rejected": "Refused whole.",
        "replaced": "Another reservation of the line came after it had closed.",
        "cancelled": "Its line was cancelled.",
    },
    "order line": {
        "open": "Units are reserved, allocated or wait; none has shipped.",
        "partly_shipped": "Units have shipped, others are still open.",
        "shipped": "Units have shipped, none is open.",
        "closed": "No unit is open, none has shipped: expired, released or rejected.",
        "cancelled": "Cancelled for good.",
    },
    "transfer": {
        "received_early": "Units arrived before any dispatch was told.",
        "dispatched": "Units are on their way, none has arrived.",
        "partly_received": "Some have arrived.",
        "received": "As many have arrived as were dispatched.",
        "over_received": "More have arrived than were dispatched.",
        "closed": "The rest was settled, also of what comes after.",
    },
    "return": {
        "authorized": "Announced; nothing has come.",
        "in_inspection": "Units have come back, none is dispositioned.",
        "partly_dispositioned": "Some are dispositioned.",
        "dispositioned": "As many are dispositioned as came back.",
        "dispositioned_early": "More are dispositioned than have been told to come back.",
    },
    "inbound line": {
        "received_early": "Units arrived before the line was told.",
        "closed_early": "Closed before the line was told.",
        "expected": "Told; nothing has come.",
        "partly_received": "Some have come.",
        "complete": "All that was ordered has come.",
        "closed": "What remains is no longer expected.",
    },
}
"""What each state means, for the documentation."""


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
