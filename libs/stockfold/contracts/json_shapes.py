"""JSON trees checked against Avro schemas as strictly as Avro itself, and turned into records.

The record is the one that the Avro reader gives: times as int UTC microseconds, days as int days
since 1970, defaults filled in. Nothing is coerced: 5.0, "5" and true are no integers.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches
from typing import Any

from stockfold.contracts.json_text import (
    PROBLEMS_MAX,
    JsonNumber,
    JsonObject,
    JsonRefusedError,
    Path,
    Problem,
    path_text,
)
from stockfold.domain.errors import DefectError
from stockfold.domain.times import parse_us

Problems = list[Problem]
Reader = Callable[[object, Path, Problems], Any]

_EPOCH_DAY = date(1970, 1, 1).toordinal()
_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.(\d{1,6})(\d*))?(?P<offset>[Zz]|[+-]\d\d:\d\d)?"
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_BITS = {"int": 32, "long": 64}
_AVRO_BRANCHES = {"string", "long", "int", "boolean", "null", "array", "map"}
_TIME_REMEDY = "Write RFC 3339 with an offset, such as 2026-11-01T12:00:00Z."
_DAY_REMEDY = "Write the day as YYYY-MM-DD, such as 2026-11-01."


def shape(definition: Any) -> Callable[[object], dict[str, Any]]:
    """A function that makes a record of a tree, or raises JsonRefusedError with every problem."""
    reader = _reader(definition)

    def read(tree: object) -> dict[str, Any]:
        problems: Problems = []
        record = reader(tree, (), problems)
        if problems:
            raise JsonRefusedError(problems)
        assert isinstance(record, dict)
        return record

    return read


def described(value: object) -> str:
    """What a JSON value is, for people."""
    match value:
        case None:
            return "null"
        case bool():
            return f"{str(value).lower()}, a boolean"
        case int():
            return f"{value}, an integer"
        case JsonNumber():
            text = value.text if len(value.text) <= 40 else value.text[:40] + "…"
            return f"{text}, {_number_kind(value.text)}"
        case str():
            return f"{value[:40]!r}, text"
        case list():
            return "an array"
        case _:
            return "an object"


def _number_kind(text: str) -> str:
    if text.lstrip("-").isdigit():
        return "a number of too many digits"
    return "no JSON number" if text.lstrip("-") in ("NaN", "Infinity") else "a decimal number"


def _tell(problems: Problems, path: Path, what: str, remedy: str) -> None:
    if len(problems) < PROBLEMS_MAX:
        problems.append(Problem("schema_mismatch", path_text(path), what, remedy))


def _wrong(problems: Problems, path: Path, value: object, wanted: str, remedy: str) -> None:
    _tell(problems, path, f"is {described(value)}; it must be {wanted}", remedy)


def _reader(node: Any) -> Reader:
    if isinstance(node, list):
        return _optional(node)
    kind = node if isinstance(node, str) else node["type"]
    logical = None if isinstance(node, str) else node.get("logicalType")
    if isinstance(kind, dict | list):
        return _reader(kind)
    if logical == "timestamp-micros":
        return _timestamp
    if logical == "date":
        return _day
    if logical is None:
        match kind:
            case "string":
                return _text
            case "boolean":
                return _boolean
            case "int" | "long":
                return _whole(_BITS[kind])
            case "enum":
                return _enum(node["symbols"])
            case "array":
                return _array(_reader(node["items"]))
            case "record":
                return _record(node)
    raise DefectError(
        f"Avro's {logical or kind} has no JSON form here",
        where="stockfold.contracts.json_shapes",
        remedy="Use another type in the schema, or teach this module its JSON form.",
    )


def _text(value: object, path: Path, problems: Problems) -> Any:
    if not isinstance(value, str):
        _wrong(problems, path, value, "text", 'Write text in quotes, such as "A-1".')
        return None
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            _tell(problems, path, "has half a surrogate pair, which is no text", "Send UTF-8.")
    return value


def _boolean(value: object, path: Path, problems: Problems) -> Any:
    if not isinstance(value, bool):
        _wrong(problems, path, value, "true or false", "Write true or false without quotes.")
    return value


def _whole(bits: int) -> Reader:
    bound = 1 << (bits - 1)

    def read(value: object, path: Path, problems: Problems) -> Any:
        if type(value) is int:
            if -bound <= value < bound:
                return value
            _tell(problems, path, f"is {value}; it must fit {bits} bits", "Check the number.")
        elif isinstance(value, JsonNumber) and value.text.lstrip("-").isdigit():
            _tell(problems, path, f"is {value.text[:40]}…; it must fit {bits} bits", "Check it.")
        else:
            _wrong(problems, path, value, "an integer", "Write a whole number, such as 5.")
        return None

    return read


def _timestamp(value: object, path: Path, problems: Problems) -> Any:
    if not isinstance(value, str):
        _wrong(problems, path, value, "a timestamp as text", _TIME_REMEDY)
        return None
    found = _RFC3339.fullmatch(value)
    if found is None:
        _wrong(problems, path, value, "an RFC 3339 timestamp", _TIME_REMEDY)
        return None
    if not found["offset"]:
        _tell(problems, path, f"is {value!r}, which has no UTC offset", _TIME_REMEDY)
        return None
    if (found[2] or "").strip("0"):
        _tell(problems, path, f"is {value!r}, finer than a microsecond", "Round to six decimals.")
        return None
    try:
        return parse_us(value.upper())
    except (ValueError, OverflowError) as error:
        _tell(problems, path, f"is {value!r}, which is no moment: {error}", _TIME_REMEDY)
        return None


def _day(value: object, path: Path, problems: Problems) -> Any:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        _wrong(problems, path, value, "a day as text", _DAY_REMEDY)
        return None
    try:
        return date.fromisoformat(value).toordinal() - _EPOCH_DAY
    except ValueError as error:
        _tell(problems, path, f"is {value!r}, which is no day: {error}", _DAY_REMEDY)
        return None


def _enum(symbols: list[str]) -> Reader:
    known = frozenset(symbols)
    listed = ", ".join(symbols)

    def read(value: object, path: Path, problems: Problems) -> Any:
        if isinstance(value, str) and value in known:
            return value
        near = get_close_matches(value.lower(), symbols, 1) if isinstance(value, str) else []
        hint = f"Did you mean {near[0]}?" if near else f"Write one of {listed}."
        _wrong(problems, path, value, f"one of {listed}", hint)
        return None

    return read


def _array(item: Reader) -> Reader:
    def read(value: object, path: Path, problems: Problems) -> Any:
        if not isinstance(value, list):
            _wrong(problems, path, value, "an array", "Write values between [ and ].")
            return None
        return [item(each, (*path, index), problems) for index, each in enumerate(value)]

    return read


def _optional(branches: list[Any]) -> Reader:
    others = [branch for branch in branches if branch != "null"]
    if len(others) != 1 or len(branches) != 2:
        raise DefectError(
            f"the union {branches!r} has no JSON form here",
            where="stockfold.contracts.json_shapes",
            remedy="Use null and one other type.",
        )
    inner = _reader(others[0])

    def read(value: object, path: Path, problems: Problems) -> Any:
        if value is None:
            return None
        if isinstance(value, JsonObject) and len(value.pairs) == 1:
            branch = value.pairs[0][0]
            if branch in _AVRO_BRANCHES or branch.startswith("stockfold."):
                _tell(
                    problems,
                    path,
                    f"is Avro's own JSON with the branch {branch!r}",
                    "Write the value itself, without naming its type.",
                )
                return None
        return inner(value, path, problems)

    return read


def _record(node: Any) -> Reader:
    fields = [
        (field["name"], _reader(field["type"]), "default" in field, field.get("default"))
        for field in node["fields"]
    ]
    names = [name for name, *_ in fields]
    known = frozenset(names)
    title = node["name"]

    def read(value: object, path: Path, problems: Problems) -> Any:
        if not isinstance(value, JsonObject):
            _wrong(problems, path, value, f"an object: {title}", "Write its fields in { and }.")
            return None
        given = dict(value.pairs)
        for name in given:
            if name not in known:
                near = get_close_matches(name, names, 1)
                hint = f"Did you mean {near[0]}?" if near else "Leave it out."
                _tell(problems, (*path, name), f"is no field of {title}", hint)
        record: dict[str, Any] = {}
        for name, reader, has_default, default in fields:
            if name in given:
                record[name] = reader(given[name], (*path, name), problems)
            elif has_default:
                record[name] = copy.deepcopy(default)
            else:
                _tell(problems, (*path, name), "is missing", f"Write the field {name}.")
        return record

    return read
