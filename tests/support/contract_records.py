"""Records of any schema of ours: as Hypothesis strategies, as Avro wire bytes, and as JSON."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import strategies as st

from stockfold.contracts import codec, envelope
from stockfold.contracts.inputs import InputReader
from stockfold.contracts.registry import default_registry
from stockfold.contracts.topics import INPUT_OF, INPUTS, ORDERS
from stockfold.domain.times import format_us
from stockfold.ledger.facts import Input

EVENT_TYPES = sorted(name.removeprefix("stockfold.") for name in INPUT_OF)
ORDER_TYPES = sorted(name.removeprefix("stockfold.") for name in ORDERS.schemas)
"""What orders are told: keyed by order, and read by the orders service."""
ALLOWED = {topic.name: frozenset(topic.schemas) for topic in INPUTS}
AT_US = 1_793_534_400_000_000
YEAR_2200_US = 7_258_118_400_000_000
JSON_TYPE = (("content-type", b"application/json"),)

_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)


def field_values(node: Any) -> st.SearchStrategy[Any]:
    """Values of an Avro type, as the fold sees them."""
    if isinstance(node, list):
        return st.one_of(*map(field_values, node))
    if isinstance(node, str):
        node = {"type": node}
    kind = node["type"]
    if isinstance(kind, dict | list):
        return field_values(kind)
    if node.get("logicalType") == "timestamp-micros":
        return st.integers(0, YEAR_2200_US)
    if node.get("logicalType") == "date":
        return st.integers(0, 84_000)
    match kind:
        case "null":
            return st.none()
        case "string":
            return _TEXT
        case "boolean":
            return st.booleans()
        case "int":
            return st.integers(-(2**31), 2**31 - 1)
        case "long":
            return st.integers(-(2**63), 2**63 - 1)
        case "enum":
            return st.sampled_from(node["symbols"])
        case "bytes":
            return st.binary(max_size=12)
        case "fixed":
            return st.binary(min_size=node["size"], max_size=node["size"])
        case "array":
            return st.lists(field_values(node["items"]), max_size=4)
        case "map":
            return st.dictionaries(st.text(max_size=8), field_values(node["values"]), max_size=3)
        case "record":
            return records(node)
    raise AssertionError(kind)


def records(definition: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Records of a schema."""
    return st.fixed_dictionaries(
        {field["name"]: field_values(field["type"]) for field in definition["fields"]}
    )


def newest(event_type: str) -> Any:
    """The newest definition of an event type."""
    return default_registry().by_name(f"stockfold.{event_type}").definition


def as_json(node: Any, value: Any) -> Any:
    """A value of an Avro type as JSON says it."""
    if value is None:
        return None
    if isinstance(node, list):
        return as_json(next(branch for branch in node if branch != "null"), value)
    if isinstance(node, str):
        return value
    kind = node["type"]
    if isinstance(kind, dict | list):
        return as_json(kind, value)
    if node.get("logicalType") == "timestamp-micros":
        return format_us(value)
    if node.get("logicalType") == "date":
        return (date(1970, 1, 1) + timedelta(days=value)).isoformat()
    if kind == "array":
        return [as_json(node["items"], item) for item in value]
    if kind == "map":
        return {name: as_json(node["values"], item) for name, item in value.items()}
    if kind == "record":
        return {f["name"]: as_json(f["type"], value[f["name"]]) for f in node["fields"]}
    return value


def json_value(event_type: str, record: dict[str, Any]) -> bytes:
    """A record as a JSON Kafka value."""
    return json.dumps(as_json(newest(event_type), record)).encode()


def avro_value(event_type: str, record: dict[str, Any]) -> bytes:
    """A record as an Avro Kafka value under the newest schema."""
    return codec.encode(f"stockfold.{event_type}", record)


def headers(event_type: str, *more: tuple[str, bytes], event_id: str = "e-1") -> list[Any]:
    """Headers of an event; later ones win."""
    told = envelope.Envelope(event_id, "/test/erp", f"stockfold.{event_type}", AT_US)
    return [*envelope.build(told), *more]


def read(
    reader: InputReader,
    event_type: str,
    value: bytes | None,
    *more: tuple[str, bytes],
    sku: str = "SKU-1001",
    topic: str = "",
) -> Input:
    """Let the reader read a value as if it came from the type's topic."""
    name = topic or INPUT_OF[f"stockfold.{event_type}"].name
    return reader.read(
        name, ALLOWED[name], 0, 7, AT_US // 1000, sku.encode(), value, headers(event_type, *more)
    )
