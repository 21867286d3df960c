"""``stockfold digest``: one number for everything, to compare two builds."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.servers import server_errors
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.building import connected
from stockfold_services.rebuild.digests import Digest, of_journal, of_tables


def digest(
    name: Annotated[
        str, typer.Argument(help="A generation of the read model: live, or a rebuilt one.")
    ] = generations.LIVE,
    journal: Annotated[
        bool,
        typer.Option("--journal", help="Of the ledger's state, folded from the journal."),
    ] = False,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The digest by partition and in total: equal digests of one kind mean equal contents."""
    settings = attach(load(config))
    with server_errors(settings):
        found = _journal(settings, partition) if journal else asyncio.run(_tables(settings, name))
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


def _journal(settings: Settings, partition: int | None) -> Digest:
    partitions = list(range(settings.kafka.sku_partitions)) if partition is None else [partition]
    with Bars() as bars:
        bars.stage("journal", 0)
        return of_journal(settings, partitions, bars.done)


async def _tables(settings: Settings, name: str) -> Digest:
    schema = generations.schema_of(settings, name)
    async with connected(settings, schema) as connection:
        await generations.refuse_missing(connection, name, schema)
        return await of_tables(connection, schema, name)
