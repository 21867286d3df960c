"""A CSV file as rows, and its fingerprint."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from stockfold.domain.errors import ContractError, SettingsError

DELIMITERS = (",", ";", "\t", "|")
CELL_CHARACTERS_MAX = 10_000
_CHUNK = 1024 * 1024


class Rows:
    """An open file: its header, then its rows."""

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


@contextmanager
def open_rows(path: Path, encoding: str, delimiter: str | None) -> Iterator[Rows]:
    """The rows of a file. SettingsError when it cannot be opened or has another encoding."""
    try:
        lines = path.open(encoding=encoding, newline="")
    except (OSError, LookupError) as error:
        raise SettingsError(
            f"the file cannot be read: {error}", where=str(path), remedy="Name a readable file."
        ) from None
    try:
        with lines:
            yield Rows(path, iter(lines), delimiter)
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
