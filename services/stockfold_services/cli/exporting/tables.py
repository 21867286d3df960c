"""The tables and their columns, made from the schemas of the records that they come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import DELIVERIES, JOURNAL, POSITIONS, Topic
from stockfold.runtime.records import Record

Json = Any
Row = dict[str, Any]


class Column(msgspec.Struct, frozen=True):
    """One column; ``avro`` is its Avro type, ``nullable`` whether it may be empty."""

    name: str
    avro: Json
    nullable: bool
    doc: str

    @property
    def type(self) -> str:
        """The type in words."""
        return _word(self.avro)


class Table(msgspec.Struct, frozen=True):
    """One table. ``latest`` keeps only the newest record of each key."""

    name: str
    doc: str
    topic: Topic
    schema: str
    columns: tuple[Column, ...]
    latest: bool = False
    by_delta: bool = False
    """A row per movement of a fact instead of one per fact."""


_PLACE = (
    Column("record_partition", "int", False, "Partition of the Kafka record that the row is from."),
    Column("record_offset", "long", False, "Its offset."),
)
_MOVED = ("sku", "seq", "kind", "occurred_at", "recorded_at", "correlation_id")
_NOT_FOR_BI = frozenset({"body", "payload_hash"})
_ZERO_IS_NONE = frozenset({"caused_at"})
"""Times of which 0 stands for none: the ledger's own timer has no cause."""


def _columns(schema: str) -> tuple[Column, ...]:
    definition = default_registry().by_name(schema).definition
    return tuple(
        Column(f["name"], _unwrapped(f["type"]), _may_be_none(f), f["doc"])
        for f in definition["fields"]
        if f["name"] not in _NOT_FOR_BI
    )


def _unwrapped(node: Json) -> Json:
    """The type without its null."""
    return next(b for b in node if b != "null") if isinstance(node, list) else node


def _may_be_none(field: Json) -> bool:
    return isinstance(field["type"], list) or field["name"] in _ZERO_IS_NONE


def _movements() -> tuple[Column, ...]:
    facts = {column.name: column for column in _columns("stockfold.JournalFact")}
    deltas = facts["deltas"].avro["items"]["fields"]
    moved = tuple(Column(f["name"], f["type"], False, f["doc"]) for f in deltas)
    return (*(facts[name] for name in _MOVED), *moved)


POSITION_TABLE = Table(
    "positions",
    "The numbers of each SKU at each location, as they are.",
    POSITIONS,
    "stockfold.Position",
    (*_columns("stockfold.Position"), *_PLACE),
    latest=True,
)
FACT_TABLE = Table(
    "journal",
    "Every fact of every SKU, in the order of its sequence number.",
    JOURNAL,
    "stockfold.JournalFact",
    (*_columns("stockfold.JournalFact"), *_PLACE),
)
MOVEMENT_TABLE = Table(
    "movements",
    "The journal once more, a row per signed movement of an account or claim: sum it as you like.",
    JOURNAL,
    "stockfold.JournalFact",
    (*_movements(), *_PLACE),
    by_delta=True,
)
DELIVERY_TABLE = Table(
    "deliveries",
    "What channels made of what they were told, of the last 30 days.",
    DELIVERIES,
    "stockfold.Delivery",
    (*_columns("stockfold.Delivery"), *_PLACE),
)
TABLES = (POSITION_TABLE, FACT_TABLE, MOVEMENT_TABLE, DELIVERY_TABLE)


def rows(table: Table, records: Iterable[Record]) -> Iterator[Row]:
    """The rows of records; those of other types than the table's make none."""
    for record in records:
        schema, body = decode(record.value())
        if schema.name != table.schema:
            continue
        place = {"record_partition": record.partition(), "record_offset": record.offset()}
        for name in _ZERO_IS_NONE & body.keys():
            body[name] = body[name] or None
        if table.by_delta:
            told = {name: body[name] for name in _MOVED}
            for delta in body["deltas"]:
                yield {**told, **delta, **place}
        else:
            yield {**body, **place}


def markdown() -> str:
    """Every table with its columns, for the docs."""
    lines = []
    for table in TABLES:
        lines += [f"### {table.name}", "", table.doc, "", "| column | type | meaning |"]
        lines.append("| --- | --- | --- |")
        lines += [f"| `{c.name}` | {_told(c)} | {c.doc} |" for c in table.columns]
        lines.append("")
    return "\n".join(lines).rstrip()


def _told(column: Column) -> str:
    return f"{column.type}, or none" if column.nullable else column.type


def _word(node: Json) -> str:
    match _kind(node):
        case "timestamp-micros":
            return "timestamp, UTC, µs"
        case "array":
            return f"list of {_word(node['items'])}"
        case "record":
            fields = ", ".join(f["name"] for f in node["fields"])
            return f"struct ({fields})"
        case "string" | "enum":
            return "text"
        case "int" | "long" as number:
            return {"int": "int32", "long": "int64"}[number]
        case other:
            return str(other)


def _kind(node: Json | Mapping[str, Json]) -> str:
    if isinstance(node, list):
        return _kind(_unwrapped(node))
    return str(node.get("logicalType", node["type"])) if isinstance(node, dict) else str(node)
