"""The publisher between a real Kafka and the shop."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support.memory_feed import channel
from tests.support.publishing import (
    Availability,
    availability_service,
    deliveries,
    eventually,
    partition_of,
)
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.domain.errors import SettingsError
from stockfold.runtime.secret import SecretRef
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.main import run
from stockfold_services.publisher.retry import RetryPolicy

pytestmark = pytest.mark.integration

KINDS = [
    Fault("error", status=500),
    Fault("html", status=502),
    Fault("html", status=200),
    Fault("limited", retry_after_s=0.1),
    Fault("lost", delay_s=0.8),
    Fault("half", status=502),
    Fault("dropped"),
]
IMPATIENT = RetryPolicy(base_s=0.01, cap_s=0.2, attempts_max=30)


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


@asynccontextmanager
async def publisher(settings: Settings, *, killed: bool = False) -> AsyncIterator[None]:
    """The publisher of these settings; ``killed`` ends it in the middle of things."""
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, policy=IMPATIENT))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        if killed:
            task.cancel()
        stop.set()
        await asyncio.wait({task}, timeout=30)
        assert task.done()
        if not killed:
            task.result()


async def delivered(settings: Settings, count: int) -> list[tuple[int, dict[str, Any]]]:
    """The deliveries, once there are so many: the shop may show a quantity before we know it."""
    async with asyncio.timeout(60):
        while len(found := await deliveries(settings)) < count:
            continue
    return found


async def eventually_all_know(settings: Settings, skus: list[str], version: int) -> None:
    """Wait until every SKU has an outcome of that version."""
    async with asyncio.timeout(60):
        while {r["sku"] for _, r in await deliveries(settings) if r["version"] == version} != {
            *skus
        }:
            continue


def shows(server: ShopServer, service: Availability) -> bool:
    """Whether the shop shows what was published last of each SKU."""
    wanted = {sku: max(quantity, 0) for sku, quantity in service.last.items()}
    return server.shop.stock(wanted) == wanted


async def test_the_shop_ends_with_the_last_published_quantity_whatever_goes_wrong(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    simple = [f"S-{n}" for n in range(300)]
    variations = {f"P-{p}": [f"P-{p}-{n}" for n in range(20)] for p in range(5)}
    server.shop.add_products(simple)
    for parent, skus in variations.items():
        server.shop.add_variations(parent, skus)
    every = [*simple, *(sku for skus in variations.values() for sku in skus)]
    settings = new_environment(channels=[channel(server, timeout_s=0.5)])
    server.shop.item_written_s = 0.0002
    server.shop.faults.queue += [replace(fault, path="batch") for fault in KINDS]
    server.shop.faults.at_random(0.15, seed=7, samples=KINDS)
    rng = random.Random(11)
    async with availability_service(settings) as service, publisher(settings):
        for _ in range(60):
            changes = [(rng.choice(every), rng.randint(-3, 60)) for _ in range(100)]
            await service.publish("woo", changes)
            await service.publish("somebody-else", [("S-1", 999)], note=False)
        await eventually(lambda: shows(server, service), 60, "the shop shows what was published")
        records = await delivered(settings, 60 * 100)
        last = service.last
    assert all(server.shop.faults.met.values()), "every kind of fault was met"
    by_sku = defaultdict(list)
    for partition, record in records:
        assert partition == partition_of(record["sku"], 2)
        by_sku[record["sku"]].append(record)
    for sku, found in by_sku.items():
        versions = sorted(record["version"] for record in found)
        assert versions == list(range(1, len(versions) + 1)), f"one outcome each: {sku}"
        sent = [record["version"] for record in found if record["attempts"]]
        assert sent == sorted(sent), f"never an older one after a newer one: {sku}"
        assert found[-1]["version"] == versions[-1]
        assert found[-1]["outcome"] == "applied"
        assert found[-1]["quantity"] == max(last[sku], 0)
    assert by_sku.keys() == last.keys()


async def test_a_publisher_that_dies_is_followed_by_one_that_finishes_its_work(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(400)]
    server.shop.add_products(skus)
    server.shop.item_written_s = 0.002
    settings = new_environment(channels=[channel(server)])
    rng = random.Random(5)
    async with availability_service(settings) as service:
        for life in range(3):
            enough = server.shop.stats.items_written + 50
            async with publisher(settings, killed=True):
                for _ in range(5):
                    await service.publish("woo", [(s, rng.randint(1, 9)) for s in skus])
                await eventually(
                    lambda n=enough: server.shop.stats.items_written > n, 30, f"life {life} works"
                )
            assert not shows(server, service), "it died in the middle"
        async with publisher(settings):
            await eventually(lambda: shows(server, service), 60, "the last finishes")
            await eventually_all_know(settings, skus, version=15)
    newest = {}
    for _, record in await deliveries(settings):
        if record["outcome"] == "applied":
            assert record["version"] >= newest.get(record["sku"], 0), "nothing older came later"
            newest[record["sku"]] = record["version"]
    assert set(newest.values()) == {15}


async def test_two_publishers_share_a_channel_and_one_carries_on_alone(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(200)]
    server.shop.add_products(skus)
    server.shop.item_written_s = 0.001
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service, publisher(settings):
        await service.publish("woo", [(sku, 1) for sku in skus])
        await eventually(lambda: shows(server, service), 30, "one alone")
        async with publisher(settings):
            for quantity in range(2, 12):
                await service.publish("woo", [(sku, quantity) for sku in skus])
            await eventually(lambda: shows(server, service), 60, "two together")
        await service.publish("woo", [(sku, 50) for sku in skus])
        await eventually(lambda: shows(server, service), 60, "one alone again")


async def test_a_record_that_cannot_be_read_is_passed_over(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    server.shop.add_products(["A"])
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service:
        await service.send_raw(b"woo|A", b"nonsense", partition_of("A", 2))
        await service.publish("woo", [("A", 8)])
        async with publisher(settings):
            await eventually(lambda: shows(server, service), 30, "the next one is shown")


async def test_without_kafka_the_publisher_waits_and_can_be_stopped(server: ShopServer) -> None:
    nowhere = Settings(kafka={"bootstrap": "127.0.0.1:9"}, channels=[channel(server)])
    stop = asyncio.Event()
    task = asyncio.create_task(run(nowhere, stop))
    done, _ = await asyncio.wait({task}, timeout=1.0)
    assert not done
    stop.set()
    await asyncio.wait_for(task, 10)


async def test_without_channels_the_publisher_has_nothing_to_do() -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(run(Settings(), stop))
    stop.set()
    await asyncio.wait_for(task, 10)


async def test_a_missing_secret_ends_the_publisher_at_once(server: ShopServer) -> None:
    broken = channel(server).model_copy(update={"consumer_key": SecretRef("env:NO_SUCH_KEY")})
    with pytest.raises(SettingsError, match="NO_SUCH_KEY"):
        await run(Settings(channels=[broken]), asyncio.Event())


async def test_units_on_backorder_are_never_stock_in_the_shop(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    told = {"backorders": "notify", "units_key": "may_wait", "restock_key": "back_on"}
    connections = [channel(server, "plain"), channel(server, "told", **told)]
    settings = new_environment(channels=connections)
    a, b = server.shop.add_products(["A", "B"], quantity=3)
    async with availability_service(settings) as availability, publisher(settings):
        await availability.publish_ahead("plain", "A", 9, 20_000)
        await availability.publish_ahead("told", "B", 9, 20_000)
        found = await delivered(settings, 2)
    assert {(r["sku"], r["quantity"], r["outcome"]) for _, r in found} == {
        ("A", 0, "applied"),
        ("B", 0, "applied"),
    }
    assert (a.stock_status, a.meta) == ("outofstock", {})
    assert (b.stock_status, b.meta) == ("onbackorder", {"may_wait": "9", "back_on": "2024-10-04"})
