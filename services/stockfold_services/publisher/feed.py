"""``stockfold.availability.v1`` → what one channel shall show; commits what has its outcome.

A group per connection, so that each has its own progress and one owner, and without static
membership: after a crash the broker then waits for the dead member's session before anybody reads
on, and a request that died with it has come to its end at the shop by then.

Each commit carries a mark of the connection's mode (``publisher.mode``), by which an assignment
decides whether reading goes on there or from the beginning.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from typing import Protocol

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.channel_modes import publisher_group
from stockfold.runtime.deafness import listen
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.leaving import leave
from stockfold.runtime.settings import Settings
from stockfold.runtime.watchdog import Deafness
from stockfold_services.publisher.lease import SESSION_S, OneOwner
from stockfold_services.publisher.mode import ALL, Mode
from stockfold_services.publisher.reading import wanted_of
from stockfold_services.publisher.spans import Spans
from stockfold_services.publisher.wanted import Wanted

log = logging.getLogger(__name__)

REBALANCE_TIMEOUT_MS = 300_000
"""How long the broker waits for an owner that brings its requests home."""
RECORDS_MAX = 250
"""At once, so that requests under way get their turn in between: some 5 ms."""
WAIT_MS = 250

Partitions = set[int]
Revoked = Callable[[Partitions], Awaitable[None]]
Assigned = Callable[[Partitions], None]


class Read(msgspec.Struct, frozen=True):
    """One record: what is wanted, or None when it is nothing for this channel."""

    partition: int
    offset: int
    wanted: Wanted | None


class Feed(Protocol):
    """Where availability comes from."""

    async def start(self, assigned: Assigned, revoked: Revoked) -> None:
        """Join.

        ``assigned`` is told of partitions before their first record comes; ``revoked`` is awaited
        before somebody else may have them.
        """
        ...

    async def read(self) -> list[Read]:
        """The next records, in order per partition; none after a short wait."""
        ...

    async def caught_up(self, partitions: Partitions) -> dict[int, int]:
        """Those of them that have been read to where they ended when they were assigned.

        With the next offset of each; every record before it has been returned by ``read``.
        """
        ...

    async def commit(self, offsets: dict[int, int]) -> bool:
        """Commit next offsets by partition; False when they are somebody else's by now."""
        ...

    async def stop(self) -> None:
        """Leave."""
        ...


class KafkaFeed(ConsumerRebalanceListener):  # type: ignore[misc] # aiokafka ships no types
    """The availability of one channel, read committed."""

    def __init__(
        self, settings: Settings, channel: str, mode: Mode = ALL, spans: Spans | None = None
    ) -> None:
        self._spans = spans
        self._settings = settings
        self._mode = mode
        self._group = publisher_group(settings, channel)
        self._lost: KafkaError | None = None
        self._topic = AVAILABILITY.full_name(settings.prefix)
        self._prefix = f"{channel}|".encode()
        self._ends: dict[int, int] = {}
        self._deafness: Deafness[TopicPartition] = Deafness(settings.environment.stall_limit_s)
        self._assigned: Assigned | None = None
        self._revoked: Revoked | None = None
        self._consumer = AIOKafkaConsumer(
            **aiokafka_config(settings),
            group_id=self._group,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=int(SESSION_S * 1_000),
            rebalance_timeout_ms=REBALANCE_TIMEOUT_MS,
            # One alone: aiokafka sends a JoinGroup for each, and members that join at the same
            # moment then start each other's rebalance over and over (aiokafka#1168).
            partition_assignment_strategy=(OneOwner,),
        )

    async def start(self, assigned: Assigned, revoked: Revoked) -> None:
        """See ``Feed.start``. UnavailableError when the topic is not there."""
        self._assigned, self._revoked = assigned, revoked
        await self._consumer.start()
        if self._topic not in await self._consumer.topics():
            raise UnavailableError(
                f"the topic {self._topic} is not there",
                where="publisher",
                remedy="Run `stockfold topics apply`, or check environment.prefix.",
            )
        self._consumer.subscribe([self._topic], listener=self)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        """Called by the consumer, before it reads anything of them."""
        if self._assigned is None:
            return
        self._consumer.pause(*assigned)  # Nobody would take what is read while this one asks.
        try:
            await self._go_back(assigned)
        except KafkaError as error:
            self._lost = error  # The consumer would only log it, and read on past what is missing.
            return
        self._assigned({item.partition for item in assigned})
        self._consumer.resume(*assigned)

    async def _go_back(self, assigned: Collection[TopicPartition]) -> None:
        """To the beginning of each partition whose commit was made in a mode that wrote less."""
        if not assigned or not self._mode.mark_matters:
            return
        admin = AIOKafkaAdminClient(**aiokafka_config(self._settings))
        await admin.start()
        try:
            committed = await admin.list_consumer_group_offsets(self._group)
        finally:
            await admin.close()
        anew = [
            item
            for item in assigned
            if item in committed and not self._mode.may_go_on_from(committed[item].metadata)
        ]
        if anew:
            await self._consumer.seek_to_beginning(*anew)
            log.info(
                "partitions %s are read anew: mode %s writes what was only shadowed",
                sorted(item.partition for item in anew),
                self._mode,
            )

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        """Called by the consumer, before it rejoins."""
        partitions = {item.partition for item in revoked}
        if partitions and self._revoked is not None:
            await self._revoked(partitions)
        self._ends = {}

    async def read(self) -> list[Read]:
        """See ``Feed.read``. KafkaError when an assignment could not be taken."""
        if self._lost is not None:
            raise self._lost
        batches: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
            timeout_ms=WAIT_MS, max_records=RECORDS_MAX
        )
        await listen(self._consumer, self._deafness, asyncio.get_running_loop().time())
        return [self._understood(record) for batch in batches.values() for record in batch]

    def _understood(self, record: ConsumerRecord) -> Read:
        wanted = None
        if record.value is not None and (record.key or b"").startswith(self._prefix):
            wanted = wanted_of(record)
        if wanted is not None and self._spans is not None:
            wanted = self._spans.read(wanted, record.headers)
        return Read(record.partition, record.offset, wanted)

    async def caught_up(self, partitions: Partitions) -> dict[int, int]:
        """See ``Feed.caught_up``. The end is the last stable offset."""
        new = [TopicPartition(self._topic, p) for p in partitions if p not in self._ends]
        mine = self._consumer.assignment()
        if new and mine.issuperset(new):
            ends: dict[TopicPartition, int] = await self._consumer.end_offsets(new)
            self._ends.update({item.partition: end for item, end in ends.items()})
        reached = {}
        for item in self._consumer.assignment():
            end = self._ends.get(item.partition)
            if item.partition not in partitions or end is None:
                continue
            # Markers of transactions have offsets too: the position tells, not the last record.
            position = await self._consumer.position(item)
            if position >= end:
                reached[item.partition] = position
        return reached

    async def commit(self, offsets: dict[int, int]) -> bool:
        """See ``Feed.commit``."""
        mark = self._mode.mark
        marked = {
            TopicPartition(self._topic, p): OffsetAndMetadata(offset, mark)
            for p, offset in offsets.items()
        }
        try:
            await self._consumer.commit(marked)
        except (CommitFailedError, IllegalStateError) as error:
            log.info("offsets not committed, the partitions have moved: %s", error)
            return False
        return True

    async def stop(self) -> None:
        """See ``Feed.stop``."""
        await leave(self._consumer)
