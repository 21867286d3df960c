"""Rows of a table (CSV) as bodies of one event type: JSON trees, judged like any other JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from stockfold.contracts.json_text import JsonObject
from stockfold.contracts.registry import Registry, default_registry
from stockfold.domain.errors import ContractError

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
LIST_SEPARATOR = ";"
COLUMNS_MAX = 512

Cell = Callable[[str], object]


class Table:
    """How the columns of one header become the fields of one event type.

    ``mapping`` says which column is which field; a column that has a field's name needs none.
    ``constants`` are fields that are the same in every row, text being read as a cell is.
    ``ignored`` are the columns that
    become nothing. ContractError ``bad_mapping``.
    """

    def __init__(
        self,
        event_type: str,
        header: Sequence[str],
        mapping: Mapping[str, str] | None = None,
        constants: Mapping[str, object] | None = None,
        registry: Registry | None = None,
    ) -> None:
        if len(header) > COLUMNS_MAX:
            raise _bad(
                f"the header has {len(header)} columns; at most {COLUMNS_MAX} are taken",
                "Export fewer columns, or say what separates them.",
            )
        columns = [name.strip() for name in header]
        self._width = len(columns)
        fields = _fields(event_type, registry or default_registry())
        self._constants = [
            (name, fields[name][0](value) if isinstance(value, str) and name in fields else value)
            for name, value in (constants or {}).items()
        ]
        wanted = _wanted(columns, mapping or {}, fields, {name for name, _ in self._constants})
        self._cells: list[tuple[int, str, Cell]] = [
            (place, wanted[column], fields[wanted[column]][0])
            for place, column in enumerate(columns)
            if column in wanted
        ]
        self.ignored = [column for column in columns if column not in wanted]
        given = {*wanted.values(), *(name for name, _ in self._constants)}
        missing = [name for name, (_, needed) in fields.items() if needed and name not in given]
        if missing:
            raise _bad(
                f"no column is {', '.join(missing)}; there are {', '.join(columns)[:300]}",
                "Say which column it is: column=field.",
            )

    def tree(self, row: Sequence[str]) -> JsonObject | None:
        """The body of a row; None when it has not as many cells as the header.

        An empty cell is a field that is left out.
        """
        if len(row) != self._width:
            return None
        pairs: list[tuple[str, object]] = []
        for place, field, cell in self._cells:
            text = row[place].strip()
            if text:
                pairs.append((field, cell(text)))
        pairs += self._constants
        return JsonObject(pairs)

    @property
    def width(self) -> int:
        """How many cells a row must have."""
        return self._width


def _wanted(
    columns: Sequence[str],
    mapping: Mapping[str, str],
    fields: Mapping[str, tuple[Cell, bool]],
    constant: set[str],
) -> dict[str, str]:
    """The field of each column that has one."""
    twice = sorted({name for name in columns if columns.count(name) > 1})
    if twice:
        raise _bad(f"the header has {twice[0]!r} twice", "Name every column once.")
    for column, field in mapping.items():
        if column not in columns:
            near = get_close_matches(column, columns, 1)
            raise _bad(
                f"there is no column {column!r}",
                f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(columns)[:300]}.",
            )
        if field not in fields:
            raise _bad(f"there is no field {field!r}", f"There are {', '.join(fields)}.")
    mapped = set(mapping.values()) | constant
    wanted = dict(mapping)
    for column in columns:
        name = column.lower()
        if column not in mapping and name in fields and name not in mapped:
            wanted[column] = name
    given = list(wanted.values())
    unknown = sorted(constant - set(fields))
    if unknown:
        raise _bad(f"there is no field {unknown[0]!r}", f"There are {', '.join(fields)}.")
    doubled = sorted({name for name in given if given.count(name) > 1 or name in constant})
    if doubled:
        raise _bad(f"{doubled[0]} is given more than once", "Give every field once.")
    return wanted


def _fields(event_type: str, registry: Registry) -> dict[str, tuple[Cell, bool]]:
    """How a cell of each field is read, and whether the field must be given."""
    definition: Any = registry.by_name(event_type).definition
    return {
        field["name"]: (_cell(field["type"]), "default" not in field)
        for field in definition["fields"]
    }


def _cell(node: Any) -> Cell:
    if isinstance(node, list):
        return next((_cell(branch) for branch in node if branch != "null"), _text)
    kind = node if isinstance(node, str) else node["type"]
    if isinstance(node, dict) and "logicalType" in node:
        return _text
    if kind in ("int", "long"):
        return _whole
    if kind == "boolean":
        return _boolean
    if kind == "array":
        items = _cell(node["items"])
        return lambda text: [items(part.strip()) for part in text.split(LIST_SEPARATOR)]
    return _text


def _text(text: str) -> object:
    return text


def _whole(text: str) -> object:
    # What is no whole number stays text, and is refused with the field's name.
    return int(text) if _WHOLE.fullmatch(text) else text


def _boolean(text: str) -> object:
    return _BOOLEANS.get(text.lower(), text)


def _bad(what: str, remedy: str) -> ContractError:
    return ContractError("bad_mapping", what, remedy=remedy)
