"""Field values as people type them, by the schema of the field."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

import msgspec

from stockfold.contracts.registry import default_registry
from stockfold.domain.errors import ContractError
from stockfold.domain.times import format_us, parse_us

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


def parse_field(name: str, field: str, text: str) -> Any:
    """The value of a field of the event type ``name``, as the codec takes it.

    Times become UTC microseconds, days days since 1970, ``null`` None. ContractError
    ``unknown_type``, ``unknown_field`` or ``unencodable``, which names what is expected.
    """
    expected, nullable = _expected(name, field)
    if nullable and text == "null":
        return None
    try:
        return _value(expected, text)
    except (ValueError, OverflowError, msgspec.DecodeError):
        raise ContractError(
            "unencodable", f"{field} is {text!r}", remedy=f"It must be {_wanted(expected)}."
        ) from None


def json_value(name: str, field: str, text: str) -> Any:
    """The same as JSON of the event carries it: times and days stay text."""
    value = parse_field(name, field, text)
    return text if _kind(_expected(name, field)[0])[1] and value is not None else value


class Terms(NamedTuple):
    """What a field may hold: for people, and the symbols when it is one of some."""

    words: str
    symbols: tuple[str, ...]
    nullable: bool


def terms_of(name: str) -> dict[str, Terms]:
    """Every field of the event type ``name``; ContractError ``unknown_type``."""
    found = {}
    for entry in default_registry().by_name(name).definition["fields"]:
        expected, nullable = _expected(name, entry["name"])
        symbols = tuple(expected["symbols"]) if _kind(expected)[0] == "enum" else ()
        found[entry["name"]] = Terms(_wanted(expected), symbols, nullable)
    return found


def field_text(name: str, field: str, value: Any) -> str:
    """A value as a person types it: ``parse_field`` gives it back.

    A value that does not fit the field, of an event that was refused for it, is told as JSON.
    """
    if value is None:
        return "null"
    kind, logical = _kind(_expected(name, field)[0])
    if logical == "timestamp-micros" and isinstance(value, int):
        return format_us(value)
    if logical == "date" and isinstance(value, int):
        return (_FIRST_DAY + timedelta(days=value)).isoformat()
    if isinstance(value, str) and kind not in ("array", "record"):
        return value
    return msgspec.json.encode(value).decode()


def _expected(name: str, field: str) -> tuple[Any, bool]:
    """(schema of the field, whether it may be null)."""
    definition = default_registry().by_name(name).definition
    types = {entry["name"]: entry["type"] for entry in definition["fields"]}
    if field not in types:
        raise ContractError(
            "unknown_field",
            f"{name} has no field {field!r}",
            remedy="Its fields are " + ", ".join(types) + ".",
        )
    branches = types[field] if isinstance(types[field], list) else [types[field]]
    return next(branch for branch in branches if branch != "null"), "null" in branches


def _value(expected: Any, text: str) -> Any:
    kind, logical = _kind(expected)
    if logical == "timestamp-micros":
        return parse_us(text)
    if logical == "date":
        return (date.fromisoformat(text) - _FIRST_DAY).days
    if kind in ("long", "int"):
        return int(text)
    if kind == "boolean":
        return _one_of({"true": True, "false": False}, text.lower())
    if kind == "enum":
        return _one_of({symbol: symbol for symbol in expected["symbols"]}, text)
    return msgspec.json.decode(text) if kind in ("array", "record") else text


def _one_of(known: dict[str, Any], given: str) -> Any:
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
