"""An example of every released schema as Avro, and what it decodes to."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import msgspec

from stockfold.contracts.codec import HEADER_BYTES, MAGIC, decode, write_body
from stockfold.contracts.registry import default_registry
from stockfold.domain.times import EPOCH, parse_us


class Example(msgspec.Struct, frozen=True):
    """Wire bytes in hexadecimal, of the schema id in them; ``record`` holds bytes the same way."""

    id: int
    name: str
    value: str
    record: Any


def examples() -> Iterator[Example]:
    """One of every schema that was ever released, by id; its fields are those of its examples."""
    for schema in default_registry().all():
        record = _record(schema.definition)
        head = MAGIC + schema.id.to_bytes(HEADER_BYTES - 1, "big")
        value = head + write_body(schema, record)
        yield Example(schema.id, schema.name, value.hex(), plain(decode(value)[1]))


def plain(value: Any) -> Any:
    """A record as JSON can hold it."""
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {name: plain(inner) for name, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case _:
            return value


def _record(definition: Any) -> dict[str, Any]:
    return {f["name"]: _value(f["type"], f.get("example")) for f in definition["fields"]}


def _value(node: Any, example: Any) -> Any:
    if isinstance(node, list):
        inner = next(branch for branch in node if branch != "null")
        missing = example is None and not _holds_record(inner)
        return None if missing else _value(inner, example)
    kind = node["type"] if isinstance(node, dict) else node
    match kind:
        case "record":
            return _record(node)
        case "array" if example is None:
            return [_value(node["items"], None)]
        case "fixed":
            return bytes.fromhex(example)
        case "bytes":
            return example.encode()
        case "long" | "int" if isinstance(example, str):
            logical = node["logicalType"]
            return (
                parse_us(example)
                if logical == "timestamp-micros"
                else (date.fromisoformat(example) - EPOCH.date()).days
            )
        case _:
            return example


def _holds_record(node: Any) -> bool:
    return isinstance(node, dict) and (
        node["type"] == "record" or _holds_record(node.get("items", ""))
    )
