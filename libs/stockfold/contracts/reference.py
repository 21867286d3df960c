"""Catalogue and reference records as bytes, and back.

Schemas ``stockfold.CatalogItem``, ``stockfold.Location``, ``stockfold.Authority``,
``stockfold.Alias``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from stockfold.contracts.codec import decode, encoder
from stockfold.contracts.topics import CATALOG, REFERENCE, Topic
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import (
    Alias,
    Authority,
    CatalogItem,
    Location,
    Record,
    Reference,
    key_of,
)

_TYPES: dict[str, type[Record]] = {
    "stockfold.CatalogItem": CatalogItem,
    "stockfold.Location": Location,
    "stockfold.Authority": Authority,
    "stockfold.Alias": Alias,
}
_encoders: dict[type, Callable[[dict[str, Any]], bytes]] = {
    kind: encoder(name) for name, kind in _TYPES.items()
}


def topic_of(record: Record) -> Topic:
    """The topic that a record belongs on."""
    return CATALOG if isinstance(record, CatalogItem) else REFERENCE


def encode_record(record: Record) -> bytes:
    """The wire bytes of a record."""
    return _encoders[type(record)](fields_of(record))


def fields_of(record: Record) -> dict[str, Any]:
    """The fields of a record as plain values, with lists for tuples.

    fastavro takes a tuple in a union for (type name, value).
    """
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(record))
    return fields


def decode_item(value: bytes | None, key: bytes | None) -> CatalogItem:
    """A record of the catalogue topic; ContractError when it is none, or has another key."""
    record = _decoded(value, key, CATALOG)
    assert isinstance(record, CatalogItem)
    return record


def decode_reference(value: bytes | None, key: bytes | None) -> Reference:
    """A record of the reference topic; ContractError when it is none, or has another key."""
    record = _decoded(value, key, REFERENCE)
    assert not isinstance(record, CatalogItem)
    return record


def _decoded(value: bytes | None, key: bytes | None, topic: Topic) -> Record:
    schema, body = decode(value)
    if schema.name not in topic.schemas:
        raise ContractError(
            "wrong_topic",
            f"{schema.name} does not belong on {topic.name}",
            remedy="Send it to the topic that declares it.",
        )
    record: Record = msgspec.convert(body, _TYPES[schema.name])
    if key != key_of(record).encode():
        raise ContractError(
            "key_mismatch",
            f"the key is {key!r}, the record's is {key_of(record)!r}",
            remedy="Publish it with `stockfold catalog import`, which sets the key.",
        )
    return record


def reference_key(key: bytes | None) -> tuple[str, ...]:
    """The parts of a reference record's key, such as (location, DC-BERLIN).

    Only the last part may hold the separator.
    """
    kind, _, name = (key or b"").decode("utf-8", "replace").partition("|")
    return (kind, *name.split("|", 2)) if kind == "alias" else (kind, name)
