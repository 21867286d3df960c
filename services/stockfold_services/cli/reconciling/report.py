"""A reconciliation as a report: on the terminal, as CSV, or as a page (``page.py``)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import msgspec
from rich.console import Console

from stockfold.domain.errors import SettingsError
from stockfold_services.cli.output import print_table

Cell = str | int | None
SHOWN_MAX = 40
"""Differences on the terminal; CSV and the page have more."""


class Sheet(msgspec.Struct):
    """A table: names of its columns, and its rows."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class Group(msgspec.Struct):
    """How many differences are of one kind, and what it means."""

    kind: str
    count: int
    meaning: str


class Report(msgspec.Struct):
    """What every form of a report shows. ``sentence`` sums it up; ``facts`` are name and value."""

    title: str
    sentence: str
    agrees: bool
    facts: Sequence[tuple[str, str]]
    groups: Sequence[Group]
    totals: Sheet
    differences: Sheet
    notes: Sequence[str] = ()


@contextmanager
def writing(path: Path) -> Iterator[TextIO]:
    """A new file. SettingsError when it cannot be written."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise SettingsError(
            f"the file was not written: {error.strerror}",
            where=str(path),
            remedy="Name a file in a folder that you may write to.",
        ) from error


def write_csv(sheet: Sheet, path: Path) -> None:
    """A table as CSV."""
    with writing(path) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(sheet.columns)
        writer.writerows(sheet.rows)


def print_report(report: Report) -> None:
    """For people: the largest differences, the sums, and what it all is."""
    console = Console(highlight=False)

    def say(text: str, style: str = "") -> None:
        console.print(text, markup=False, soft_wrap=True, style=style)

    shown = report.differences.rows[:SHOWN_MAX]
    if shown:
        filled = _filled(Sheet(report.differences.columns, shown))
        print_table(filled.columns, filled.rows)
    more = len(report.differences.rows) - len(shown)
    if more > 0:
        say(f"and {more:,} more: --csv or --html has them", "dim")
    if report.groups:
        groups = [(g.kind, f"{g.count:,}", g.meaning) for g in report.groups]
        print_table(("kind", "count", "meaning"), groups)
    if report.totals.rows:
        print_table(report.totals.columns, report.totals.rows)
    for note in report.notes:
        say(note)
    say(report.sentence, "bold")
    for name, value in report.facts:
        say(f"{name}: {value}", "dim")


def _filled(sheet: Sheet) -> Sheet:
    """The same without columns in which nothing stands: a terminal is narrow."""
    kept = [at for at in range(len(sheet.columns)) if any(row[at] != "" for row in sheet.rows)]
    rows = [[row[at] for at in kept] for row in sheet.rows]
    return Sheet([sheet.columns[at] for at in kept], rows)
