"""The ledger's answers → what it has claimed for one channel's orders; and passes through Kafka.

A pass proves that everything that was decided at its opening is in the availability that was taken
in: it waits until the availability service has read all positions of that moment, then all that
kits were told of components, twice for kits of kits, and until we have read what it wrote.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka import TopicPartition as Place
from confluent_kafka.admin import AdminClient

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import (
    AVAILABILITY,
    COMPONENT_AVAILABILITY,
    POSITIONS,
    RESERVATION_STATUS,
    Topic,
)
from stockfold.orders.words import split_ledger_order
from stockfold.runtime.kafka import aiokafka_config, confluent_config, group_id
from stockfold.runtime.leaving import leave
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.looking import Offered
from stockfold_services.publisher.sales import Claim

ANSWERED_UNITS = ("reserved", "allocated", "backordered", "shipped", "rejected")
STAGES = (POSITIONS, COMPONENT_AVAILABILITY, COMPONENT_AVAILABILITY)
AGAIN_S = 0.2
ADMIN_S = 30.0
WAIT_MS = 100
RECORDS_MAX = 5_000

Reached = Callable[[Topic], Awaitable[dict[int, int]]]


class KafkaClaims:
    """Of one channel. See ``looking.Claims``. KafkaError, UnavailableError when Kafka is away."""

    def __init__(self, settings: Settings, channel: str, known_from_us: int) -> None:
        self._settings = settings
        self._channel = channel
        self._known_from_ms = known_from_us // 1_000
        self._partitions = range(settings.kafka.sku_partitions)
        name = RESERVATION_STATUS.full_name(settings.prefix)
        self._places = [TopicPartition(name, number) for number in self._partitions]
        self._consumer = AIOKafkaConsumer(
            **aiokafka_config(settings),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        # Where the topic ends is asked over a connection without a fetch: the broker answers the
        # requests of one in turn, and would let this one wait for up to half a second.
        self._asker = AIOKafkaConsumer(
            **aiokafka_config(settings), isolation_level="read_committed", enable_auto_commit=False
        )
        self._reader: PartitionReader | None = None
        self._admin: AdminClient | None = None

    async def start(self) -> None:
        """Begin with the answers of the day from which on they are to be known."""
        await self._consumer.start()
        await self._asker.start()
        self._consumer.assign(self._places)
        times = dict.fromkeys(self._places, self._known_from_ms)
        ends = await self._consumer.end_offsets(self._places)
        found = await self._consumer.offsets_for_times(times)
        for place in self._places:
            at = found.get(place)
            self._consumer.seek(place, ends[place] if at is None else at.offset)

    async def stop(self) -> None:
        """Let go of the consumers."""
        await leave(self._consumer)
        await leave(self._asker)

    async def catch_up(self) -> list[Claim]:
        """See ``Claims.catch_up``."""
        ends: dict[TopicPartition, int] = await self._asker.end_offsets(self._places)
        claims: list[Claim] = []
        for place in self._places:
            while await self._consumer.position(place) < ends[place]:
                batches: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
                    timeout_ms=WAIT_MS, max_records=RECORDS_MAX
                )
                for batch in batches.values():
                    claims += [c for r in batch if (c := self._claim(r.value)) is not None]
        return claims

    def _claim(self, value: bytes) -> Claim | None:
        status: dict[str, Any] = decode(value)[1]
        order = split_ledger_order(status["order"], status["channel"])
        if order is None or status["channel"] != self._channel:
            return None
        units = sum(status[name] for name in ANSWERED_UNITS)
        return Claim(order, status["line"], status["sku"], status["seq"], units)

    # Passes.

    async def passed(self, offered: Offered) -> None:
        """See ``Claims.passed``."""

        async def taken_in(_: Topic) -> dict[int, int]:
            return offered()

        for topic in STAGES:
            await self._all_read(topic, self._committed)
        await self._all_read(AVAILABILITY, taken_in)

    async def _all_read(self, topic: Topic, reached: Reached) -> None:
        """Wait until somebody has read all records that are in a topic now."""
        if self._reader is None:
            self._reader = PartitionReader(self._settings)
        reader = self._reader
        left = await asyncio.to_thread(reader.committed_ends, topic, self._partitions)
        while True:
            at = await reached(topic)
            for number, end in list(left.items()):
                start = max(at.get(number, 0), 0)
                if not await asyncio.to_thread(_any_record, reader, topic, number, start, end):
                    del left[number]
            if not left:
                return
            await asyncio.sleep(AGAIN_S)

    async def _committed(self, topic: Topic) -> dict[int, int]:
        return await asyncio.to_thread(self._committed_now, topic)

    def _committed_now(self, topic: Topic) -> dict[int, int]:
        """How far the availability service has come with a topic, by partition."""
        if self._admin is None:
            self._admin = AdminClient(confluent_config(self._settings))
        group = group_id(self._settings, "availability")
        name = topic.full_name(self._settings.prefix)
        asked = ConsumerGroupTopicPartitions(group, [Place(name, n) for n in self._partitions])
        answer = self._admin.list_consumer_group_offsets([asked])[group].result(timeout=ADMIN_S)
        return {place.partition: place.offset for place in answer.topic_partitions}


def _any_record(reader: PartitionReader, topic: Topic, number: int, start: int, end: int) -> bool:
    """Whether there is a record; markers of transactions have offsets too, and are none."""
    return start < end and any(batch for batch in reader.read(topic, number, start or None, end))
