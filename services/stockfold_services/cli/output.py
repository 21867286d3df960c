"""What every command prints: tables for people, JSON for programs, errors with a remedy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from stockfold.domain.errors import StockfoldError

PIPE_CHARACTERS = 240

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config", help="The settings file. Default: STOCKFOLD_CONFIG, else ./stockfold.toml."
    ),
]


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode() + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on standard output."""
    table = Table(header_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, no_wrap=index == 0, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
    console = Console()
    # A pipe has no width: the lines are kept whole for whatever reads them.
    if not console.is_terminal:
        console.width = PIPE_CHARACTERS
    console.print(table)


def print_error(error: StockfoldError) -> None:
    """What happened, where, and what to do, on standard error."""
    console = Console(stderr=True, highlight=False)
    console.print(f"error: {error.what}", style="bold red", markup=False, soft_wrap=True)
    if error.where:
        console.print(f"where: {error.where}", markup=False, soft_wrap=True)
    if error.remedy:
        console.print(f"to do: {error.remedy}", markup=False, soft_wrap=True)
