"""Whether an aiokafka consumer still hears what is in its partitions."""

from __future__ import annotations

from aiokafka import AIOKafkaConsumer, TopicPartition

from stockfold.runtime.watchdog import Deafness


async def listen(
    consumer: AIOKafkaConsumer, deafness: Deafness[TopicPartition], now_s: float
) -> None:
    """Compare where it stands with where its partitions end, now and then.

    UnavailableError when records wait in one and it has not moved since the last look.
    """
    if not deafness.is_due(now_s):
        return
    mine = list(consumer.assignment())
    positions = {at: await consumer.position(at) for at in mine}
    deafness.look(positions, await consumer.end_offsets(mine) if mine else {})
