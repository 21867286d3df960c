"""What became of a reservation or demand line, as ``ReservationStatus`` records."""

from __future__ import annotations

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS
from stockfold.contracts.journal import wire_head
from stockfold.ledger.entities import Line
from stockfold.ledger.facts import Fact

_HEAD = wire_head("stockfold.ReservationStatus")


def encode_status(
    fact: Fact,
    status: tuple[str, str, str, int, str, int],
    line: Line,
    sku: bytes,
) -> bytes:
    """The record of the answer that a fact gives; ``line`` is the line as it is after the fact."""
    reservation, what, command, units, reason, available = status
    longs, name, string = LONGS, avro.name, avro.string
    cause = fact.cause
    parts = [
        _HEAD,
        sku,
        longs[fact.seq],
        string(reservation),
        string(line.order),
        string(line.line),
        name(line.channel),
        name(what),
        name(command),
        name(reason),
        longs[available],
        longs[units],
        longs[line.ordered],
        longs[line.unordered],
        longs[line.reserved_units()],
        longs[line.allocated_units()],
        longs[line.backordered],
        longs[line.shipped],
        longs[line.cancelled],
        longs[line.expired],
        longs[line.rejected],
    ]
    if line.reserved:
        parts.append(longs[len(line.reserved)])
        for location, held in line.reserved:
            parts += (name(location), longs[held])
    parts += (
        avro.ZERO,
        avro.SOME + longs[line.expires_us] if line.expires_us else avro.ZERO,
        string(cause.event_id),
        name(cause.source),
        avro.moment(fact.recorded_us),
        string(cause.correlation_id),
        avro.moment(cause.caused_us),
    )
    return b"".join(parts)
