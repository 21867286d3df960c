"""What the demo shows: progress while it works, sentences for what is done, tables at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from infra.demo.run import Report

COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    BarColumn(bar_width=24),
    TextColumn("{task.fields[detail]}"),
    TimeElapsedColumn(),
)


class Screen:
    """A terminal; a file gets only the sentences and the tables."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False, soft_wrap=True)
        self._live: Progress | None = None

    def say(self, sentence: str) -> None:
        """A line that stays: something is done."""
        self._console.print(f"[green]✓[/green] {escape(sentence)}")

    @contextmanager
    def progress(self, what: str) -> Iterator[None]:
        """A line that lives while the body runs."""
        if not self._console.is_terminal:
            yield
            return
        with Progress(*COLUMNS, console=self._console, transient=True) as live:
            live.add_task(what, total=None, detail="")
            self._live = live
            try:
                yield
            finally:
                self._live = None

    def moved(self, detail: str, done: int | None = None, total: int | None = None) -> None:
        """What the living line says, and how far it is."""
        if self._live is not None:
            task = self._live.task_ids[0]
            self._live.update(task, detail=escape(detail), completed=done or 0, total=total)

    def summary(self, report: Report) -> None:
        """Everything that came of it."""
        self._console.print()
        self._console.print(_proof(report))
        for comparison in report.comparisons:
            if comparison.differ:
                self._console.print(f"[red]{escape(comparison.what)}[/red], the first that differ:")
                for line in comparison.first:
                    self._console.print(f"  {escape(line)}")
        self._console.print(_counts("what the lines met", report.cases))
        self._console.print(_counts("exceptions", report.exceptions))
        speed = f"{report.pace.per_second:,} events a second fed, " if report.pace.events else ""
        self._console.print(
            f"{report.events:,} events, {speed}{report.seconds:.0f} s from the first to the proof"
        )
        self._console.print()
        for name, address in report.addresses.items():
            self._console.print(f"  {name:<12} {escape(address)}")
        self._console.print()
        verdict = (
            "[green]nothing differs[/green]"
            if report.holds
            else "[red]there are differences: exit code 1[/red]"
        )
        self._console.print(verdict)

    def stays(self) -> None:
        """Said before it waits for Ctrl-C."""
        self._console.print("It stays up. Ctrl-C stops everything.")

    def stopping(self) -> None:
        """Said when it was asked to stop."""
        self._console.print("stopping")

    def hint(self, sentence: str) -> None:
        """What else can be done."""
        self._console.print(f"  {escape(sentence)}")

    def failed(self, sentence: str) -> None:
        """Why it could not go on."""
        self._console.print(f"[red]✗[/red] {escape(sentence)}")


def _proof(report: Report) -> Table:
    table = Table("worked out twice", title="proof", title_justify="left")
    table.add_column("compared", justify="right")
    table.add_column("differ", justify="right")
    for comparison in report.comparisons:
        style = "red" if comparison.differ else None
        table.add_row(
            comparison.what, f"{comparison.compared:,}", f"{comparison.differ:,}", style=style
        )
    return table


def _counts(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in counts.items():
        table.add_row(name, f"{count:,}")
    return table
