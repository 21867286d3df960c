"""``stockfold digest``: one number for everything, to compare two builds."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.servers import server_errors
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.building import connected
from stockfold_services.rebuild.copying import journal_ends
from stockfold_services.rebuild.digests import Digest, of_journal, of_snapshots, of_tables
from stockfold_services.rebuild.until import parse_until


def digest(
    name: Annotated[
        str, typer.Argument(help="A generation of the read model: live, or a rebuilt one.")
    ] = generations.LIVE,
    journal: Annotated[
        bool,
        typer.Option("--journal", help="Of the ledger's state, folded from the journal."),
    ] = False,
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Of the ledger's state in the newest snapshots.")
    ] = False,
    until: Annotated[
        str | None,
        typer.Option(help="With --journal: a time, or offsets, PARTITION:OFFSET,..."),
    ] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The digest by partition and in total: equal digests of one kind mean equal contents.

    Of one kind are two generations of the read model; and the journal and a snapshot, where they
    stand at the same offsets.
    """
    settings = attach(load(config))
    partitions = list(range(settings.kafka.sku_partitions)) if partition is None else [partition]
    with server_errors(settings):
        if snapshot:
            found = of_snapshots(settings, partitions)
        elif journal:
            limit = None if until is None else parse_until(until)
            with Bars() as bars:
                ends = journal_ends(settings, PartitionReader(settings), limit)
                bars.stage("journal", sum(ends[p] for p in partitions))
                found = of_journal(settings, partitions, limit, bars.done)
        else:
            found = asyncio.run(_tables(settings, name))
    _print(found, partition, as_json)


def _print(found: Digest, partition: int | None, as_json: bool) -> None:
    if partition is not None:
        found.partitions = {p: d for p, d in found.partitions.items() if p == partition}
    if as_json:
        print_json(msgspec.to_builtins(found, str_keys=True))
        return
    rows: list[tuple[object, ...]] = [
        (p, part.digest, part.next_offset, part.facts, part.skus, sum(part.rows.values()) or None)
        for p, part in found.partitions.items()
    ]
    if partition is None:
        rows.append(("in total", found.digest, None, None, None, None))
    print_table(("partition", "digest", "next offset", "facts", "SKUs", "rows"), rows)


async def _tables(settings: Settings, name: str) -> Digest:
    schema = generations.schema_of(settings, name)
    async with connected(settings, schema) as connection:
        await generations.refuse_missing(connection, name, schema)
        return await of_tables(connection, schema, name)
