"""Facts of orders as journal records, and back. Schema ``stockfold.OrderFact``."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.journal import Mark
from stockfold.domain.errors import ContractError
from stockfold.orders.facts import Fact

_encode = encoder("stockfold.OrderFact")
_write_change = msgspec.json.Encoder().encode
_read_change = msgspec.json.Decoder(Fact).decode


class Cause(NamedTuple):
    """The input that facts came of; times in UTC microseconds. The timer has no id."""

    topic: str = ""
    partition: int = 0
    offset: int = -1
    event_id: str = ""
    source: str = ""
    correlation_id: str = ""
    caused_us: int = 0
    traceparent: str = ""


class Entry(NamedTuple):
    """A fact of the journal with what it is about."""

    channel: str
    order: str
    seq: int
    recorded_us: int
    fact: Fact


def encode_order_fact(
    channel: str, order: str, seq: int, fact: Fact, cause: Cause, recorded_us: int
) -> bytes:
    """The journal record of a fact."""
    return _encode(
        {
            "channel": channel,
            "order": order,
            "seq": seq,
            "kind": type(fact).__name__,
            "topic": cause.topic,
            "partition": cause.partition,
            "offset": cause.offset,
            **cause_fields(cause, recorded_us),
            "change": _write_change(fact),
        }
    )


def cause_fields(cause: Cause, recorded_us: int) -> dict[str, object]:
    """What every record of orders says of its cause."""
    return {
        "event_id": cause.event_id,
        "source": cause.source,
        "correlation_id": cause.correlation_id,
        "recorded_at": recorded_us,
        "caused_at": cause.caused_us,
    }


def recorded_us_of(value: bytes) -> int:
    """When a record of the order journal was recorded, mark or fact: UTC microseconds."""
    recorded: int = decode(value)[1]["recorded_at"]
    return recorded


def decode_order_entry(value: bytes | None) -> Entry | Mark:
    """A record of the order journal; ContractError when it is none."""
    schema, record = decode(value)
    if schema.name == "stockfold.InputsRead":
        return Mark(record)
    if schema.name != "stockfold.OrderFact":
        raise ContractError(
            "unknown_type",
            f"{schema.name} is in the order journal",
            remedy="Something else writes the order journal: find it and stop it.",
        )
    return Entry(
        record["channel"],
        record["order"],
        record["seq"],
        record["recorded_at"],
        _read_change(record["change"]),
    )
