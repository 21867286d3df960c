"""Building a generation of the read model beside the live one, publishing nothing.

Two stages. First the records of the journal and of the other topics become rows, as the projector
makes them, rows and offsets in one transaction. Then each partition's journal is folded into its
positions, rows and mark in one transaction. Killed, it goes on behind what was committed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
from confluent_kafka.admin import AdminClient

from stockfold.contracts.places import Touched
from stockfold.contracts.topics import POSITIONS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import to_us
from stockfold.runtime.journal_fold import JournalFold
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import connection_options, schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.projector import tables
from stockfold_services.projector.store import Store
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.comparing import count_differences, prepare
from stockfold_services.rebuild.copying import copy_records, journal_ends, take_over
from stockfold_services.rebuild.digests import of_tables
from stockfold_services.rebuild.plans import Progress, Report, Wanted
from stockfold_services.rebuild.positions import (
    Folded,
    as_rows,
    choose_path,
    fold_from_snapshot,
    fold_partition,
    open_batches,
)
from stockfold_services.rebuild.redeciding import redecide_partition
from stockfold_services.rebuild.until import Until

ANSWER_S_MAX = 30.0


@asynccontextmanager
async def connected(settings: Settings, schema: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection whose tables are those of ``schema``; statements may take as long as they do."""
    options = connection_options(settings, "rebuild", search_path=schema)
    connection = await asyncpg.connect(**{**options, "command_timeout": None})
    try:
        yield connection
    finally:
        await connection.close()


async def build(settings: Settings, wanted: Wanted, progress: Progress) -> Report:
    """Build the generation, or go on where an earlier run stopped; then how it went.

    SettingsError when the name is taken by something else than what is wanted now.
    """
    schema = generations.schema_of(settings, wanted.name)
    began = time.monotonic()
    report = Report(wanted.name, schema, wanted.source, _told(wanted.until), wanted.path)
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(Store.opened(settings, schema))
        connection = await stack.enter_async_context(connected(settings, schema))
        await generations.lock(connection, schema)
        await _begin(connection, settings, store, wanted)
        reader = PartitionReader(settings)
        if wanted.source == "redecide":
            report.next_offsets = journal_ends(settings, reader, wanted.until)
        else:
            await copy_records(settings, store, reader, wanted, progress, report)
            await take_over(connection, settings, schema, wanted)
        await _fold_all(settings, store, connection, reader, wanted, progress, report)
        await connection.execute("UPDATE rebuild SET state = 'ready', finished_at = now()")
        await _count(connection, report)
        report.digest = (await of_tables(connection, schema, wanted.name)).digest
        live = schema_name(settings.prefix)
        if wanted.source == "redecide" and await generations.exists(connection, live):
            async with connection.transaction(isolation="repeatable_read"):
                sides = await prepare(connection, live, schema)
                report.differs = await count_differences(connection, sides)
    report.seconds = time.monotonic() - began
    return report


async def catch_up(settings: Settings, name: str, progress: Progress) -> None:
    """Read on to the present end, where the generation is a ready rebuild of the whole journal."""
    schema = generations.schema_of(settings, name)
    async with connected(settings, schema) as connection:
        about = await generations.about(connection, schema)
    if about is not None and about.is_fit():
        await build(settings, Wanted(name, choose_path(None), source=about.source), progress)


def _told(until: Until | None) -> str:
    return "" if until is None else until.told


async def _begin(
    connection: asyncpg.Connection, settings: Settings, store: Store, wanted: Wanted
) -> None:
    await generations.make_tables(connection, store.schema)
    admin = AdminClient({**confluent_config(settings), "log_level": 0})
    cluster = str(admin.list_topics(timeout=ANSWER_S_MAX).cluster_id)
    await store.claim_origin(cluster, settings.prefix)
    known = await generations.about(connection, store.schema)
    if known is None:
        await connection.execute(
            "INSERT INTO rebuild (name, source, until, state, kafka_cluster_id) "
            "VALUES ($1, $2, $3, 'building', $4)",
            wanted.name,
            wanted.source,
            _told(wanted.until),
            cluster,
        )
        return
    if (known.source, known.until) != (wanted.source, _told(wanted.until)):
        raise SettingsError(
            f"{wanted.name!r} was built from the {known.source}"
            + (f" until {known.until}" if known.until else ""),
            where=f"PostgreSQL schema {store.schema}",
            remedy=f"Use another name, or `stockfold rebuild --drop {wanted.name}` first.",
        )
    await connection.execute("UPDATE rebuild SET state = 'building'")


async def _fold_all(
    settings: Settings,
    store: Store,
    connection: asyncpg.Connection,
    reader: PartitionReader,
    wanted: Wanted,
    progress: Progress,
    report: Report,
) -> None:
    """Fold every partition that is not folded to its end yet."""
    known = {
        row["partition"]: row["next_offset"]
        for row in await connection.fetch("SELECT partition, next_offset FROM rebuilt_partitions")
    }
    ends = report.next_offsets
    due = [p for p in range(settings.kafka.sku_partitions) if known.get(p) != ends[p]]
    progress.stage("journal to positions", sum(ends[p] for p in due))
    began, facts = time.monotonic(), 0
    with open_batches(settings, wanted.path) as batches:
        for partition in due:
            end = ends[partition]
            if wanted.source == "redecide":
                folded = await redecide_partition(
                    settings, store, reader, partition, end, progress.done
                )
            elif wanted.source == "snapshot":
                fold = fold_from_snapshot(settings, reader, partition, end, progress.done)
                folded = await _from_snapshot(connection, fold)
            else:
                folded = fold_partition(reader, partition, end, wanted.path, progress.done, batches)
            positions_next = report.positions.get(partition)
            await save_partition(connection, partition, end, positions_next, folded)
            facts += folded.facts
    report.folded_per_s = facts / max(time.monotonic() - began, 1e-9)


async def _from_snapshot(connection: asyncpg.Connection, fold: JournalFold) -> Folded:
    """Places of a fold that began with a snapshot, which does not know what last changed them."""
    async with connection.transaction():
        rows = connection.cursor(_LAST_CHANGES, fold.partition)
        async for row in rows:
            caused_us = 0 if row["caused_at"] is None else to_us(row["caused_at"])
            touched = Touched(to_us(row["recorded_at"]), row["correlation_id"], caused_us)
            fold.touched[(row["sku"], row["place"])] = touched
    positions, summaries = as_rows(fold.records(), fold.partition)
    return Folded(fold.facts, fold.skus, positions, summaries)


_LAST_CHANGES = """
SELECT DISTINCT ON (sku, place) sku, place, recorded_at, correlation_id, caused_at
FROM journal CROSS JOIN LATERAL unnest(places) AS place WHERE partition = $1
ORDER BY sku, place, seq DESC
"""


async def save_partition(
    connection: asyncpg.Connection,
    partition: int,
    end: int,
    positions_next: int | None,
    folded: Folded,
) -> None:
    """Put a partition's positions and its mark in place of what was there, all or nothing.

    ``positions_next`` is where the projector goes on in the positions topic after a cutover.
    """
    async with connection.transaction():
        for table, rows in (
            (tables.POSITIONS, folded.positions),
            (tables.SKU_SUMMARIES, folded.summaries),
        ):
            await connection.execute(f"DELETE FROM {table.name} WHERE partition = $1", partition)  # noqa: S608 - our own names
            await connection.copy_records_to_table(
                table.name, records=rows, columns=list(table.columns)
            )
        if positions_next is not None:
            await connection.execute(
                "UPDATE offsets SET next_offset = $3 WHERE topic = $1 AND partition = $2",
                POSITIONS.name,
                partition,
                positions_next,
            )
        await connection.execute(
            "INSERT INTO rebuilt_partitions (partition, next_offset, facts, skus) "
            "VALUES ($1, $2, $3, $4) ON CONFLICT (partition) DO UPDATE SET "
            "next_offset = excluded.next_offset, facts = excluded.facts, skus = excluded.skus",
            partition,
            end,
            folded.facts,
            folded.skus,
        )


async def _count(connection: asyncpg.Connection, report: Report) -> None:
    row = await connection.fetchrow(
        "SELECT coalesce(sum(facts), 0)::bigint AS facts, coalesce(sum(skus), 0)::bigint AS skus "
        "FROM rebuilt_partitions"
    )
    report.facts, report.skus = row["facts"], row["skus"]
    for table in tables.TABLES:
        report.rows[table.name] = await connection.fetchval(f"SELECT count(*) FROM {table.name}")  # noqa: S608 - our own names
