"""What the benchmarks of the read model share: servers, a backlog of real records, and CPU."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.ledger import Progress, feed, ledger_progress
from infra.bench.workload import CHANNELS

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import schema_of
from stockfold.contracts.journal import decode_entry
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.resting_rows import pack
from stockfold.contracts.snapshots import Head, write
from stockfold.contracts.topics import (
    AVAILABILITY,
    EXCEPTIONS,
    JOURNAL,
    POLICIES,
    POSITIONS,
    Topic,
)
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.dedupe import Window
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.kafka import confluent_config, ensure_topics, group_id
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import PostgresSettings, Settings

TOPICS = (JOURNAL, POSITIONS, AVAILABILITY, EXCEPTIONS)
"""What a ledger and an availability process write, and the projector reads."""
SILENT_S_MAX = 90.0
LOOK_S = 0.2


class Servers(NamedTuple):
    """A broker and a database that are new, and where they are."""

    settings: Settings
    kafka: psutil.Process
    postgres: psutil.Process
    folder: Path
    """The broker's."""


@contextmanager
def servers(prefix: str = "reads.") -> Iterator[Servers]:
    """Both, for one benchmark, stopped at the end with all that they held."""
    with new_broker() as broker:
        postgres = EmbeddedPostgres(broker.folder / "postgres")
        try:
            settings = broker.as_installed(prefix).model_copy(
                update={"postgres": PostgresSettings.model_validate({"dsn": postgres.start()})}
            )
            ensure_topics(settings)
            yield Servers(
                settings, broker_process(), psutil.Process(postgres.pid), broker.folder / "kafka"
            )
        finally:
            postgres.stop()


def broker_process() -> psutil.Process:
    """The one that this process has started."""
    return next(
        child for child in psutil.Process().children() if "kafka.Kafka" in " ".join(child.cmdline())
    )


def database(settings: Settings) -> str:
    """The address of the database."""
    assert settings.postgres.dsn is not None, "servers() has set it"
    return settings.postgres.dsn.resolve()


def fold(settings: Settings, events: int, skus: int, seed: int) -> None:
    """Let the real ledger fold a workload, and the real availability process what comes of it."""
    publish_policies(settings)
    feed(settings, events, skus, seed)
    quiet = {"STOCKFOLD_LOG_LEVEL": "WARNING"}
    with (
        process(settings, "ledger", STOCKFOLD_LEDGER__BATCH_EVENTS_MAX="5000", **quiet),
        process(settings, "availability", **quiet),
    ):
        _until(ledger_progress(settings), events)
        nexts = backlog(settings, (POSITIONS,)).nexts
        positions = POSITIONS.full_name(settings.prefix)
        progress = Progress(settings, group_id(settings, "availability"), [positions])
        _until(progress, sum(nexts.values()))


def publish_policies(settings: Settings) -> None:
    """One policy for each channel of the workload."""
    producer = Producer(confluent_config(settings))
    for channel in CHANNELS:
        policy = Policy(channel, 1)
        producer.produce(
            POLICIES.full_name(settings.prefix), encode_policy(policy), channel.encode()
        )
    producer.flush(30)


def _until(progress: Progress, count: int) -> None:
    """Wait for a group to have committed so much; UnavailableError when it stands still."""
    last, heard = -1, time.monotonic()
    try:
        while (done := progress.committed()) < count:
            if done > last:
                last, heard = done, time.monotonic()
            elif time.monotonic() - heard > SILENT_S_MAX:
                raise UnavailableError(
                    f"it stopped at {done} of {count} records", remedy="Read its log above."
                )
            time.sleep(LOOK_S)
    finally:
        progress.close()


@dataclass
class Backlog:
    """What stands in the topics that the projector reads."""

    nexts: dict[tuple[str, int], int] = field(default_factory=dict)
    """By topic and partition, the offset behind the last record."""
    records: Counter[str] = field(default_factory=Counter)
    """By the record's type."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Values and keys before compression, by the record's type."""
    keys: dict[str, set[bytes]] = field(default_factory=dict)
    """By the record's type."""


def backlog(settings: Settings, topics: Sequence[Topic] = TOPICS) -> Backlog:
    """Read it, to know what must arrive."""
    found = Backlog()
    reader = PartitionReader(settings)
    for topic in topics:
        for partition in range(settings.kafka.sku_partitions):
            for batch in reader.read(topic, partition):
                for record in batch:
                    key, value = record.key() or b"", record.value() or b""
                    kind = schema_of(value).name.removeprefix("stockfold.")
                    found.records[kind] += 1
                    found.sizes[kind] += len(key) + len(value)
                    found.keys.setdefault(kind, set()).add(key)
                    found.nexts[topic.name, partition] = record.offset() + 1
    return found


def bytes_on_disk(up: Servers, topic: Topic) -> int:
    """What a topic takes in the broker's log, as it was compressed; its indexes not counted."""
    name = topic.full_name(up.settings.prefix)
    return sum(file.stat().st_size for file in up.folder.glob(f"**/{name}-*/*.log"))


def snapshot_bytes(settings: Settings) -> int:
    """What snapshots of everything that the journal tells would take, without the memory of ids."""
    states: dict[str, SkuState] = {}
    reader = PartitionReader(settings)
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(JOURNAL, partition):
            for record in batch:
                fact = decode_entry(record.value())
                if isinstance(fact, Fact):
                    sku = fact.cause.sku
                    evolve(states.setdefault(sku, SkuState(sku)), fact)
    file = io.BytesIO()
    head = Head(0, 0, 0, b"", 0, "", 0, len(states), {}, 1, 0, 0, 0, 0, 0)
    write(file, head, ((sku, pack(state)) for sku, state in states.items()), Window(1))
    return file.tell()


async def arrived(connection: asyncpg.Connection, settings: Settings, wanted: Backlog) -> int:
    """How much of a backlog is in the tables: offsets, summed as those of ``nexts``."""
    schema = schema_name(settings.prefix)
    try:
        rows = await connection.fetch(
            f'SELECT topic, partition, next_offset FROM "{schema}".offsets'  # noqa: S608 - our own
        )
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return 0
    stands = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
    return sum(min(stands.get(place, 0), end) for place, end in wanted.nexts.items())
