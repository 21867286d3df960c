"""The life cycle of an order, as a literal table. A move that is not here is a defect of ours.

The diagram of the documentation is drawn from it. A move is a ``Moved`` fact of the order journal;
its reason is one of those that the edge lists.
"""

from __future__ import annotations

from stockfold.domain.errors import DefectError

Edge = tuple[str, str, tuple[str, ...]]
"""(from, to, reasons)."""

NEW = "new"
SUSPENDED = "suspended"
RESERVING = "reserving"
COMPENSATING = "compensating"
RETRYING = "retrying"
HELD = "held"
CONFIRMED = "confirmed"
PARTIAL = "partial"
BACKORDERED = "backordered"
REJECTED = "rejected"
LAPSED = "lapsed"
RELEASED = "released"
FULFILLED = "fulfilled"

WAITING = frozenset({RESERVING, COMPENSATING, RETRYING})
"""The order waits for the ledger or for time; until then nothing is final."""

MEANINGS: dict[str, str] = {
    NEW: "nothing has been asked for it yet",
    SUSPENDED: "a SKU mapping or tax code is missing; it goes on when that is repaired",
    RESERVING: "its lines are being reserved",
    COMPENSATING: "a line failed: what was newly reserved is given back",
    RETRYING: "everything is given back; another attempt follows after a pause",
    HELD: "every line is held until it is paid",
    CONFIRMED: "every line is reserved",
    PARTIAL: "some units are reserved, others could not be",
    BACKORDERED: "accepted; some units wait for stock",
    REJECTED: "nothing could be reserved",
    LAPSED: "what was held has expired",
    RELEASED: "cancelled, failed, withdrawn, refused by a review or not placed: nothing is held",
    FULFILLED: "everything that is still asked for has shipped",
}

LIFE_CYCLE: tuple[Edge, ...] = (
    (NEW, SUSPENDED, ("mapping_missing",)),
    (NEW, RESERVING, ("told",)),
    (NEW, RELEASED, ("nothing_asked",)),
    (RESERVING, COMPENSATING, ("line_failed", "no_answer", "withdrawn")),
    (RESERVING, HELD, ("complete",)),
    (RESERVING, CONFIRMED, ("complete",)),
    (RESERVING, PARTIAL, ("complete",)),
    (RESERVING, BACKORDERED, ("complete",)),
    (RESERVING, REJECTED, ("complete",)),
    (RESERVING, LAPSED, ("complete",)),
    (RESERVING, RELEASED, ("complete",)),
    (RESERVING, FULFILLED, ("complete",)),
    (COMPENSATING, RETRYING, ("given_back", "no_answer")),
    (COMPENSATING, HELD, ("given_up",)),
    (COMPENSATING, CONFIRMED, ("given_up",)),
    (COMPENSATING, PARTIAL, ("given_up",)),
    (COMPENSATING, BACKORDERED, ("given_up",)),
    (COMPENSATING, REJECTED, ("given_up",)),
    (COMPENSATING, LAPSED, ("given_up",)),
    (COMPENSATING, RELEASED, ("given_up",)),
    (COMPENSATING, FULFILLED, ("given_up",)),
    (RETRYING, RESERVING, ("retry", "told")),
    (RETRYING, PARTIAL, ("withdrawn",)),
    (RETRYING, RELEASED, ("withdrawn",)),
    (RETRYING, FULFILLED, ("withdrawn",)),
    (HELD, RESERVING, ("told",)),
    (CONFIRMED, RESERVING, ("told",)),
    (PARTIAL, RESERVING, ("told",)),
    (BACKORDERED, RESERVING, ("told",)),
    (REJECTED, RESERVING, ("told",)),
    (LAPSED, RESERVING, ("told",)),
    (RELEASED, RESERVING, ("told",)),
    (FULFILLED, RESERVING, ("told",)),
    (BACKORDERED, CONFIRMED, ("changed",)),
    (BACKORDERED, FULFILLED, ("changed",)),
    (BACKORDERED, HELD, ("changed",)),
    (BACKORDERED, LAPSED, ("changed",)),
    (BACKORDERED, PARTIAL, ("changed",)),
    (BACKORDERED, RELEASED, ("changed",)),
    (CONFIRMED, FULFILLED, ("changed",)),
    (CONFIRMED, HELD, ("changed",)),
    (CONFIRMED, LAPSED, ("changed",)),
    (CONFIRMED, PARTIAL, ("changed",)),
    (CONFIRMED, REJECTED, ("changed",)),
    (CONFIRMED, RELEASED, ("changed",)),
    (FULFILLED, PARTIAL, ("changed",)),
    (FULFILLED, RELEASED, ("changed",)),
    (HELD, CONFIRMED, ("changed",)),
    (HELD, FULFILLED, ("changed",)),
    (HELD, LAPSED, ("changed",)),
    (HELD, PARTIAL, ("changed",)),
    (HELD, RELEASED, ("changed",)),
    (LAPSED, FULFILLED, ("changed",)),
    (LAPSED, PARTIAL, ("changed",)),
    (LAPSED, RELEASED, ("changed",)),
    (PARTIAL, CONFIRMED, ("changed",)),
    (PARTIAL, FULFILLED, ("changed",)),
    (PARTIAL, LAPSED, ("changed",)),
    (PARTIAL, REJECTED, ("changed",)),
    (PARTIAL, RELEASED, ("changed",)),
    (REJECTED, FULFILLED, ("changed",)),
    (REJECTED, PARTIAL, ("changed",)),
    (REJECTED, RELEASED, ("changed",)),
    (RELEASED, CONFIRMED, ("changed",)),
    (RELEASED, FULFILLED, ("changed",)),
    (RELEASED, PARTIAL, ("changed",)),
)
_REASONS = {(source, target): reasons for source, target, reasons in LIFE_CYCLE}


def check_move(source: str, target: str, reason: str) -> None:
    """DefectError unless the table has the move."""
    if reason not in _REASONS.get((source, target), ()):
        raise DefectError(
            f"an order cannot go from {source} to {target} because of {reason}",
            where="the life cycle of orders",
            remedy="Report it; the order stays as it was.",
        )
