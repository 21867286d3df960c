"""``stockfold snapshots``: what there is to recover from, and whether it is whole."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from stockfold.contracts.frames import SnapshotError
from stockfold.runtime.settings import load
from stockfold.runtime.snapshots import SnapshotStore, open_store
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Show and check what the ledger recovers from.", no_args_is_help=True)


@app.command("list")
def list_(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every snapshot with its offset in the journal and its digest, newest first."""
    settings = load(config)
    store = open_store(settings)
    found = [
        said
        for partition in range(settings.kafka.sku_partitions)
        for said in reversed(store.describe(partition))
    ]
    if as_json:
        print_json([msgspec.to_builtins(said) for said in found])
        return
    print_table(
        ("partition", "next offset", "SKUs", "facts", "recorded at", "digest"),
        [(s.partition, s.next_offset, s.skus, s.facts, s.recorded_at, s.digest) for s in found],
    )


@app.command("verify")
def verify(
    config: ConfigFile = None,
    as_json: AsJson = False,
    every: Annotated[bool, typer.Option("--all", help="Not only the newest of each.")] = False,
) -> None:
    """Read snapshots whole, and compute their digests anew; exit code 3 when one is damaged."""
    settings = load(config)
    store = open_store(settings)
    places = [
        (partition, offset)
        for partition in range(settings.kafka.sku_partitions)
        for offset in store.offsets(partition)[0 if every else -1 :]
    ]
    found = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        for partition, offset in progress.track(places, description="verifying"):
            found.append(_verified(store, partition, offset))
    if as_json:
        print_json(found)
    else:
        columns = ("partition", "next_offset", "digest", "problem")
        print_table(columns, [[row[column] for column in columns] for row in found])
    if any(row["problem"] for row in found):
        raise typer.Exit(SnapshotError.exit_code)


def _verified(store: SnapshotStore, partition: int, offset: int) -> dict[str, Any]:
    row: dict[str, Any] = {"partition": partition, "next_offset": offset}
    try:
        snapshot = store.open(partition, offset)
        snapshot.restore(verify=True)
    except SnapshotError as error:
        return {**row, "digest": None, "problem": str(error)}
    return {**row, "digest": snapshot.digest, "problem": None}
