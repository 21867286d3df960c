"""Whether data written under one Avro schema can be read under another, and if not, why.

The rules are Avro's schema resolution (specification 1.12, "Schema Resolution"), and two of ours
that Avro cannot see: a logical type that changes makes the same number mean another thing, and so
does a default for the producers that leave the field out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = Any

_PRIMITIVES = frozenset(
    {"null", "boolean", "int", "long", "float", "double", "bytes", "string"},
)
_PROMOTED = {
    "long": {"int"},
    "float": {"int", "long"},
    "double": {"int", "long", "float"},
    "string": {"bytes"},
    "bytes": {"string"},
}
"""Reader's type: the writer's types that are read as it."""


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """Why data of the writer cannot be read by the reader. ``place`` is a field, such as a.b."""

    place: str
    reason: str
    remedy: str
    is_missing: bool = False
    """The reader requires a field that the writer does not have."""


def unreadable(reader: Json, writer: Json) -> list[Incompatibility]:
    """What keeps ``reader`` from reading data of ``writer``; empty when all of it can be read."""
    return list(_Resolution(reader, writer).compare(reader, writer, ""))


def changed_defaults(newer: Json, older: Json) -> list[Incompatibility]:
    """Fields of both whose default differs: leaving them out would say another thing."""
    return list(_defaults(newer, older, ""))


def type_name(node: Json) -> str:
    """The type of a schema node for people, such as ``long (timestamp-micros) or null``."""
    if isinstance(node, list):
        return " or ".join(type_name(branch) for branch in node)
    if isinstance(node, str):
        return node
    kind = node["type"]
    if isinstance(kind, dict | list):
        return type_name(kind)
    if kind == "array":
        return f"array of {type_name(node['items'])}"
    if kind == "map":
        return f"map of {type_name(node['values'])}"
    name = f"{kind} {node['name']}" if "name" in node else str(kind)
    return f"{name} ({node['logicalType']})" if "logicalType" in node else name


def _defaults(newer: Json, older: Json, place: str) -> Iterator[Incompatibility]:
    before = {field["name"]: field for field in older["fields"]}
    for field in newer["fields"]:
        known = before.get(field["name"])
        if known is None:
            continue
        here = f"{place}{field['name']}"
        if "default" in known and known["default"] != field.get("default", known["default"]):
            yield Incompatibility(
                here,
                f"the default changed from {known['default']!r} to {field['default']!r}: "
                "producers that leave the field out would say another thing",
                "Keep the default; add a new field if the meaning must change.",
            )
        inner, was = record_in(field["type"]), record_in(known["type"])
        if inner is not None and was is not None:
            yield from _defaults(inner, was, f"{here}.")


def record_in(node: Json) -> Json:
    """The record that a field's type holds, through null and arrays; None when it holds none."""
    if isinstance(node, list):
        return next((found for found in map(record_in, node) if found is not None), None)
    if isinstance(node, dict):
        if node["type"] == "record":
            return node
        return record_in(node.get("items", node.get("values")))
    return None


class _Resolution:
    """One comparison; remembers named types, and the pairs it has entered."""

    def __init__(self, reader: Json, writer: Json) -> None:
        self._reader_names: dict[str, Json] = {}
        self._writer_names: dict[str, Json] = {}
        _collect(reader, "", self._reader_names)
        _collect(writer, "", self._writer_names)
        self._entered: set[tuple[str, str]] = set()

    def compare(self, reader: Json, writer: Json, place: str) -> Iterator[Incompatibility]:
        reader = _plain(reader, self._reader_names)
        writer = _plain(writer, self._writer_names)
        if isinstance(writer, list):
            for branch in writer:
                yield from self.compare(reader, branch, place)
            return
        if isinstance(reader, list):
            yield from self._into_union(reader, writer, place)
            return
        kind, written = _kind(reader), _kind(writer)
        if kind != written:
            if written not in _PROMOTED.get(kind, ()):
                yield _other_type(place, reader, writer)
            return
        if _logical(reader) != _logical(writer):
            yield Incompatibility(
                place,
                f"is {type_name(reader)}, but was written as {type_name(writer)}: the same "
                "number means another thing",
                "Add a new field with a default for the new meaning.",
            )
            return
        yield from self._same_kind(kind, reader, writer, place)

    def _same_kind(
        self, kind: str, reader: Json, writer: Json, place: str
    ) -> Iterator[Incompatibility]:
        match kind:
            case "record":
                yield from self._records(reader, writer, place)
            case "enum":
                yield from _enums(reader, writer, place)
            case "array":
                yield from self.compare(reader["items"], writer["items"], f"{place}[]")
            case "map":
                yield from self.compare(reader["values"], writer["values"], f"{place}{{}}")
            case "fixed" if not _same_name(reader, writer) or reader["size"] != writer["size"]:
                yield _other_type(place, reader, writer)
            case _:
                return

    def _into_union(
        self, reader: list[Json], writer: Json, place: str
    ) -> Iterator[Incompatibility]:
        tried = [list(self.compare(branch, writer, place)) for branch in reader]
        if any(not problems for problems in tried):
            return
        kind = _kind(writer)
        alike = [
            problems
            for branch, problems in zip(reader, tried, strict=True)
            if _kind(_plain(branch, self._reader_names)) == kind
        ]
        if alike:
            yield from alike[0]
        else:
            yield _other_type(place, reader, writer)

    def _records(self, reader: Json, writer: Json, place: str) -> Iterator[Incompatibility]:
        if not _same_name(reader, writer):
            yield Incompatibility(
                place,
                f"is the record {reader['name']}, but was written as {writer['name']}",
                f"Keep the name, or add the alias {writer['name']}.",
            )
            return
        pair = (reader["name"], writer["name"])
        if pair in self._entered:
            return
        self._entered.add(pair)
        written = {field["name"]: field for field in writer["fields"]}
        prefix = f"{place}." if place else ""
        for field in reader["fields"]:
            names = [field["name"], *field.get("aliases", ())]
            known = next((written[name] for name in names if name in written), None)
            here = f"{prefix}{field['name']}"
            if known is not None:
                yield from self.compare(field["type"], known["type"], here)
            elif "default" not in field:
                yield Incompatibility(
                    here,
                    "is required, but is not in what was written",
                    'Give it a default; the type ["null", …] with the default null fits always.',
                    is_missing=True,
                )
        self._entered.discard(pair)


def _enums(reader: Json, writer: Json, place: str) -> Iterator[Incompatibility]:
    if not _same_name(reader, writer):
        yield _other_type(place, reader, writer)
        return
    unknown = [symbol for symbol in writer["symbols"] if symbol not in reader["symbols"]]
    if unknown and "default" not in reader:
        yield Incompatibility(
            place,
            f"may be written as {', '.join(unknown)}, which enum {reader['name']} does not know",
            "Give the enum a default symbol, in the release before a symbol is added or given up.",
        )


def _other_type(place: str, reader: Json, writer: Json) -> Incompatibility:
    return Incompatibility(
        place,
        f"is {type_name(reader)}, but was written as {type_name(writer)}",
        "Keep the type; add a new field with a default for the new one.",
    )


def _collect(node: Json, namespace: str, names: dict[str, Json]) -> None:
    if isinstance(node, list):
        for branch in node:
            _collect(branch, namespace, names)
    elif isinstance(node, dict):
        namespace = node.get("namespace", namespace)
        if "name" in node and node["type"] in ("record", "enum", "fixed"):
            names[node["name"]] = node
            names[f"{namespace}.{node['name']}".lstrip(".")] = node
        for field in node.get("fields", ()):
            _collect(field["type"], namespace, names)
        for inner in ("items", "values"):
            if inner in node:
                _collect(node[inner], namespace, names)
        if isinstance(node["type"], dict | list):
            _collect(node["type"], namespace, names)


def _plain(node: Json, names: dict[str, Json]) -> Json:
    """The node with a reference replaced by what it names, and a nested type taken out."""
    if isinstance(node, str) and node not in _PRIMITIVES:
        return names[node]
    if isinstance(node, dict) and isinstance(node["type"], dict | list):
        return _plain(node["type"], names)
    if isinstance(node, dict) and "." not in node["type"] and node["type"] in names:
        return names[node["type"]]
    return node


def _kind(node: Json) -> str:
    return node if isinstance(node, str) else str(node["type"])


def _logical(node: Json) -> Json:
    return node.get("logicalType") if isinstance(node, dict) else None


def _same_name(reader: Json, writer: Json) -> bool:
    """Avro compares the names of types without their namespace."""
    wanted = writer["name"].rpartition(".")[2]
    names = (reader["name"], *reader.get("aliases", ()))
    return wanted in {name.rpartition(".")[2] for name in names}
