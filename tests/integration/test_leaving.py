"""Consumers are closed on a real broker whose connection was lost."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from tests.conftest import NewEnvironment
from tests.support.kafka_proxy import KafkaProxy

from stockfold.contracts.topics import POSITIONS
from stockfold.runtime.leaving import leave

pytestmark = pytest.mark.integration

FETCH = 1
DEADLINE_S = 30


async def test_a_consumer_that_rests_after_a_lost_fetch_is_left_without_cancelling_its_owner(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    at = TopicPartition(POSITIONS.full_name(settings.prefix), 0)
    async with AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap) as patient:
        await patient.end_offsets([at])  # A topic this new may have no leader yet.
    with KafkaProxy(settings.kafka.bootstrap) as proxy:
        consumer = AIOKafkaConsumer(bootstrap_servers=proxy.address, retry_backoff_ms=60_000)
        await consumer.start()
        consumer.assign([at])
        proxy.drop_next(FETCH, "cut")
        read = asyncio.create_task(consumer.getmany(timeout_ms=1000))
        assert await asyncio.to_thread(proxy.dropped.wait, DEADLINE_S)
        await read
        await leave(consumer)


async def test_one_who_is_cancelled_while_it_leaves_is_cancelled(
    new_environment: NewEnvironment,
) -> None:
    settings = new_environment()
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.kafka.bootstrap)
    await consumer.start()
    leaving = asyncio.create_task(leave(consumer))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
