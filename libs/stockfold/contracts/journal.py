"""Facts as journal records, and back.

Schemas ``stockfold.JournalFact`` and ``stockfold.InputsRead``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stockfold.contracts import avro
from stockfold.contracts.avro import LONGS
from stockfold.contracts.codec import HEADER_BYTES, decode, encoder
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.domain.errors import ContractError
from stockfold.ledger.accounts import CODES, NAMES, Delta
from stockfold.ledger.entities import decode_change, encode_change
from stockfold.ledger.facts import Fact, Input

_ACCOUNTS = [avro.string(account) for account in NAMES]
_NO_CHANGE = avro.blob(b"{}")
_KEPT_MAX = 65_536


def wire_head(name: str, registry: Registry | None = None) -> bytes:
    """The five bytes before every body of a schema."""
    schema: Schema = (registry or default_registry()).by_name(name)
    return b"\x00" + schema.id.to_bytes(HEADER_BYTES - 1, "big")


_FACT_HEAD = wire_head("stockfold.JournalFact")
_encode_mark = encoder("stockfold.InputsRead")


class _Kept(dict[Any, bytes]):
    """Bytes of values that recur, made when first asked; emptied when there are too many."""

    def __init__(self, make: Callable[[Any], bytes]) -> None:
        self._make = make

    def __missing__(self, value: Any) -> bytes:
        if len(self) >= _KEPT_MAX:
            self.clear()
        made = self[value] = self._make(value)
        return made


def _delta(delta: Delta) -> bytes:
    account, location, channel, units = delta
    return _ACCOUNTS[account] + avro.string(location) + avro.string(channel) + LONGS[units]


def _place(place: tuple[str, int]) -> bytes:
    return avro.string(place[0]) + LONGS[place[1]]


_DELTAS = _Kept(_delta)
_PLACES = _Kept(_place)


def encode_fact(fact: Fact, sku: bytes, event_id: bytes, correlation_id: bytes) -> bytes:
    """The journal record of a fact; its SKU and its cause's ids as Avro strings."""
    cause = fact.cause
    longs, name = LONGS, avro.name
    parts = [
        _FACT_HEAD,
        sku,
        longs[fact.seq],
        name(fact.kind),
        name(cause.source),
        event_id,
        correlation_id,
        _PLACES[cause.topic, cause.partition],
        longs[cause.offset],
        longs[cause.schema_id],
        cause.payload_hash.to_bytes(8, "big"),
        avro.far(fact.occurred_us),
        avro.moment(fact.recorded_us),
        avro.moment(cause.caused_us),
    ]
    deltas = fact.deltas
    if deltas:
        parts.append(longs[len(deltas)])
        parts += [_DELTAS[delta] for delta in deltas]
    parts.append(avro.ZERO)
    if fact.flags:
        parts.append(longs[len(fact.flags)])
        parts += map(name, fact.flags)
    parts.append(avro.ZERO)
    if fact.change is None:
        parts.append(_NO_CHANGE)
    else:
        body = encode_change(fact.change)
        parts += (longs[len(body)], body)
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


def decode_entry(value: bytes | None) -> Fact | Mark:
    """A journal record as a fact, whose cause holds all but the input's body, or a mark."""
    schema, record = decode(value)
    if schema.name == "stockfold.InputsRead":
        return Mark(record)
    if schema.name != "stockfold.JournalFact":
        raise ContractError(
            "unknown_type",
            f"{schema.name} is in the journal",
            remedy="Something else writes the journal topic: find it and stop it.",
        )
    body = record["body"]
    fact = Fact(
        record["kind"],
        [
            (CODES[d["account"]], d["location"], d["channel"], d["quantity"])
            for d in record["deltas"]
        ],
        decode_change(body) if len(body) > 2 else None,
        tuple(record["flags"]),
    )
    fact.seq = record["seq"]
    fact.occurred_us = record["occurred_at"]
    fact.recorded_us = record["recorded_at"]
    fact.cause = Input(
        "",
        record["sku"],
        {},
        record["source"],
        record["event_id"],
        record["occurred_at"],
        record["caused_at"],
        record["correlation_id"],
        record["topic"],
        record["partition"],
        record["offset"],
        record["schema_id"],
        int.from_bytes(record["payload_hash"], "big"),
    )
    return fact
