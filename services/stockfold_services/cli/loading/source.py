"""A CSV or NDJSON file as rows, and its fingerprint."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import orjson

from stockfold.domain.errors import ContractError, SettingsError

DELIMITERS = (",", ";", "\t", "|")
NDJSON = (".ndjson", ".jsonl")
CELL_CHARACTERS_MAX = 10_000
_CHUNK = 1024 * 1024


class Rows(Protocol):
    """An open file: its header, then its rows."""

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        ...

    def __iter__(self) -> Iterator[Sequence[str]]:
        """Every row behind the header."""
        ...


class CsvRows:
    """Rows of a CSV file under its header."""

    def __init__(self, path: Path, lines: Iterator[str], delimiter: str | None) -> None:
        self._path = path
        first = next(lines, "")
        chosen = delimiter or max(DELIMITERS, key=first.count)
        csv.field_size_limit(CELL_CHARACTERS_MAX)
        self._header = next(csv.reader([first], delimiter=chosen), [])
        self._reader = csv.reader(lines, delimiter=chosen, strict=True)

    @property
    def header(self) -> list[str]:
        """The names of the columns."""
        return self._header

    def __iter__(self) -> Iterator[Sequence[str]]:
        try:
            for row in self._reader:
                if row:
                    yield row
        except csv.Error as error:
            raise ContractError(
                "undecodable",
                f"it is no CSV: {error}",
                where=f"{self._path}, line {self._reader.line_num + 1}",
                remedy="Export it again, with quotes around cells that hold the separator.",
            ) from None


class JsonRows:
    """Flat JSON objects, one a line; the first one's names are the header."""

    def __init__(self, path: Path, lines: Iterator[str]) -> None:
        self._path = path
        self._lines = enumerate(lines, 1)
        self._first = next(self._objects(), {})
        self._header = list(self._first)

    @property
    def header(self) -> list[str]:
        """The names of the first object."""
        return self._header

    def __iter__(self) -> Iterator[Sequence[str]]:
        if self._first:
            yield self._cells(self._first)
        for one in self._objects():
            yield self._cells(one)

    def _objects(self) -> Iterator[dict[str, Any]]:
        for number, line in self._lines:
            if not line.strip():
                continue
            try:
                found = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise self._bad(number, f"it is no JSON: {error}") from None
            if not isinstance(found, dict) or any(
                isinstance(value, dict | list) for value in found.values()
            ):
                raise self._bad(number, "it is no flat JSON object")
            yield found

    def _cells(self, one: dict[str, Any]) -> Sequence[str]:
        # A name that the first object lacks makes a row that is too wide, and is told as such.
        more = len(one.keys() - self._header)
        return [_cell(one.get(name)) for name in self._header] + [""] * more

    def _bad(self, number: int, what: str) -> ContractError:
        return ContractError(
            "undecodable",
            what,
            where=f"{self._path}, line {number}",
            remedy="Write an object of names and plain values a line.",
        )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@contextmanager
def open_rows(path: Path, encoding: str, delimiter: str | None) -> Iterator[Rows]:
    """The rows of a CSV file, or of NDJSON where its name says so.

    SettingsError when it cannot be opened or has another encoding.
    """
    try:
        lines = path.open(encoding=encoding, newline="")
    except (OSError, LookupError) as error:
        raise SettingsError(
            f"the file cannot be read: {error}", where=str(path), remedy="Name a readable file."
        ) from None
    try:
        with lines:
            if path.suffix.lower() in NDJSON:
                yield JsonRows(path, iter(lines))
            else:
                yield CsvRows(path, iter(lines), delimiter)
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"the file is not {encoding}: {error.reason}",
            where=str(path),
            remedy="Name its encoding, such as --encoding cp1252.",
        ) from None


def fingerprint(path: Path, *told: str) -> str:
    """A hash of the file's bytes and of what else tells one load from another."""
    found = hashlib.blake2b(digest_size=16)
    for part in told:
        found.update(f"{len(part)}:{part}".encode())
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            found.update(chunk)
    return found.hexdigest()


def count_lines(path: Path) -> int:
    """How many lines a file has, for the progress bar."""
    with path.open("rb") as source:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: source.read(_CHUNK), b""))
