"""What became of a reservation or demand line, as ``ReservationStatus`` records."""

from __future__ import annotations

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS, NEAR, NEAR_END, beyond
from stockfold.contracts.journal import CauseIds, cause_ids, wire_head
from stockfold.ledger.entities import Line
from stockfold.ledger.facts import Fact

_HEAD = wire_head("stockfold.ReservationStatus")


def encode_status(
    fact: Fact,
    status: tuple[str, str, str, int, str, int],
    line: Line,
    sku: bytes,
    ids: CauseIds | None = None,
) -> bytes:
    """The record of the answer that a fact gives; ``line`` is the line as it is after the fact."""
    reservation, what, command, units, reason, available = status
    near, seq = NEAR, fact.seq
    reserved, allocations = line.reserved, line.allocations
    name, order = reservation.encode(), line.order.encode()
    parts = [
        _HEAD,
        sku,
        near[seq] if seq < NEAR_END else beyond(seq),
        near[len(name)],
        name,
        near[len(order)],
        order,
        avro.ROWS[line.line, line.channel, what, command, reason],
        # Most lines are of few units, so that their numbers recur together.
        avro.LONG_ROWS[
            available,
            units,
            line.ordered,
            line.unordered,
            # One place takes it all, as a rule.
            reserved[0][1] if len(reserved) == 1 else line.reserved_units(),
            allocations[0].open if len(allocations) == 1 else line.allocated_units(),
            line.backordered,
            line.shipped,
            line.cancelled,
            line.expired,
            line.rejected,
        ],
    ]
    if reserved:
        parts.append(near[len(reserved)])
        for location, held in reserved:
            parts += (avro.NAMES[location], LONGS[held])
    cause = fact.cause
    event_id, correlation_id, _ = ids or cause_ids(cause, fact.recorded_us)
    parts += (
        avro.ZERO,
        avro.SOME + LONGS[line.expires_us] if line.expires_us else avro.ZERO,
        event_id,
        avro.NAMES[cause.source],
        avro.moment(fact.recorded_us),
        correlation_id,
        avro.moment(cause.caused_us),
    )
    return b"".join(parts)
