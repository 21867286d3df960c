"""Files of reference data, row by row: CSV, NDJSON, or a small YAML file.

CSV: one kind of record per file, told by its columns, or by a column ``record``. The sign between
columns is the one that the header uses most: comma, semicolon or tab. NDJSON: one object per line.
YAML: ``items``, ``locations``, ``authorities`` and ``aliases``, each a list.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from stockfold.domain.errors import SettingsError
from stockfold_services.cli.catalogue.fields import FIELDS

YAML_BYTES_MAX = 8 * 1024 * 1024
LINE_CHARACTERS_MAX = 1024 * 1024
_SECTIONS = {
    "items": "item",
    "locations": "location",
    "authorities": "authority",
    "aliases": "alias",
}
# The first that all of whose fields are there tells the record; most telling first.
_TELLING = (
    ("alias", ("code", "target")),
    ("authority", ("source",)),
    ("item", ("sku",)),
    ("location", ("location",)),
)
REMEDY = "Mend the file and import it again; nothing was published."


class Row(NamedTuple):
    """One record as the file has it; ``problem`` says why it could not even be read."""

    line: int
    record: str
    values: dict[str, Any]
    problem: str = ""


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file; SettingsError when the file as a whole cannot be read."""
    readers = {
        ".csv": _csv,
        ".tsv": _csv,
        ".ndjson": _ndjson,
        ".jsonl": _ndjson,
        ".yaml": _yaml,
        ".yml": _yaml,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise _unreadable(path, f"its name ends in none of {', '.join(readers)}")
    try:
        yield from reader(path)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"it is not UTF-8: {error}") from error


def _unreadable(path: Path, why: str) -> SettingsError:
    return SettingsError(f"the file cannot be read: {why}", where=str(path), remedy=REMEDY)


def _record_of(values: dict[str, Any]) -> str:
    told = values.pop("record", None)
    if told:
        return str(told).strip()
    for record, fields in _TELLING:
        if all(field in values for field in fields):
            return record
    return ""


def _row(line: int, values: dict[str, Any], record: str = "") -> Row:
    record = record or _record_of(values)
    if record not in FIELDS:
        what = f"{record!r} is no kind of record" if record else "its fields tell no kind of record"
        return Row(line, "", values, f"{what}: {', '.join(FIELDS)}")
    return Row(line, record, values)


def _csv(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header_line = file.readline(LINE_CHARACTERS_MAX)
        file.seek(0)
        sign = max(",;\t", key=header_line.count)
        reader = csv.reader(file, delimiter=sign, strict=True)
        columns = [column.strip().lower() for column in next(reader, [])]
        if not columns:
            raise _unreadable(path, "it is empty")
        twice = sorted({column for column in columns if columns.count(column) > 1})
        if twice:
            raise _unreadable(path, f"column {', '.join(twice)} is there twice")
        record = "" if "record" in columns else _record_of(dict.fromkeys(columns))
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(reader.line_num, "", {}, f"is no CSV: {error}")
                continue
            if not any(cells):
                continue
            if len(cells) != len(columns):
                problem = f"has {len(cells)} cells, the header {len(columns)}"
                yield Row(reader.line_num, "", {}, problem)
                continue
            # An empty cell says nothing, except where nothing means something: see ``_EMPTY``.
            values = {
                column: cell
                for column, cell in zip(columns, cells, strict=True)
                if cell.strip() or column in _EMPTY
            }
            yield _row(reader.line_num, values, record)


_EMPTY = frozenset(
    {"name", "category", "units", "tags", "bill_of_materials", "locations", "types"}
    | {"snapshot_limit", "rhythm_s"}
)


def _ndjson(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open(encoding="utf-8-sig") as file:
        number = 0
        while line := file.readline(LINE_CHARACTERS_MAX):
            number += 1
            if not line.strip():
                continue
            if len(line) >= LINE_CHARACTERS_MAX:
                raise _unreadable(path, f"line {number} has {LINE_CHARACTERS_MAX} characters")
            try:
                values = decode(line)
            except msgspec.DecodeError as error:
                yield Row(number, "", {}, f"is no JSON object: {error}")
                continue
            values.pop("revision", None)  # An export has it; it is given anew.
            yield _row(number, values)


def _yaml(path: Path) -> Iterator[Row]:
    if path.stat().st_size > YAML_BYTES_MAX:
        raise _unreadable(path, f"YAML of more than {YAML_BYTES_MAX} bytes; write NDJSON or CSV")
    content = path.read_text("utf-8")
    try:
        for event in yaml.parse(content, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                raise _unreadable(path, f"aliases (*{event.anchor}) are not taken; write it out")
        root = yaml.compose(content, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise _unreadable(path, f"it has none of {', '.join(_SECTIONS)}")
        constructor = yaml.constructor.SafeConstructor()
        for key, section in root.value:
            record = _SECTIONS.get(str(key.value))
            if record is None or not isinstance(section, yaml.SequenceNode):
                line = key.start_mark.line + 1
                problem = f"{key.value} is no list of {', '.join(_SECTIONS)}"
                yield Row(line, "", {}, problem)
                continue
            for node in section.value:
                yield _yaml_row(constructor, node, record)
    except yaml.YAMLError as error:
        raise _unreadable(path, f"it is no YAML: {' '.join(str(error).split())}") from error


def _yaml_row(constructor: Any, node: yaml.Node, record: str) -> Row:
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        return Row(line, "", {}, f"is no {record}")
    fields = [str(key.value) for key, _ in node.value]
    twice = sorted({field for field in fields if fields.count(field) > 1})
    if twice:
        return Row(line, "", {}, f"{', '.join(twice)} is said twice")
    values = constructor.construct_mapping(node, deep=True)
    return _row(line, {str(key): value for key, value in values.items()}, record)
