"""Schemas and their ids.

``LockFileRegistry`` reads the ids from ``schemas.lock.json`` in the schemas package: the embedded
default. Ids travel in the Confluent wire format, so a remote registry serves the same port:
``stockfold.contracts.rest_registry``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, Protocol

import fastavro

from stockfold.domain.errors import ContractError

Json = Any


@dataclass(frozen=True, slots=True)
class Schema:
    """One registered schema.

    ``definition`` is the Avro JSON as published; ``parsed`` is what fastavro reads and writes
    with: the same wire bytes, but times stay int64 microseconds and days stay int32, because the
    fold needs numbers, not objects. ``version`` counts the schemas of a name from 1; 0 is one of a
    producer's own, which we did not write.
    """

    id: int
    name: str
    definition: Json
    parsed: Json
    version: int = 1


class Registry(Protocol):
    """Where schemas come from."""

    def by_id(self, schema_id: int, expected: str = "") -> Schema:
        """The schema of an id; ContractError ``unknown_schema`` when there is none.

        ``expected`` is the event type that the message's headers name. It decides where an id
        means one thing here and another in a producer's registry.
        """
        ...

    def by_name(self, name: str) -> Schema:
        """The newest schema of a full name, such as ``stockfold.GoodsReceived``.

        ContractError ``unknown_type`` when there is none.
        """
        ...

    def versions(self, name: str) -> Sequence[Schema]:
        """Every schema of a full name, oldest first; empty when there is none."""
        ...


def without_logical_types(node: Json) -> Json:
    """The schema with every ``logicalType`` taken out: same bytes, plain numbers."""
    if isinstance(node, dict):
        return {k: without_logical_types(v) for k, v in node.items() if k != "logicalType"}
    if isinstance(node, list):
        return [without_logical_types(item) for item in node]
    return node


def schema_from(schema_id: int, definition: Json, *, version: int) -> Schema:
    """A schema from its published Avro JSON; ``fastavro.SchemaParseException`` when it is none."""
    parsed: Json = fastavro.parse_schema(without_logical_types(definition))
    return Schema(schema_id, parsed["name"], definition, parsed, version)


class LockFileRegistry:
    """Ids from ``schemas.lock.json`` beside the schemas. The last entry of a name is its newest."""

    def __init__(self, folder: Traversable) -> None:
        self._by_id: dict[int, Schema] = {}
        self._by_name: dict[str, list[Schema]] = {}
        lock = json.loads((folder / "schemas.lock.json").read_text("utf-8"))
        for entry in lock["schemas"]:
            definition = json.loads(folder.joinpath(*entry["file"].split("/")).read_text("utf-8"))
            known = self._by_name.setdefault(entry["name"], [])
            schema = schema_from(entry["id"], definition, version=len(known) + 1)
            self._by_id[schema.id] = schema
            known.append(schema)

    def by_id(self, schema_id: int, expected: str = "") -> Schema:
        """See ``Registry.by_id``."""
        del expected
        try:
            return self._by_id[schema_id]
        except KeyError:
            raise ContractError(
                "unknown_schema",
                f"schema id {schema_id} is not in the registry",
                remedy="Register the schema, or encode with a registered one, and send again.",
            ) from None

    def by_name(self, name: str) -> Schema:
        """See ``Registry.by_name``."""
        try:
            return self._by_name[name][-1]
        except KeyError:
            raise ContractError(
                "unknown_type",
                f"there is no event type {name!r}",
                remedy="Use a type that the topic declares.",
            ) from None

    def versions(self, name: str) -> Sequence[Schema]:
        """See ``Registry.versions``."""
        return self._by_name.get(name, ())

    def all(self) -> list[Schema]:
        """Every registered schema, by id."""
        return list(self._by_id.values())


@cache
def default_registry() -> LockFileRegistry:
    """The registry of the schemas that ship with this package."""
    return LockFileRegistry(files("stockfold_schemas"))
