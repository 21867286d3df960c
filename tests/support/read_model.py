"""A read model of a generated history: topics as a ledger writes them, and the projector's work."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, POSITIONS
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings
from stockfold_services.projector.main import run
from stockfold_services.projector.source import TOPICS

from . import servers
from .histories import Options, seeded
from .journals import journal_of
from .read_side import produce

SKUS = tuple(f"SKU-{i}" for i in range(6))


def write_history(settings: Settings, seed: int, size: int = 400) -> int:
    """Write what ledgers write for a history, to the topics of each partition; count the facts."""
    history = seeded(seed, size=size, options=Options(skus=SKUS))
    count = settings.kafka.sku_partitions
    facts = 0
    for partition in range(count):
        mine = [i for i in history if partition_of(i.body["sku"].encode(), count) == partition]
        log = journal_of(mine).process.log.records
        outputs = [
            (topic, message.key(), message.value())
            for topic in (JOURNAL, POSITIONS, EXCEPTIONS)
            for message in log.get(topic.name, ())
        ]
        produce(settings, outputs, partition)
        facts += sum(1 for topic, key, _ in outputs if topic is JOURNAL and key is not None)
    return facts


def project_all(settings: Settings) -> None:
    """Run the projector until the tables hold everything."""
    servers.run(_project(settings))


async def _project(settings: Settings) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop))
    try:
        await caught_up(settings)
    finally:
        stop.set()
        await task


def wait_until_projected(settings: Settings) -> None:
    """Wait until a projector that runs elsewhere has read everything that is there now."""
    servers.run(caught_up(settings))


async def caught_up(settings: Settings) -> None:
    """Wait until the projector has read every topic to its end."""
    reader = PartitionReader(settings)
    ends = {
        (topic.name, partition): reader.settled_end(topic, partition)
        for topic in TOPICS
        for partition in range(partitions_of(settings, topic))
    }
    connection = await connect(settings)
    try:
        async with asyncio.timeout(60):
            while True:
                if await _holds(connection, ends):
                    return
                await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def _holds(connection: asyncpg.Connection, ends: dict[tuple[str, int], int]) -> bool:
    try:
        rows = await connection.fetch("SELECT topic, partition, lag FROM progress")
        told = {(row["topic"], row["partition"]): row["lag"] for row in rows}
        offsets = await connection.fetch("SELECT topic, partition, next_offset FROM offsets")
    except asyncpg.UndefinedTableError:
        return False
    read = {(row["topic"], row["partition"]): row["next_offset"] for row in offsets}
    # The record of a commit takes an offset of its own, at the end.
    return all(
        told.get(place) == 0 and read.get(place, -2) >= end - 1 for place, end in ends.items()
    )


async def connect(settings: Settings) -> asyncpg.Connection:
    """A connection to the live generation."""
    return await asyncpg.connect(
        settings.postgres.dsn.resolve(),
        server_settings={"search_path": schema_name(settings.prefix)},
    )


def fetch(settings: Settings, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Rows of a query over the live generation."""

    async def work() -> list[tuple[Any, ...]]:
        connection = await connect(settings)
        try:
            return [tuple(row) for row in await connection.fetch(sql, *arguments)]
        finally:
            await connection.close()

    return servers.run(work())
