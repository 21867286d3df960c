"""What channels will be told of the positions that a cutover corrects.

The availability service's own processor, in memory, is given the outbox behind all that the topics
hold; what it would write is kept here. It changes nothing. Kits whose components are in other
partitions are looked at once more, with what their components will tell them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import asyncpg
import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import (
    AVAILABILITY,
    COMPONENT_AVAILABILITY,
    POSITIONS,
    REFERENCE,
    SCHEDULE,
    Topic,
)
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
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


def waiting(topic: str, partition: int, key: bytes | None, value: bytes) -> LoopRecord:
    """A record as its topic will show it, behind all that the topic holds now."""
    now_ms = SYSTEM_CLOCK.now_us() // 1000
    return LoopRecord(topic, partition, _BEHIND_ALL, now_ms, key, value)


class _Kept(Outputs):
    """Outputs that go nowhere: availability is kept, and what components tell to kits."""

    def __init__(self) -> None:
        self.quantities: dict[tuple[str, str], int] = {}
        self.to_kits: list[LoopRecord] = []

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """See ``Outputs.produce``."""
        del headers
        if topic is COMPONENT_AVAILABILITY and value is not None:
            if decode(value)[1]["kit"]:
                self.to_kits.append(waiting(topic.name, partition, key, value))
        elif topic is AVAILABILITY:
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
    outbox: dict[int, list[LoopRecord]] = {}
    for row in rows:
        number = int(row["partition"])
        record = waiting(name, number, bytes(row["key"]), bytes(row["value"]))
        outbox.setdefault(number, []).append(record)
    try:
        return foresee_all(processor, reader, outbox)
    finally:
        feed.close()
        reference.close()
        schedule.close()


def foresee_all(
    processor: AvailabilityProcessor,
    reader: PartitionReader,
    outbox: Mapping[int, Sequence[LoopRecord]],
) -> list[Foreseen]:
    """What will be told of positions that wait, by partition. The processor is left empty."""
    found: dict[int, list[Foreseen]] = {}
    to_kits: dict[int, list[LoopRecord]] = {}
    for partition, records in sorted(outbox.items()):
        found[partition], told = _foresee_partition(processor, reader, partition, records)
        for record in told:
            to_kits.setdefault(record.partition_number, []).append(record)
    # One round is enough: of a kit inside a kit only its own stock is told; no answer changes it.
    for partition, answers in sorted(to_kits.items()):
        both = [*outbox.get(partition, ()), *answers]
        found[partition], _ = _foresee_partition(processor, reader, partition, both)
    return [change for _, changes in sorted(found.items()) for change in changes]


def _foresee_partition(
    processor: AvailabilityProcessor,
    reader: PartitionReader,
    partition: int,
    records: Sequence[LoopRecord],
) -> tuple[list[Foreseen], list[LoopRecord]]:
    processor.recover(partition, reader)
    skus = processor.partitions[partition].skus
    told = {
        (channel, sku): published.visible[0]
        for sku, memory in skus.items()
        for channel, published in memory.published.items()
    }
    kept = _Kept()
    processor.process(partition, records, kept, SYSTEM_CLOCK.now_us())
    processor.drop(partition)
    foreseen = [
        Foreseen(channel, sku, told.get((channel, sku)), quantity)
        for (channel, sku), quantity in sorted(kept.quantities.items())
    ]
    return foreseen, kept.to_kits
