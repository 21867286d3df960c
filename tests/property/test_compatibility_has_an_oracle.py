"""Our compatibility check against Apache Avro's own, and against what fastavro really reads."""

from __future__ import annotations

import io
import json
from typing import Any

import avro.schema
import fastavro
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.contract_records import records

from stockfold.contracts.compatibility import unreadable

PRIMITIVES = st.sampled_from(["boolean", "int", "long", "string"])
ENUMS = st.builds(
    lambda symbols, has_default: {
        "type": "enum",
        "name": "E",
        "symbols": symbols,
        **({"default": symbols[0]} if has_default else {}),
    },
    st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    st.booleans(),
)
PLAIN = PRIMITIVES | PRIMITIVES.map(lambda kind: {"type": "array", "items": kind})
TYPES = PLAIN | PLAIN.map(lambda kind: ["null", kind])
DEFAULTS = {"boolean": False, "int": 0, "long": 0, "string": ""}


def _field(name: str, kind: Any, has_default: bool) -> dict[str, Any]:
    field = {"name": name, "type": kind}
    if has_default:
        if isinstance(kind, list):
            field["default"] = None
        elif isinstance(kind, dict):
            field["default"] = [] if kind["type"] == "array" else kind["symbols"][0]
        else:
            field["default"] = DEFAULTS[kind]
    return field


@st.composite
def schemas(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(["f", "g", "h"]), max_size=3, unique=True))
    fields = [_field(name, draw(TYPES), draw(st.booleans())) for name in names]
    if draw(st.booleans()):
        fields.append(_field("e", draw(ENUMS), draw(st.booleans())))
    return {"type": "record", "name": "R", "namespace": "n", "fields": fields}


def oracle(reader: Any, writer: Any) -> bool:
    checker = ReaderWriterCompatibilityChecker()
    found = checker.get_compatibility(
        avro.schema.parse(json.dumps(reader)), avro.schema.parse(json.dumps(writer))
    )
    return found.compatibility is SchemaCompatibilityType.compatible


@given(schemas(), schemas())
@settings(max_examples=400, deadline=None)
def test_our_verdict_is_that_of_apache_avro(reader: Any, writer: Any) -> None:
    assert (unreadable(reader, writer) == []) is oracle(reader, writer)


@given(schemas(), schemas(), st.data())
@settings(max_examples=200, deadline=None)
def test_what_we_call_readable_is_read(reader: Any, writer: Any, data: st.DataObject) -> None:
    if unreadable(reader, writer):
        return
    written = data.draw(records(writer))
    raw = io.BytesIO()
    fastavro.schemaless_writer(raw, fastavro.parse_schema(writer), written)
    raw.seek(0)
    found = fastavro.schemaless_reader(
        raw, fastavro.parse_schema(writer), fastavro.parse_schema(reader)
    )
    assert set(found) == {field["name"] for field in reader["fields"]}
