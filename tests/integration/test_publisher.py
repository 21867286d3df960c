"""The publisher between a real Kafka and the shop."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.conftest import NewEnvironment
from tests.support.publishing import (
    availability_service,
    deliveries,
    eventually,
    partition_of,
)
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.main import run
from stockfold_services.publisher.retry import RetryPolicy

pytestmark = pytest.mark.integration

IMPATIENT = RetryPolicy(base_s=0.01, cap_s=0.2, attempts_max=30)


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


def channel(server: ShopServer, name: str = "woo", **fields: float) -> ChannelSettings:
    return ChannelSettings(
        name=name,
        kind="woocommerce",
        url=server.url,
        consumer_key="ck_test",
        consumer_secret="cs_test",
        **fields,
    )


@asynccontextmanager
async def publisher(settings: Settings, policy: RetryPolicy = IMPATIENT) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, policy=policy))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


async def test_the_shop_ends_with_the_last_published_quantity_whatever_goes_wrong(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    simple = [f"S-{n}" for n in range(300)]
    variations = {f"P-{p}": [f"P-{p}-{n}" for n in range(20)] for p in range(5)}
    server.shop.add_products(simple)
    for parent, skus in variations.items():
        server.shop.add_variations(parent, skus)
    every = [*simple, *(sku for skus in variations.values() for sku in skus)]
    settings = new_environment(channels=[channel(server, request_timeout_s=0.5)])
    server.shop.faults.at_random(
        0.15,
        seed=7,
        samples=[
            Fault("error", status=500),
            Fault("html", status=502),
            Fault("html", status=200),
            Fault("limited", retry_after_s=0.1),
            Fault("lost", delay_s=0.8),
            Fault("half", status=502),
            Fault("dropped"),
        ],
    )
    rng = random.Random(11)
    async with availability_service(settings) as service, publisher(settings):
        for _ in range(40):
            changes = [(rng.choice(every), rng.randint(-3, 60)) for _ in range(100)]
            await service.publish("woo", changes)
            await service.publish("other-channel", [("S-1", 999)])
        del service.last["S-1"]
        await service.publish("woo", [("S-1", 41)])
        wanted = {sku: max(quantity, 0) for sku, quantity in service.last.items()}
        await eventually(
            lambda: server.shop.stock(wanted) == wanted, 60, "the shop shows what was published"
        )
    assert all(server.shop.faults.met.values()), "every kind of fault was met"
    assert server.shop.stats.in_flight_max <= 3  # two, and one that was given up on
    by_sku = defaultdict(list)
    for partition, record in await deliveries(settings):
        assert partition == partition_of(record["sku"], 2)
        by_sku[record["sku"]].append(record)
    for sku, records in by_sku.items():
        versions = [record["version"] for record in records]
        assert versions == sorted(versions), sku
        assert len(versions) == len(set(versions)) == versions[-1], f"one outcome each: {sku}"
        assert records[-1]["outcome"] == "applied"
        assert records[-1]["quantity"] == wanted[sku]
    assert by_sku.keys() == wanted.keys()
