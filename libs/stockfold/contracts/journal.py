"""Facts as journal records, and back.

Schemas ``stockfold.JournalFact`` and ``stockfold.InputsRead``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS, NEAR, NEAR_END, beyond
from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.codec import HEADER_BYTES, decode, encoder
from stockfold.contracts.kept import Kept
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.domain.errors import ContractError
from stockfold.ledger.accounts import CODES, NAMES, Delta
from stockfold.ledger.entities import decode_change, encode_change
from stockfold.ledger.facts import Fact, Input

_ACCOUNTS = [avro.string(account) for account in NAMES]
_EMPTY_BODY = b"{}"
_NO_CHANGE = avro.blob(_EMPTY_BODY)
_NO_FLAGS = avro.ZERO + avro.ZERO
"""The end of the deltas, and no flags behind it."""


def wire_head(name: str, registry: Registry | None = None) -> bytes:
    """The five bytes before every body of a schema."""
    schema: Schema = (registry or default_registry()).by_name(name)
    return b"\x00" + schema.id.to_bytes(HEADER_BYTES - 1, "big")


_FACT_HEAD = wire_head("stockfold.JournalFact")
_encode_mark = encoder("stockfold.InputsRead")


def _delta(delta: Delta) -> bytes:
    account, location, channel, units = delta
    return _ACCOUNTS[account] + avro.string(location) + avro.string(channel) + LONGS[units]


_DELTAS = Kept(_delta)


CauseIds = tuple[bytes, bytes, bytes]
"""Of a cause, in Avro: its event id, its correlation id, and when it was recorded and caused."""


def cause_ids(cause: Input, recorded_us: int) -> CauseIds:
    """What several records of one cause share."""
    event_id = cause.raw_id or cause.event_id.encode()
    correlation_id = cause.raw_correlation or cause.correlation_id.encode()
    return (
        NEAR[len(event_id)] + event_id,
        NEAR[len(correlation_id)] + correlation_id,
        avro.TIMES[recorded_us, cause.caused_us],
    )


def encode_fact(fact: Fact, sku: bytes, ids: CauseIds | None = None) -> bytes:
    """The journal record of a fact; ``sku`` is the SKU as an Avro string."""
    cause = fact.cause
    event_id, correlation_id, times = ids or cause_ids(cause, fact.recorded_us)
    near, names = NEAR, avro.NAMES
    seq, offset = fact.seq, cause.offset
    parts = [
        _FACT_HEAD,
        sku,
        near[seq] if seq < NEAR_END else beyond(seq),
        names[fact.kind],
        names[cause.source],
        event_id,
        correlation_id,
        names[cause.topic],
        near[cause.partition],
        near[offset] if offset < NEAR_END else beyond(offset),
        LONGS[cause.schema_id],
        cause.payload_hash.to_bytes(8, "big"),
        avro.instant(fact.occurred_us),
        times,
    ]
    deltas = fact.deltas
    if deltas:
        parts.append(LONGS[len(deltas)])
        for delta in deltas:
            parts.append(_DELTAS[delta])  # noqa: PERF401  (a function more costs more)
    flags = fact.flags
    if flags:
        parts += (avro.ZERO, near[len(flags)], avro.ROWS[flags], avro.ZERO)
    else:
        parts.append(_NO_FLAGS)
    if fact.change is None:
        parts.append(_NO_CHANGE)
    else:
        body = encode_change(fact.change)
        size = len(body)
        parts += (near[size] if size < NEAR_END else beyond(size), body)
    return b"".join(parts)


def encode_mark(partition: int, next_offsets: Mapping[str, int], recorded_us: int) -> bytes:
    """The record that ends a transaction on a journal partition: input offsets it covers."""
    return _encode_mark(
        {
            "partition": partition,
            "inputs": [
                {"topic": topic, "next_offset": offset}
                for topic, offset in sorted(next_offsets.items())
            ],
            "recorded_at": recorded_us,
        }
    )


class Mark:
    """Next offset to read per input topic (without environment prefix), as a transaction ended."""

    __slots__ = ("next_offsets", "partition", "recorded_us")

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.partition: int = record["partition"]
        self.next_offsets = {row["topic"]: row["next_offset"] for row in record["inputs"]}
        self.recorded_us: int = record["recorded_at"]


def _journal_reader() -> BodyReader:
    read = body_reader(default_registry().by_name("stockfold.JournalFact").parsed, tuples=True)
    assert read is not None, "the journal's schema has nothing unusual"
    return read


_read_fact = _journal_reader()


def decode_entry(value: bytes | None) -> Fact | Mark:
    """A journal record as a fact, whose cause holds all but the input's body, or a mark."""
    if value is not None and value[:HEADER_BYTES] == _FACT_HEAD:
        try:
            fields, end = _read_fact(value, HEADER_BYTES)
            if end == len(value):
                return _fact(*fields)
        except Exception:  # noqa: BLE001, S110  (told in full by the careful path below)
            pass
    schema, record = decode(value)
    if schema.name == "stockfold.InputsRead":
        return Mark(record)
    if schema.name != "stockfold.JournalFact":
        raise ContractError(
            "unknown_type",
            f"{schema.name} is in the journal",
            remedy="Something else writes the journal topic: find it and stop it.",
        )
    deltas = [tuple(delta.values()) for delta in record["deltas"]]
    return _fact(*{**record, "deltas": deltas}.values())


def _fact(
    sku: str,
    seq: int,
    kind: str,
    source: str,
    event_id: str,
    correlation_id: str,
    topic: str,
    partition: int,
    offset: int,
    schema_id: int,
    payload_hash: bytes,
    occurred_us: int,
    recorded_us: int,
    caused_us: int,
    deltas: list[tuple[str, str, str, int]],
    flags: list[str],
    body: bytes,
) -> Fact:
    """The fact of a ``JournalFact``'s fields, in the order of the schema."""
    codes = CODES
    fact = Fact(
        kind,
        [(codes[account], place, channel, units) for account, place, channel, units in deltas],
        decode_change(body) if len(body) > len(_EMPTY_BODY) else None,
        tuple(flags),
    )
    fact.seq = seq
    fact.occurred_us = occurred_us
    fact.recorded_us = recorded_us
    fact.cause = Input(
        "",
        sku,
        {},
        source,
        event_id,
        occurred_us,
        caused_us,
        correlation_id,
        topic,
        partition,
        offset,
        schema_id,
        int.from_bytes(payload_hash, "big"),
    )
    return fact
