"""The output topics as the projector reads them.

Offsets are PostgreSQL's. Kafka's group only shares out the partitions; its own offsets are neither
read nor written.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    DELIVERIES,
    EXCEPTIONS,
    JOURNAL,
    LISTINGS,
    ORDER_CASES,
    ORDER_STATUS,
    POSITIONS,
    REEVALUATION,
    REFERENCE,
    SHIPMENTS,
    Topic,
)
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.deafness import listen
from stockfold.runtime.kafka import aiokafka_config, group_id
from stockfold.runtime.leaving import leave
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.tracing import sampled, traceparent_in
from stockfold.runtime.watchdog import Deafness
from stockfold_services.projector.batch import Batch, Consumed, Place
from stockfold_services.projector.store import Seen

log = logging.getLogger(__name__)

TOPICS: tuple[Topic, ...] = (
    JOURNAL,
    POSITIONS,
    EXCEPTIONS,
    AVAILABILITY,
    DELIVERIES,
    LISTINGS,
    REEVALUATION,
    ORDER_CASES,
    ORDER_STATUS,
    SHIPMENTS,
    CATALOG,
    REFERENCE,
)
ANSWER_S_MAX = 15.0
FETCH_BYTES_MAX = 16 * 1024 * 1024
PARTITION_BYTES_MAX = 2 * 1024 * 1024
# While records keep coming a batch gathers; after this pause it is written.
PAUSE_MS = 15

LoadOffsets = Callable[[dict[Place, int]], Awaitable[dict[Place, int]]]


class _Rebalanced(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka's base is untyped
    """Forgets where partitions stood: they may come back further on, and are sought anew.

    ``Source.adopt`` loads the offsets, not these callbacks, whose errors the client swallows.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Before a rebalance."""
        del revoked
        self._source.forget_all()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """After it."""
        self._source.forget_all()
        log.info("reading %d partitions", len(assigned))


class Source:
    """A consumer in the projector's group. ``opened`` makes it."""

    def __init__(self, settings: Settings, consumer: AIOKafkaConsumer, cluster_id: str) -> None:
        self.cluster_id = cluster_id
        self.traced = False
        """Whether records keep the trace that they are of."""
        self._prefix = settings.prefix
        self._events_max = settings.projector.batch_events_max
        self._batch_s_max = settings.projector.batch_ms_max / 1000
        self._consumer = consumer
        self.turns = 0
        """How often everything was forgotten: what was read before then is read again."""
        self._nexts: dict[TopicPartition, int] = {}
        self._record_ms: dict[TopicPartition, int] = {}
        self._deafness: Deafness[TopicPartition] = Deafness(settings.environment.stall_limit_s)

    @classmethod
    @asynccontextmanager
    async def opened(cls, settings: Settings) -> AsyncIterator[Source]:
        """Join the group. UnavailableError when Kafka does not answer or topics are missing."""
        config = aiokafka_config(settings)
        names = [topic.full_name(settings.prefix) for topic in TOPICS]
        consumer: AIOKafkaConsumer | None = None
        try:
            cluster_id = await asyncio.wait_for(_inspect(config, names), ANSWER_S_MAX)
            consumer = AIOKafkaConsumer(
                **config,
                group_id=group_id(settings, "projector"),
                # A killed projector that restarts has its partitions back at once.
                group_instance_id=settings.projector.instance,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                isolation_level="read_committed",
                partition_assignment_strategy=(RangePartitionAssignor,),
                session_timeout_ms=6000,
                heartbeat_interval_ms=1500,
                fetch_max_bytes=FETCH_BYTES_MAX,
                max_partition_fetch_bytes=PARTITION_BYTES_MAX,
            )
            source = cls(settings, consumer, cluster_id)
            consumer.subscribe(names, listener=_Rebalanced(source))
            await asyncio.wait_for(consumer.start(), ANSWER_S_MAX)
        except (KafkaError, TimeoutError, OSError) as error:
            if consumer is not None:
                await leave(consumer)
            raise _unavailable(settings, error) from error
        except asyncio.CancelledError:
            if consumer is not None:
                await leave(consumer)
            raise
        try:
            yield source
        finally:
            await leave(consumer)

    def forget_all(self) -> None:
        """Load every offset anew before going on."""
        self.turns += 1
        self._nexts.clear()

    def starts(self) -> dict[Place, int]:
        """The next offset of each place, as PostgreSQL has it."""
        return {self._place(at): offset for at, offset in self._nexts.items()}

    def written(self, batch: Batch) -> None:
        """Go on behind a batch, which PostgreSQL now has."""
        for (topic, partition), offset in batch.next_offsets.items():
            at = TopicPartition(self._prefix + topic, partition)
            if at in self._nexts:
                self._nexts[at] = offset
                self._record_ms[at] = batch.newest_ms[topic, partition]

    async def adopt(self, load: LoadOffsets) -> None:
        """Start partitions that have come to us where PostgreSQL says."""
        new = [at for at in self._consumer.assignment() if at not in self._nexts]
        if not new:
            return
        firsts = await self._consumer.beginning_offsets(new)
        ends = await self._consumer.end_offsets(new)
        loaded = await load({self._place(at): firsts[at] for at in new})
        for at in new:
            offset = loaded[self._place(at)]
            if offset > ends[at]:
                raise SettingsError(
                    f"the read model has read {at.topic} partition {at.partition} up to offset "
                    f"{offset}, but the topic ends at {ends[at]}: it was made anew",
                    where="kafka.bootstrap, postgres.dsn",
                    remedy="Drop the read model's schema; it is rebuilt from the topics.",
                )
            if offset < firsts[at]:
                log.warning(
                    "%s partition %d: offsets %d to %d were removed by the topic's retention "
                    "before they were read; going on at %d",
                    at.topic,
                    at.partition,
                    offset,
                    firsts[at] - 1,
                    firsts[at],
                )
            if at in self._consumer.assignment():
                self._consumer.seek(at, max(offset, firsts[at]))
                self._nexts[at] = offset

    async def fetch(self) -> list[Consumed]:
        """The next records, those of a partition in order; none after a quiet moment."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._batch_s_max
        found: list[Consumed] = []
        wait_ms = max(int(self._batch_s_max * 1000), 1)
        while len(found) < self._events_max:
            given = await self._consumer.getmany(
                timeout_ms=wait_ms, max_records=self._events_max - len(found)
            )
            for at, records in given.items():
                found += self._wanted(at, records)
            left_ms = int((deadline - loop.time()) * 1000)
            if not given or left_ms <= 0:
                break
            wait_ms = min(PAUSE_MS, left_ms)
        await listen(self._consumer, self._deafness, loop.time())
        return found

    def _wanted(self, at: TopicPartition, records: list[ConsumerRecord]) -> list[Consumed]:
        """Records of partitions that stand where PostgreSQL says; others are read again later."""
        begin = self._nexts.get(at)
        if begin is None:
            return []
        topic = at.topic.removeprefix(self._prefix)
        return [
            Consumed(topic, at.partition, r.offset, r.key, r.value, r.timestamp, self._trace_of(r))
            for r in records
            if r.offset >= begin
        ]

    def _trace_of(self, record: ConsumerRecord) -> str:
        return sampled(traceparent_in(record.headers)) if self.traced else ""

    async def seen(self, ahead: Mapping[Place, int]) -> tuple[dict[Place, Seen], datetime | None]:
        """How far each place is written, and until when those without lag are known whole.

        ``ahead`` are the records of each place that were read and are still to be written.
        """
        found = {}
        whole_ms = []
        for at in self._nexts.keys() & self._consumer.assignment():
            end = self._consumer.last_stable_offset(at)
            if end is None:
                continue
            lag = max(end - await self._consumer.position(at), 0)
            lag += ahead.get(self._place(at), 0)
            found[self._place(at)] = Seen(lag, _moment(self._record_ms.get(at)))
            if lag == 0:
                whole_ms.append(self._consumer.last_poll_timestamp(at))
        return found, _moment(min(whole_ms, default=None))

    def _place(self, at: TopicPartition) -> Place:
        return at.topic.removeprefix(self._prefix), at.partition


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


async def _inspect(config: dict[str, object], names: list[str]) -> str:
    """The cluster's id; UnavailableError when topics are missing."""
    admin = AIOKafkaAdminClient(**config)
    try:
        await admin.start()
        missing = sorted(set(names) - set(await admin.list_topics()))
        if missing:
            raise UnavailableError(
                f"topics are missing: {', '.join(missing)}",
                where=f"Kafka at {config['bootstrap_servers']}",
                remedy="`stockfold up` makes them.",
            )
        return str((await admin.describe_cluster())["cluster_id"])
    finally:
        await admin.close()


def _unavailable(settings: Settings, error: BaseException) -> UnavailableError:
    return UnavailableError(
        f"Kafka did not answer: {type(error).__name__} {error}",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check that the broker runs and can be reached from here.",
    )
