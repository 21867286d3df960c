"""Reference records of every kind as one: their names, keys and content."""

from __future__ import annotations

from typing import Any

import msgspec

from stockfold.contracts.reference import fields_of
from stockfold.domain.reference import (
    Alias,
    Authority,
    CatalogItem,
    Location,
    Record,
    key_of,
)

TYPES: dict[str, type[Record]] = {
    "item": CatalogItem,
    "location": Location,
    "authority": Authority,
    "alias": Alias,
}
KINDS = tuple(TYPES)
_NAMES = {kind: record for record, kind in TYPES.items()}


# What the title tells already.
_TITLE = frozenset({"revision", "sku", "location", "authority", "scope", "kind", "code"})


def kind_name(record: Record) -> str:
    """``item``, ``location``, ``authority`` or ``alias``."""
    return _NAMES[type(record)]


def full_key(record: Record) -> str:
    """One key for all kinds, such as ``item|SKU-1`` or ``location|DC-BERLIN``."""
    key = key_of(record)
    return f"item|{key}" if isinstance(record, CatalogItem) else key


def title(record: Record) -> str:
    """What people call the record."""
    match record:
        case CatalogItem():
            return f"SKU {record.sku}"
        case Location():
            return f"location {record.location}"
        case Authority():
            return f"authority {record.authority}"
        case Alias():
            return f"{record.kind} {record.code} of {record.scope}"


def encode(record: Record) -> bytes:
    """The record as JSON, for the staging store."""
    return msgspec.json.encode(record)


def decode(kind: str, body: bytes) -> Record:
    """A record that ``encode`` wrote."""
    return msgspec.json.decode(body, type=TYPES[kind])


def with_fields(kind: str, base: Record | None, given: dict[str, Any]) -> Record:
    """The record with the given fields; the others as in ``base``, or their defaults."""
    if base is not None:
        given = {**msgspec.to_builtins(base), **given}
    return msgspec.convert(given, TYPES[kind])


def same_content(one: Record, other: Record) -> bool:
    """Whether nothing but the revision differs."""
    return msgspec.structs.replace(one, revision=0) == msgspec.structs.replace(other, revision=0)


def differences(old: Record | None, new: Record) -> list[str]:
    """``field old → new`` for each field that differs; of a new record what is not default."""
    before = fields_of(old) if old is not None else {}
    found = []
    for field, value in fields_of(new).items():
        if field in _TITLE:
            continue
        if old is None:
            if value not in ("", [], None, True):
                found.append(f"{field} {shown(value)}")
        elif before[field] != value:
            found.append(f"{field} {shown(before[field])} → {shown(value)}")
    return found


def shown(value: Any) -> str:
    """A value for people."""
    match value:
        case None:
            return "none"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(shown(item) for item in value) or "none"
        case {"unit": unit, "numerator": numerator, "denominator": denominator}:
            return f"{unit}={numerator}" + (f"/{denominator}" if denominator != 1 else "")
        case {"version": version, "components": components}:
            return f"version {version}: {shown(components)}"
        case {"sku": sku, "quantity": quantity}:
            return f"{sku}*{quantity}"
        case "":
            return "empty"
        case _:
            return str(value)
