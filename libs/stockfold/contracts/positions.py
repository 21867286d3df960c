"""A SKU's numbers as records of the positions topic: ``Position`` and ``SkuSummary``."""

from __future__ import annotations

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS
from stockfold.contracts.codec import encoder
from stockfold.contracts.journal import wire_head
from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.facts import Input
from stockfold.ledger.state import ExpectedRow, SkuState

_HEAD = wire_head("stockfold.Position")
_encode_summary = encoder("stockfold.SkuSummary")


def encode_position(
    state: SkuState, location: str, sku: bytes, cause: Input, recorded_us: int
) -> bytes:
    """The record of one location; ``sku`` is the SKU as an Avro string."""
    row = state.row(location)
    longs, names = LONGS, avro.NAMES
    parts = [_HEAD, sku, names[location], longs[state.seq]]
    parts += [longs[number] for number in row]
    parts.append(longs[row[ON_HAND] - row[RESERVED] - row[ALLOCATED]])
    if row[RESERVED] or row[ALLOCATED]:
        held = [(owner, c) for (place, owner), c in state.claims.items() if place == location]
        if held:
            parts.append(longs[len(held)])
            for channel, (reserved, allocated) in held:
                parts += (names[channel], longs[reserved], longs[allocated])
    parts.append(avro.ZERO)
    expected = state.expected.get(location) if state.expected else None
    if expected:
        parts.append(longs[len(expected)])
        for row_expected in expected:
            _append_expected(parts, row_expected)
    parts += (
        avro.ZERO,
        avro.moment(recorded_us),
        avro.string(cause.correlation_id),
        avro.moment(cause.caused_us),
    )
    return b"".join(parts)


def _append_expected(parts: list[bytes], row: ExpectedRow) -> None:
    inbound, line, units, eta_us, confidence = row
    parts += (
        avro.string(inbound),
        avro.string(line),
        LONGS[units],
        avro.ZERO if eta_us is None else avro.SOME + LONGS[eta_us],
        LONGS[confidence],
    )


def encode_summary(state: SkuState, cause: Input, recorded_us: int) -> bytes:
    """The record of the numbers of a SKU that have no location."""
    return _encode_summary(
        {
            "sku": state.sku,
            "seq": state.seq,
            "backordered": [
                {"channel": channel, "quantity": units}
                for channel, units in sorted(state.backordered.items())
            ],
            "fences": [
                {
                    "channel": fence.channel,
                    "quantity": fence.quantity,
                    "priority": fence.priority,
                    "revision": fence.revision,
                }
                for fence in sorted(state.fences.values(), key=lambda f: f.channel)
            ],
            "limits": [
                {
                    "channel": limit.channel,
                    "quantity": limit.quantity,
                    "revision": limit.revision,
                }
                for limit in sorted(state.limits.values(), key=lambda f: f.channel)
            ],
            "recorded_at": recorded_us,
            "correlation_id": cause.correlation_id,
            "caused_at": cause.caused_us,
        }
    )
