"""For how long the ledger or availability has left work undone, by the broker's own account.

A record waits behind what a service's group has committed, and the commit does not move: then what
channels are told is older than what is known. A quiet night leaves nothing undone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stockfold.contracts.topics import INPUTS, POSITIONS, Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.beside import beside
from stockfold.runtime.clock import Clock
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

READERS: dict[str, tuple[Topic, ...]] = {"ledger": tuple(INPUTS), "availability": (POSITIONS,)}
LOOK_S = 20.0
TIMEOUT_S = 10.0

Place = tuple[str, str, int]
"""Reader, topic and partition."""


class Upstream:
    """What was seen. ``waits`` says whether a record lies at or behind a committed offset."""

    def __init__(self, clock: Clock, waits: Callable[[Place, int], bool]) -> None:
        self._clock = clock
        self._waits = waits
        self._seen: dict[Place, tuple[int, float]] = {}
        self._stale_since_s: float | None = None

    def looked(self, committed: dict[Place, int], ends: dict[Place, int]) -> None:
        """Take a look at the groups' offsets and the partitions' ends."""
        now_s = self._clock.monotonic_s()
        oldest: float | None = None
        for place, end in ends.items():
            offset = max(committed.get(place, 0), 0)
            seen = self._seen.get(place)
            if offset >= end:
                self._seen.pop(place, None)
            elif seen is None or seen[0] != offset:
                self._seen[place] = (offset, now_s)
            elif (oldest is None or seen[1] < oldest) and self._waits(place, offset):
                # Markers of transactions have offsets too, and are nobody's work.
                oldest = seen[1]
        self._stale_since_s = oldest

    def stale_s(self) -> float:
        """Seconds for which something has waited that nobody took; 0 when nothing does."""
        since_s = self._stale_since_s
        return 0.0 if since_s is None else self._clock.monotonic_s() - since_s


@asynccontextmanager
async def watch_upstream(settings: Settings, minutes: int, clock: Clock) -> AsyncIterator[Upstream]:
    """Look now and then while the context is open; never when the limit in minutes is 0."""
    upstream = Upstream(clock, lying_in(settings))
    if not minutes:
        yield upstream
        return
    async with beside(_watch(settings, upstream)):
        yield upstream


def lying_in(settings: Settings) -> Callable[[Place, int], bool]:
    """Whether a record lies at or behind an offset of a place; reads from there."""
    reader = PartitionReader(settings)

    def waits(place: Place, offset: int) -> bool:
        _, name, partition = place
        topic = next(t for topics in READERS.values() for t in topics if t.name == name)
        start = max(offset, reader.earliest(topic, partition))
        return any(batch for batch in reader.read(topic, partition, start))

    return waits


async def _watch(settings: Settings, upstream: Upstream) -> None:
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            await asyncio.to_thread(look, settings, upstream)
        except (KafkaException, UnavailableError) as error:
            log.warning("how far the services upstream are was not read: %s", error)


def look(settings: Settings, upstream: Upstream) -> None:
    """Ask the broker how far the services are. KafkaException, UnavailableError."""
    committed: dict[Place, int] = {}
    ends: dict[Place, int] = {}
    for reader, topics in READERS.items():
        consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": group_id(settings, reader),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        try:
            places = [
                (reader, topic.name, number)
                for topic in topics
                for number in range(partitions_of(settings, topic))
            ]
            asked = [TopicPartition(f"{settings.prefix}{n}", p) for _, n, p in places]
            found = consumer.committed(asked, TIMEOUT_S)
            committed.update((at, told.offset) for at, told in zip(places, found, strict=True))
            for at, one in zip(places, asked, strict=True):
                ends[at] = consumer.get_watermark_offsets(one, TIMEOUT_S)[1]
        finally:
            consumer.close()
    upstream.looked(committed, ends)
