"""Confluent wire format: byte 0, schema id as 4 bytes big-endian, Avro body."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from typing import Any

import fastavro

from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.contracts.upcasters import UPCASTERS, Upcasters, upcast
from stockfold.domain.errors import ContractError

MAGIC = b"\x00"
HEADER_BYTES = 5
_HEADER = struct.Struct(">bI")

Record = dict[str, Any]


def encode(name: str, record: Mapping[str, Any], registry: Registry | None = None) -> bytes:
    """The wire bytes of a record under the newest schema of ``name``.

    Times are int UTC microseconds, days are int days since 1970. ContractError ``unencodable``
    names the field that does not fit.
    """
    schema = (registry or default_registry()).by_name(name)
    out = io.BytesIO()
    out.write(_HEADER.pack(0, schema.id))
    try:
        fastavro.schemaless_writer(out, schema.parsed, record, strict=False)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise ContractError("unencodable", f"{name} does not fit its schema: {error}") from error
    return out.getvalue()


def write_body(schema: Schema, record: Mapping[str, Any]) -> bytes:
    """The Avro body of a record that fits ``schema``: what a payload's hash is taken of."""
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema.parsed, record)
    return out.getvalue()


def encoder(name: str, registry: Registry | None = None) -> Callable[[Mapping[str, Any]], bytes]:
    """``encode`` with the schema looked up once."""
    schema = (registry or default_registry()).by_name(name)
    head = _HEADER.pack(0, schema.id)
    parsed = schema.parsed

    def write(record: Mapping[str, Any]) -> bytes:
        out = io.BytesIO()
        out.write(head)
        fastavro.schemaless_writer(out, parsed, record)
        return out.getvalue()

    return write


def schema_of(value: bytes | None, registry: Registry | None = None, expected: str = "") -> Schema:
    """The writer's schema of wire bytes; ContractError ``undecodable`` or ``unknown_schema``.

    ``expected`` is the type that the headers name: see ``Registry.by_id``.
    """
    if value is None or len(value) < HEADER_BYTES or value[:1] != MAGIC:
        raise ContractError(
            "undecodable",
            "the value is not in the Confluent wire format (byte 0, 4-byte schema id, Avro body)",
            remedy="Encode with the schema registry's serializer and send again.",
        )
    schema_id = int.from_bytes(value[1:HEADER_BYTES], "big")
    return (registry or default_registry()).by_id(schema_id, expected)


def decode(
    value: bytes | None,
    registry: Registry | None = None,
    *,
    expected: str = "",
    upcasters: Upcasters = UPCASTERS,
) -> tuple[Schema, Record]:
    """The newest schema, and the record under it, of wire bytes of any released version.

    ContractError ``undecodable`` or ``unknown_schema``. Bytes left over behind the body are
    refused: they are a sign of another schema.
    """
    registry = registry or default_registry()
    writer = schema_of(value, registry, expected)
    assert value is not None
    return read_body(writer, value, HEADER_BYTES, registry, upcasters)


_TOLD: dict[type[Exception], str] = {
    EOFError: "it ends too early",
    UnicodeDecodeError: "a text in it is not UTF-8",
    IndexError: "it ends too early, or names a branch or symbol that its schema does not have",
}


def _told(error: Exception) -> str:
    """In our words, the same in each process: fastavro's may name an address in memory."""
    for kind, words in _TOLD.items():
        if isinstance(error, kind):
            return words
    return type(error).__name__


def read_body(
    writer: Schema,
    value: bytes,
    start: int,
    registry: Registry,
    upcasters: Upcasters = UPCASTERS,
) -> tuple[Schema, Record]:
    """The newest schema, and the record under it, of an Avro body from ``start`` to the end.

    ContractError ``undecodable``.
    """
    upcaster = upcasters.get((writer.name, writer.version))
    newest = registry.by_name(writer.name)
    same = upcaster is not None or newest.parsed is writer.parsed
    reader = None if same else newest.parsed
    source = io.BytesIO(value)
    source.seek(start)
    try:
        record = fastavro.schemaless_reader(source, writer.parsed, reader)
    except Exception as error:
        raise ContractError(
            "undecodable",
            f"the body does not decode as {writer.name}: {_told(error)}",
            remedy="Check which schema id the producer writes, and send again.",
        ) from error
    if source.tell() != len(value):
        raise ContractError(
            "undecodable",
            f"{len(value) - source.tell()} bytes are left over behind {writer.name}",
            remedy="Check which schema id the producer writes, and send again.",
        )
    assert isinstance(record, dict)
    if upcaster is not None:
        return upcast(writer, record, registry, upcasters)
    return newest, record
