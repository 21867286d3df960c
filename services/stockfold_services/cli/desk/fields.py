"""Field values as people type them, by the schema of the field."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from stockfold.contracts.registry import Registry, default_registry
from stockfold.domain.errors import ContractError
from stockfold.domain.times import parse_us

_FIRST_DAY = date(1970, 1, 1)
_EXPECTED = {
    "timestamp-micros": "a time with an offset, such as 2026-11-01T12:00:00Z",
    "date": "a day, such as 2026-11-01",
    "long": "a whole number",
    "int": "a whole number",
    "boolean": "true or false",
    "array": 'a JSON list, such as ["DC-BERLIN"]',
    "record": "a JSON object",
}


def parse_field(name: str, field: str, given: Any, registry: Registry | None = None) -> Any:
    """The value of a field of the event type ``name``, from text or a JSON value.

    Times become UTC microseconds, days days since 1970, ``null`` None. ContractError
    ``unknown_type``, ``unknown_field`` or ``unencodable``, which names what is expected.
    """
    definition = (registry or default_registry()).by_name(name).definition
    types = {entry["name"]: entry["type"] for entry in definition["fields"]}
    if field not in types:
        raise ContractError(
            "unknown_field",
            f"{name} has no field {field!r}",
            remedy="Its fields are " + ", ".join(types) + ".",
        )
    branches = types[field] if isinstance(types[field], list) else [types[field]]
    if "null" in branches and (given is None or given == "null"):
        return None
    expected = next(branch for branch in branches if branch != "null")
    try:
        return _value(expected, given)
    except (ValueError, TypeError, OverflowError, msgspec.DecodeError):
        raise ContractError(
            "unencodable",
            f"{field} is {given!r}",
            remedy=f"It must be {_wanted(expected)}.",
        ) from None


def _value(expected: Any, given: Any) -> Any:
    kind, logical = _kind(expected)
    if logical == "timestamp-micros":
        return parse_us(given) if isinstance(given, str) else _whole(given)
    if logical == "date":
        if not isinstance(given, str):
            return _whole(given)
        return (date.fromisoformat(given) - _FIRST_DAY).days
    if kind in ("long", "int"):
        return int(given) if isinstance(given, str) else _whole(given)
    if kind == "boolean":
        return _one_of({"true": True, "false": False}, str(given).lower())
    if kind == "enum":
        return _one_of({symbol: symbol for symbol in expected["symbols"]}, given)
    if kind in ("array", "record"):
        return msgspec.json.decode(given) if isinstance(given, str) else given
    return str(given)


def _whole(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise TypeError
    return given


def _one_of(known: dict[str, Any], given: Any) -> Any:
    if given not in known:
        raise ValueError
    return known[given]


def _kind(expected: Any) -> tuple[str, str]:
    if isinstance(expected, dict):
        return str(expected["type"]), str(expected.get("logicalType", ""))
    return str(expected), ""


def _wanted(expected: Any) -> str:
    kind, logical = _kind(expected)
    if kind == "enum":
        return "one of " + ", ".join(expected["symbols"])
    return _EXPECTED.get(logical) or _EXPECTED.get(kind) or "text"
