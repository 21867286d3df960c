"""Decodes records of our own topics by functions that are written for their schemas.

fastavro reads whatever they do not take as plainly right, and what was written by an earlier
release.
"""

from __future__ import annotations

from typing import Any

from stockfold.contracts.avro_reader import BodyReader, body_reader
from stockfold.contracts.codec import HEADER_BYTES, decode
from stockfold.contracts.registry import default_registry
from stockfold.contracts.upcasters import UPCASTERS
from stockfold.domain.errors import ContractError


class _Readers(dict[bytes, BodyReader | None]):
    """The reader of bodies behind each head; None for what fastavro shall read."""

    def __missing__(self, head: bytes) -> BodyReader | None:
        registry = default_registry()
        try:
            schema = registry.by_id(int.from_bytes(head[1:], "big"))
        except ContractError:
            return None  # Not kept: heads may be anything.
        known = schema.parsed is registry.by_name(schema.name).parsed
        plain = known and (schema.name, schema.version) not in UPCASTERS
        found = self[head] = body_reader(schema.parsed) if plain else None
        return found


_READERS = _Readers()


def read(value: bytes) -> dict[str, Any]:
    """The record of wire bytes, under the newest schema; ContractError as ``codec.decode``."""
    reader = _READERS[value[:HEADER_BYTES]]
    if reader is not None:
        try:
            record, end = reader(value, HEADER_BYTES)
            if end == len(value):
                return record  # type: ignore[no-any-return]  # a record is a dict
        except Exception:  # noqa: BLE001, S110  (told in full by the careful path below)
            pass
    return decode(value)[1]
