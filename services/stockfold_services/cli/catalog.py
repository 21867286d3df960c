"""``stockfold catalog``: SKUs, locations, authorities and aliases, imported, shown, exported."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from stockfold.contracts.reference import fields_of
from stockfold.domain.errors import SettingsError
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold_services.cli.catalogue import exporting, importing, publish
from stockfold_services.cli.catalogue.records import KINDS, differences, kind_name, title
from stockfold_services.cli.catalogue.store import Store
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Import, show and export reference data.", no_args_is_help=True)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV, NDJSON or YAML.")],
    full: Annotated[
        bool,
        typer.Option(
            "--full/--delta",
            help="full: what the file lacks becomes inactive. delta: only what it says changes.",
        ),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Check a file whole, show what changes, and publish it."""
    settings = attach(load(config))
    with _store() as store, _progress() as told:
        importing.stage_file(store, file, told("read"))
        publisher = None if dry_run else publish.Publisher(settings)
        _warn(publish.load(settings, store, told("compared with what is published")))
        importing.plan(store, file, full=full)
        changes = importing.preview(store)
        if not as_json:
            _show_preview(store, changes)
        published = 0
        if publisher is not None and store.differing:
            confirm(f"Publish {store.differing} records?", yes)
            with audited(
                settings,
                command="catalog import",
                subject=f"{store.differing} records of {file.name}",
                details={"file": file.name, "full": full, "counts": store.counts},
            ) as result:
                published = publisher.publish(store, told("published"))
                result["published"] = published
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "counts": store.counts,
                "published": published,
                "changes": changes,
                "changes_left_out": store.differing - len(changes),
            }
        )
    elif not dry_run:
        Console(highlight=False).print(f"published {published} records")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A SKU, location, source, or code of a source.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Everything that reference data says about a name."""
    settings = attach(load(config))
    item = publish.find_item(settings, name)
    records = [*([item] if item is not None else []), *publish.find_references(settings, name)]
    if not records:
        raise SettingsError(
            f"reference data knows nothing called {name}",
            where="stockfold.catalog.v1 and stockfold.reference.v1",
            remedy="Check the spelling, or import it.",
        )
    if as_json:
        print_json([{"record": kind_name(r), **fields_of(r)} for r in records])
        return
    rows = [
        (title(r), r.revision, "" if r.active else "inactive", "; ".join(differences(None, r)))
        for r in records
    ]
    print_table(("what", "revision", "state", "content"), rows)


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="A new .ndjson file, or .csv of one kind.")],
    record: Annotated[
        str | None, typer.Option("--record", help="item, location, authority or alias.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Write what is published to a file that can be imported again."""
    if record is not None and record not in KINDS:
        raise SettingsError(
            f"there is no kind of record {record}",
            where="--record",
            remedy=f"Say {', '.join(KINDS)}.",
        )
    settings = attach(load(config))
    with _store() as store, _progress() as told:
        _warn(publish.load(settings, store, told("read")))
        count = exporting.export(store, file, record)
    if as_json:
        print_json({"file": str(file), "records": count})
    else:
        Console(highlight=False).print(f"wrote {count} records to {file}", markup=False)


@contextmanager
def _store() -> Iterator[Store]:
    with tempfile.TemporaryDirectory(prefix="stockfold-") as folder, Store(Path(folder)) as store:
        yield store


class _Told:
    """Progress on standard error, when a person is looking."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def __call__(self, what: str) -> publish.Progress:
        """Progress of one step."""
        task = self._progress.add_task(what, total=None)
        return lambda count: self._progress.advance(task, count)


@contextmanager
def _progress() -> Iterator[_Told]:
    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.completed:,.0f} records {task.description}"),
        TimeElapsedColumn(),
    )
    progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
    with progress:
        yield _Told(progress)


def _warn(sentences: list[str]) -> None:
    console = Console(stderr=True, highlight=False)
    for sentence in sentences[: importing.PROBLEMS_SHOWN_MAX]:
        console.print(f"passed over: {sentence}", markup=False, soft_wrap=True)


def _show_preview(store: Store, changes: list[dict[str, Any]]) -> None:
    if changes:
        rows = [
            (c["what"], c["action"], c["revision"], c["line"], "; ".join(c["changes"]))
            for c in changes
        ]
        print_table(("what", "action", "revision", "line", "changes"), rows)
    console = Console(highlight=False)
    left_out = store.differing - len(changes)
    if left_out:
        console.print(f"and {left_out} more")
    console.print(", ".join(f"{count} {action}" for action, count in store.counts.items()))
