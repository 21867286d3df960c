"""Confluent wire records as one Avro object container, which columnar readers take whole.

The bodies are not decoded here: they are put one behind the other, as they came from Kafka.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from stockfold.contracts.avro import LONGS, blob
from stockfold.contracts.registry import Json, Schema

_SYNC = b"stockfold journal"[:16]
_READ_AS_DOUBLE = 8

WIRE_FIELDS: tuple[Json, ...] = (
    {"name": "wire_magic", "type": "boolean"},
    {"name": "wire_schema", "type": "float"},
)
"""The wire format's own five bytes as Avro sees them: byte 0 is false, four bytes are a float."""


def container_head(schema: Schema) -> bytes:
    """The head of a container of whole wire records under ``schema``."""
    fields = [*WIRE_FIELDS, *schema.parsed["fields"]]
    definition = _plain({"type": "record", "name": schema.name, "fields": fields})
    return (
        b"Obj\x01"
        + LONGS[2]
        + blob(b"avro.schema")
        + blob(json.dumps(definition).encode())
        + blob(b"avro.codec")
        + blob(b"null")
        + LONGS[0]
        + _SYNC
    )


def _plain(node: Json) -> Json:
    """The schema without what only fastavro or people read; 8 fixed bytes are read as a double."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("type") == "fixed":
        assert node["size"] == _READ_AS_DOUBLE, "only eight fixed bytes have a plain type as long"
        return "double"
    return {k: _plain(v) for k, v in node.items() if k not in ("doc", "example") and k[:2] != "__"}


def container(head: bytes, values: Sequence[bytes]) -> bytes:
    """A container with one block of these wire records, all under the schema of ``head``."""
    size = sum(map(len, values))
    return b"".join((head, LONGS[len(values)], LONGS[size], *values, _SYNC))
