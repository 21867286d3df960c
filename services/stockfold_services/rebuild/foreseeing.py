"""What channels will be told of the positions that a cutover corrects.

The availability service's own processor, in memory, is given the outbox behind all that the topics
hold; what it would write is kept here. It changes nothing.
"""

from __future__ import annotations

import asyncpg
import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import AVAILABILITY, POSITIONS, REFERENCE, SCHEDULE, Topic
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Headers
from stockfold.runtime.settings import Settings
from stockfold_services.availability.policies import KafkaPolicyFeed
from stockfold_services.availability.processor import AvailabilityProcessor

_BEHIND_ALL = 1 << 62
"""An offset that no record of the topic has."""


class Foreseen(msgspec.Struct):
    """What a channel was told last of a SKU, None when nothing, and what it will be told."""

    channel: str
    sku: str
    told: int | None
    will_be: int


class _Waiting:
    """A record of the outbox as the positions topic will show it."""

    def __init__(self, topic: str, row: asyncpg.Record) -> None:
        self._topic = topic
        self._row = row

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return int(self._row["partition"])

    def offset(self) -> int:
        return _BEHIND_ALL

    def timestamp(self) -> tuple[int, int]:
        return 1, SYSTEM_CLOCK.now_us() // 1000

    def key(self) -> bytes:
        return bytes(self._row["key"])

    def value(self) -> bytes:
        return bytes(self._row["value"])

    def headers(self) -> Headers | None:
        return None


class _Kept:
    """Outputs that go nowhere: availability is kept, by channel and SKU."""

    def __init__(self) -> None:
        self.quantities: dict[tuple[str, str], int] = {}

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """See ``Outputs.produce``."""
        del partition, key, headers
        if topic is AVAILABILITY:
            record = decode(value)[1]
            self.quantities[(record["channel"], record["sku"])] = record["quantity"]


async def foresee(
    settings: Settings, connection: asyncpg.Connection, schema: str
) -> list[Foreseen]:
    """What will be told of the outbox of a generation. Reads the topics of its partitions."""
    rows = await connection.fetch(
        f'SELECT partition, key, value FROM "{schema}".to_publish ORDER BY partition'  # noqa: S608 - our own names
    )
    if not rows:
        return []
    name = POSITIONS.full_name(settings.prefix)
    reader = PartitionReader(settings)
    feed = KafkaPolicyFeed(settings)
    reference = TopicFollower(settings, REFERENCE, "cutover.reference")
    schedule = TopicFollower(settings, SCHEDULE, "cutover.schedule")
    processor = AvailabilityProcessor(feed, settings.kafka.sku_partitions, reference, schedule)
    found: list[Foreseen] = []
    try:
        for partition in sorted({row["partition"] for row in rows}):
            mine = [_Waiting(name, row) for row in rows if row["partition"] == partition]
            found += _foresee_partition(processor, reader, partition, mine)
    finally:
        feed.close()
        reference.close()
        schedule.close()
    return found


def _foresee_partition(
    processor: AvailabilityProcessor,
    reader: PartitionReader,
    partition: int,
    waiting: list[_Waiting],
) -> list[Foreseen]:
    processor.recover(partition, reader)
    skus = processor.partitions[partition].skus
    told = {
        (channel, sku): published.visible[0]
        for sku, memory in skus.items()
        for channel, published in memory.published.items()
    }
    kept = _Kept()
    processor.process(partition, waiting, kept, SYSTEM_CLOCK.now_us())
    processor.drop(partition)
    return [
        Foreseen(channel, sku, told.get((channel, sku)), quantity)
        for (channel, sku), quantity in sorted(kept.quantities.items())
    ]
