"""Availability as its service writes it, and deliveries as their readers see them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from stockfold.contracts.codec import decode, encode
from stockfold.contracts.topics import AVAILABILITY, DELIVERIES
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings

POLL_S = 0.05


def availability(
    channel: str,
    sku: str,
    quantity: int,
    version: int,
    status: str = "",
    locations: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """A record of ``stockfold.Availability``."""
    return {
        "channel": channel,
        "sku": sku,
        "quantity": quantity,
        "status": status or ("in_stock" if quantity > 0 else "out_of_stock"),
        "next_available": None,
        "lead_time_days": None,
        "locations": [
            {"location": name, "quantity": units} for name, units in (locations or {}).items()
        ],
        "version": version,
        "policy_revision": 1,
        "seq": version,
        "steps": [],
        "recorded_at": 1_000_000 * version,
        "correlation_id": f"order-{version}",
        "caused_at": 900_000 * version,
    }


def partition_of(sku: str, partitions: int) -> int:
    """The partition of a SKU: murmur2, as every client of ours has it."""
    return (murmur2(sku.encode()) & 0x7FFFFFFF) % partitions


class Availability:
    """Publishes availability in transactions, the version rising by one per channel and SKU."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer) -> None:
        self._topic = AVAILABILITY.full_name(settings.prefix)
        self._partitions = settings.kafka.sku_partitions
        self._producer = producer
        self._versions: dict[tuple[str, str], int] = {}
        self.last: dict[str, int] = {}

    async def send_raw(self, key: bytes, value: bytes, partition: int) -> None:
        """One transaction of anything."""
        async with self._producer.transaction():
            await self._producer.send(self._topic, key=key, value=value, partition=partition)

    async def publish_ahead(self, channel: str, sku: str, quantity: int, day: int) -> None:
        """One transaction of units on backorder, that are there on a day since 1970."""
        version = self._versions.get((channel, sku), 0) + 1
        self._versions[channel, sku] = version
        told = availability(channel, sku, quantity, version, "backorder")
        told |= {"next_available": day, "lead_time_days": 14}
        await self.send_raw(
            f"{channel}|{sku}".encode(),
            encode("stockfold.Availability", told),
            partition_of(sku, self._partitions),
        )

    async def publish_apart(self, channel: str, sku: str, locations: Mapping[str, int]) -> None:
        """One transaction of a quantity that is told by location."""
        version = self._versions.get((channel, sku), 0) + 1
        self._versions[channel, sku] = version
        self.last[sku] = sum(locations.values())
        told = availability(channel, sku, self.last[sku], version, locations=locations)
        await self.send_raw(
            f"{channel}|{sku}".encode(),
            encode("stockfold.Availability", told),
            partition_of(sku, self._partitions),
        )

    async def publish(
        self, channel: str, quantities: Iterable[tuple[str, int]], *, note: bool = True
    ) -> None:
        """One transaction of (sku, quantity), in order; ``note`` keeps them in ``last``."""
        async with self._producer.transaction():
            for sku, quantity in quantities:
                version = self._versions.get((channel, sku), 0) + 1
                self._versions[channel, sku] = version
                if note:
                    self.last[sku] = quantity
                await self._producer.send(
                    self._topic,
                    key=f"{channel}|{sku}".encode(),
                    value=encode(
                        "stockfold.Availability", availability(channel, sku, quantity, version)
                    ),
                    partition=partition_of(sku, self._partitions),
                )


@asynccontextmanager
async def availability_service(settings: Settings) -> AsyncIterator[Availability]:
    """Stands in for the availability service."""
    producer = AIOKafkaProducer(
        **aiokafka_config(settings), transactional_id=f"{settings.prefix}availability-of-test"
    )
    await producer.start()
    try:
        yield Availability(settings, producer)
    finally:
        await producer.stop()


async def deliveries(settings: Settings) -> list[tuple[int, dict[str, Any]]]:
    """Every delivery so far, as (partition, record), in order per partition."""
    topic = DELIVERIES.full_name(settings.prefix)
    consumer = AIOKafkaConsumer(
        **aiokafka_config(settings), enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        parts = [TopicPartition(topic, i) for i in range(settings.kafka.sku_partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for part, records in (await consumer.getmany(timeout_ms=200)).items():
                found += [(part.partition, decode(record.value)[1]) for record in records]
        return found
    finally:
        await consumer.stop()


async def eventually(holds: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait until ``holds``; AssertionError when it does not in time."""
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(POLL_S)
