"""The first stage of a rebuild: records become rows, as the projector makes them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import asyncpg

from stockfold.contracts.topics import (
    AVAILABILITY,
    DELIVERIES,
    EXCEPTIONS,
    JOURNAL,
    POSITIONS,
)
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.projector import tables
from stockfold_services.projector.batch import Consumed, Place
from stockfold_services.projector.store import Store
from stockfold_services.projector.writing import write_records
from stockfold_services.rebuild import generations
from stockfold_services.rebuild.plans import Progress, Report, Wanted
from stockfold_services.rebuild.until import Until, end_of

COPIED = (JOURNAL, EXCEPTIONS, AVAILABILITY, DELIVERIES)
"""Topics whose records become rows one by one. Positions are folded from the journal instead."""
KEPT_LONGER = (
    tables.AVAILABILITY_HISTORY,
    tables.DELIVERIES,
    tables.DELIVERY_HISTORY,
    tables.LISTINGS,
    tables.ORDER_HISTORY,
    tables.PARCELS,
    tables.UNREADABLE,
)
"""Tables that may hold what their topics have forgotten: taken over from the live generation."""


async def copy_records(
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
    report.positions = {p: reader.settled_end(POSITIONS, p) for p in partitions}
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
            place = (topic.name, partition)
            batches = reader.read(topic, partition, max(starts[place], firsts[place]), ends[place])
            await _write(store, batches, place, starts, progress)
        if topic is JOURNAL:
            report.copied_per_s = journal / max(time.monotonic() - began, 1e-9)
    report.next_offsets = {p: ends[(JOURNAL.name, p)] for p in partitions}


def journal_ends(
    settings: Settings, reader: PartitionReader, until: Until | None
) -> dict[int, int]:
    """Where the journal is left, by partition."""
    partitions = range(settings.kafka.sku_partitions)
    return {p: end_of(reader, JOURNAL, p, until) for p in partitions}


async def _write(
    store: Store,
    batches: Iterator[list[Record]],
    place: Place,
    starts: dict[Place, int],
    progress: Progress,
) -> None:
    for batch in batches:
        records = [
            Consumed(*place, r.offset(), r.key(), r.value(), r.timestamp()[1]) for r in batch
        ]
        await write_records(store, records, starts)
        progress.done(len(records))


async def take_over(
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
        # The live generation may be of a release that had fewer columns.
        there = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0",
            f'"{live}".{table.name}',
        )
        names = {row["attname"] for row in there}
        columns = ", ".join(column for column in table.columns if column in names)
        await connection.execute(
            f'INSERT INTO "{schema}".{table.name} ({columns}) '  # noqa: S608 - our own names
            f'SELECT {columns} FROM "{live}".{table.name} ON CONFLICT DO NOTHING'
        )
