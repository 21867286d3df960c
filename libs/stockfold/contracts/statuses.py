"""What became of a reservation or demand line, as ``ReservationStatus`` records."""

from __future__ import annotations

from stockfold.contracts import avro
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
    long, name, string = avro.long, avro.name, avro.string
    cause = fact.cause
    parts = [
        _HEAD,
        sku,
        long(fact.seq),
        string(reservation),
        string(line.order),
        string(line.line),
        name(line.channel),
        name(what),
        name(command),
        name(reason),
        long(available),
        long(units),
        long(line.ordered),
        long(line.unordered),
        long(line.reserved_units()),
        long(line.allocated_units()),
        long(line.backordered),
        long(line.shipped),
        long(line.cancelled),
        long(line.expired),
        long(line.rejected),
    ]
    if line.reserved:
        parts.append(long(len(line.reserved)))
        for location, held in line.reserved:
            parts += (name(location), long(held))
    parts += (
        avro.ZERO,
        avro.SOME + long(line.expires_us) if line.expires_us else avro.ZERO,
        string(cause.event_id),
        name(cause.source),
        avro.moment(fact.recorded_us),
        string(cause.correlation_id),
        avro.moment(cause.caused_us),
    )
    return b"".join(parts)
