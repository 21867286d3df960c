"""Kafka values as JSON of the same schemas, for producers that have no Avro.

The schema is named by ``ce_type``. A value that fits only an older released version is taken as
Avro takes it: read under that version, then resolved to the newest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stockfold.contracts import json_text
from stockfold.contracts.codec import Record, read_body, write_body
from stockfold.contracts.json_shapes import shape
from stockfold.contracts.json_text import JsonRefusedError
from stockfold.contracts.registry import Registry, Schema, default_registry
from stockfold.contracts.upcasters import UPCASTERS, Upcasters
from stockfold.domain.errors import ContractError

CONTENT_TYPE = "application/json"
_CHARSETS = ("utf-8", "utf8", "us-ascii")


class JsonReader:
    """Reads JSON of the schemas of one registry. Holds nothing but compiled schemas."""

    def __init__(self, registry: Registry | None = None, upcasters: Upcasters = UPCASTERS) -> None:
        self._registry = registry or default_registry()
        self._upcasters = upcasters
        self._shapes: dict[tuple[str, int], Callable[[object], dict[str, Any]]] = {}

    def read(self, name: str, raw: bytes) -> tuple[Schema, Record]:
        """The newest schema of ``name`` and the record of JSON text.

        ContractError ``unknown_type``; JsonRefusedError ``invalid_json``, ``schema_mismatch``.
        """
        return self.fit(name, json_text.read(raw))

    def fit(self, name: str, tree: object) -> tuple[Schema, Record]:
        """The same of a tree that ``json_text.read`` gave."""
        newest = self._registry.by_name(name)
        versions = self._registry.versions(name)
        try:
            record = self._shape(newest)(tree)
        except JsonRefusedError as refused:
            for older in reversed(versions[:-1]):
                try:
                    record = self._shape(older)(tree)
                except JsonRefusedError:
                    continue
                body = write_body(older, record)
                return read_body(older, body, 0, self._registry, self._upcasters)
            raise refused from None
        if (newest.name, newest.version) in self._upcasters:
            body = write_body(newest, record)
            return read_body(newest, body, 0, self._registry, self._upcasters)
        return newest, record

    def _shape(self, schema: Schema) -> Callable[[object], dict[str, Any]]:
        place = (schema.name, schema.version)
        known = self._shapes.get(place)
        if known is None:
            known = self._shapes[place] = shape(schema.definition)
        return known


def check_content_type(header: bytes | str | None) -> None:
    """Refuse whatever is not JSON in UTF-8.

    ContractError ``unsupported_content_type``; ``undecodable`` when there is no content type or it
    says Avro, because then the value should have been in the wire format.
    """
    given = header.decode("latin-1") if isinstance(header, bytes) else header or ""
    kind, _, parameters = given.lower().partition(";")
    kind = kind.strip()
    if kind == CONTENT_TYPE:
        for parameter in filter(None, (part.strip() for part in parameters.split(";"))):
            name, _, value = parameter.partition("=")
            if name.strip() != "charset" or value.strip().strip('"') not in _CHARSETS:
                raise _unsupported(given, "Send UTF-8: application/json; charset=utf-8.")
        return
    if kind in ("", "application/avro", "avro/binary"):
        raise ContractError(
            "undecodable",
            "the value is not in the Confluent wire format (byte 0, 4-byte schema id, Avro body)",
            remedy="Encode with the schema registry's serializer, or send JSON with the header "
            "content-type: application/json.",
        )
    if kind.startswith("application/cloudevents"):
        raise _unsupported(
            given,
            "Send CloudEvents in binary mode: attributes as ce_ headers, the data alone as the "
            "value, and content-type: application/json.",
        )
    raise _unsupported(given, "Send Avro in the Confluent wire format, or application/json.")


def _unsupported(given: str, remedy: str) -> ContractError:
    return ContractError(
        "unsupported_content_type", f"the content type is {given[:100]!r}", remedy=remedy
    )
