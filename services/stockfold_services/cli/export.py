"""``stockfold export``: tables for BI."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.settings import load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.exporting import tables
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.place import Place

app = typer.Typer(help="Write tables for BI.", no_args_is_help=True)


@app.command()
def parquet(
    to: Annotated[
        str, typer.Option(help="A new folder, or an fsspec URL such as s3://bucket/day.")
    ],
    positions: Annotated[bool, typer.Option("--positions", help="The table positions.")] = False,
    journal: Annotated[
        bool, typer.Option("--journal", help="The tables journal and movements.")
    ] = False,
    deliveries: Annotated[bool, typer.Option("--deliveries", help="The table deliveries.")] = False,
    config: ConfigFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Write the tables that are named, or all, as Parquet from the topics."""
    if find_spec("pyarrow") is None:
        raise SettingsError(
            "writing Parquet needs the package pyarrow",
            where="stockfold export parquet",
            remedy="pip install 'stockfold[export]'",
        )
    writing = importlib.import_module("stockfold_services.cli.exporting.parquet")
    chosen = _chosen(positions=positions, journal=journal, deliveries=deliveries)
    settings, place = attach(load(config)), Place(to)
    reading = kafka_errors(
        "not every table was written",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then export to a new folder.",
    )
    if dry_run:
        with reading:
            for table in chosen:
                writing.refuse_existing(place, table)
            found = {table.name: writing.offsets(settings, table) for table in chosen}
        if as_json:
            print_json({"dry_run": True, "to": to, "offsets": found})
        else:
            titles = ("table", "offsets to read", "where it would be")
            print_table(titles, [(n, c, place.where(n)) for n, c in found.items()])
        return
    names = [table.name for table in chosen]
    confirm(f"Write {', '.join(names)} of {settings.prefix!r} to {place.url}?", yes)
    counts: dict[str, int] = {}
    record = audited(
        settings,
        command="export parquet",
        subject=f"environment {settings.prefix!r}",
        details={"to": place.url, "tables": names},
    )
    with reading, record as result, _progress() as p:
        for table in chosen:
            task = p.add_task(table.name, total=None)
            counts[table.name] = writing.export(
                settings, place, table, lambda _name, count, task=task: p.advance(task, count)
            )
        result["rows"] = counts
    if as_json:
        print_json({"to": to, "rows": counts})
    else:
        print_table(("table", "rows", "where"), [(n, c, place.where(n)) for n, c in counts.items()])


def _chosen(*, positions: bool, journal: bool, deliveries: bool) -> list[tables.Table]:
    """The tables that were named, or all."""
    return [
        table
        for table, wanted in (
            (tables.POSITION_TABLE, positions),
            (tables.FACT_TABLE, journal),
            (tables.MOVEMENT_TABLE, journal),
            (tables.DELIVERY_TABLE, deliveries),
        )
        if wanted or not (positions or journal or deliveries)
    ]


def _progress() -> Progress:
    """Rows so far on standard error, when a person is looking."""
    console = Console(stderr=True)
    shown = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} rows of {task.description}"),
        TimeElapsedColumn(),
    )
    return Progress(*shown, console=console, transient=True, disable=not console.is_terminal)


@app.command()
def columns(as_json: AsJson = False) -> None:
    """What the columns of the tables mean."""
    found = [
        {
            "table": table.name,
            "column": column.name,
            "type": column.type,
            "nullable": column.nullable,
            "meaning": column.doc,
        }
        for table in tables.TABLES
        for column in table.columns
    ]
    if as_json:
        print_json(found)
        return
    names = ("table", "column", "type", "nullable", "meaning")
    print_table(names, [[row[name] for name in names] for row in found])
