"""Building a generation of the read model beside the live one, publishing nothing.

Two stages. First the records of the journal and of the other topics become rows, as the projector
makes them, rows and offsets in one transaction. Then each partition's journal is folded into its
positions, rows and mark in one transaction. Killed, it goes on behind what was committed.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

import asyncpg
import msgspec
from confluent_kafka.admin import AdminClient

from stockfold.contracts.topics import (
    AVAILABILITY,
    DELIVERIES,
    EXCEPTIONS,
    JOURNAL,
    POSITIONS,
    Topic,
)
from stockfold.domain.errors import SettingsError
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import connection_options, schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.projector import tables
from stockfold_services.projector.batch import Consumed, Place
from stockfold_services.projector.store import Store
from stockfold_services.projector.writing import write_records
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.digests import of_tables
from stockfold_services.rebuild.generations import Source
from stockfold_services.rebuild.positions import Folded, Path, choose_path, fold_partition
from stockfold_services.rebuild.until import Until, end_of

ANSWER_S_MAX = 30.0
COPIED = (JOURNAL, EXCEPTIONS, AVAILABILITY, DELIVERIES)
"""Topics whose records become rows one by one. Positions are folded from the journal instead."""
KEPT_LONGER = (
    tables.AVAILABILITY_HISTORY,
    tables.DELIVERIES,
    tables.DELIVERY_HISTORY,
    tables.UNREADABLE,
)
"""Tables that may hold what their topics have forgotten: taken over from the live generation."""


class Progress(Protocol):
    """Told how far the work is."""

    def stage(self, name: str, total: int) -> None:
        """A stage of ``total`` records begins."""
        ...

    def done(self, records: int) -> None:
        """So many more records of it are done."""
        ...


class Wanted(msgspec.Struct, frozen=True):
    """What is to be built."""

    name: str
    path: Path
    until: Until | None = None
    source: Source = "journal"


class Report(msgspec.Struct):
    """What was built. ``*_per_s`` are journal records a second of the two stages."""

    name: str
    schema: str
    source: Source
    until: str
    path: Path
    facts: int = 0
    skus: int = 0
    rows: dict[str, int] = {}
    next_offsets: dict[int, int] = {}
    """Where the journal's reading ended, by partition."""
    positions: dict[int, int] = {}
    """Where the projector goes on in the positions topic after a cutover, by partition."""
    seconds: float = 0.0
    copied_per_s: float = 0.0
    folded_per_s: float = 0.0
    digest: str = ""


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
        await _copy(settings, store, reader, wanted, progress, report)
        await _take_over(connection, settings, schema, wanted)
        await _fold_all(settings, connection, reader, wanted, progress, report)
        await connection.execute("UPDATE rebuild SET state = 'ready', finished_at = now()")
        await _count(connection, report)
        report.digest = (await of_tables(connection, schema, wanted.name)).digest
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


async def _copy(
    settings: Settings,
    store: Store,
    reader: PartitionReader,
    wanted: Wanted,
    progress: Progress,
    report: Report,
) -> None:
    """Records become rows, from where an earlier run stopped to the end of each topic."""
    topics = COPIED if wanted.until is None else (JOURNAL,)
    partitions = range(settings.kafka.sku_partitions)
    # Positions first: whatever is committed later is read by the projector after a cutover.
    report.positions = {p: reader.committed_end(POSITIONS, p) for p in partitions}
    behind = {(POSITIONS.name, p): end for p, end in report.positions.items()}
    ends: dict[Place, int] = {}
    for topic in topics:
        for partition in partitions:
            until = wanted.until if topic is JOURNAL else None
            ends[(topic.name, partition)] = end_of(reader, topic, partition, until)
    firsts = {(t.name, p): reader.earliest(t, p) for t in topics for p in partitions}
    starts = await store.offsets(firsts)
    starts |= await store.offsets(behind)
    journal = sum(max(ends[place] - starts[place], 0) for place in ends if place[0] == JOURNAL.name)
    progress.stage("records to rows", sum(max(ends[at] - starts[at], 0) for at in ends))
    for topic in topics:
        began = time.monotonic()
        for partition in partitions:
            await _copy_partition(store, reader, topic, partition, starts, ends, progress)
        if topic is JOURNAL:
            report.copied_per_s = journal / max(time.monotonic() - began, 1e-9)
    report.next_offsets = {p: ends[(JOURNAL.name, p)] for p in partitions}


async def _copy_partition(
    store: Store,
    reader: PartitionReader,
    topic: Topic,
    partition: int,
    starts: dict[Place, int],
    ends: dict[Place, int],
    progress: Progress,
) -> None:
    place = (topic.name, partition)
    for batch in reader.read(topic, partition, starts[place], ends[place]):
        records = [
            Consumed(topic.name, partition, r.offset(), r.key(), r.value(), r.timestamp()[1])
            for r in batch
        ]
        await write_records(store, records, starts)
        progress.done(len(records))


async def _take_over(
    connection: asyncpg.Connection, settings: Settings, schema: str, wanted: Wanted
) -> None:
    """What topics have forgotten and the live generation still knows."""
    live = schema_name(settings.prefix)
    if wanted.until is not None or not await generations.exists(connection, live):
        return
    for table in KEPT_LONGER:
        if not await connection.fetchval(
            "SELECT to_regclass($1) IS NOT NULL", f"{live}.{table.name}"
        ):
            continue
        columns = ", ".join(table.columns)
        await connection.execute(
            f'INSERT INTO "{schema}".{table.name} ({columns}) '  # noqa: S608 - our own names
            f'SELECT {columns} FROM "{live}".{table.name} ON CONFLICT DO NOTHING'
        )


async def _fold_all(
    settings: Settings,
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
    for partition in due:
        end = ends[partition]
        folded = fold_partition(reader, partition, end, wanted.path, progress.done)
        await save_partition(connection, partition, end, report.positions[partition], folded)
        facts += folded.facts
    report.folded_per_s = facts / max(time.monotonic() - began, 1e-9)


async def save_partition(
    connection: asyncpg.Connection,
    partition: int,
    end: int,
    positions_next: int,
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
