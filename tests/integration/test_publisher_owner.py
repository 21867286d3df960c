"""One process owns a connection: others stop, are cut off or die, and nothing older is written."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import msgspec
import pytest
from tests.conftest import NewEnvironment
from tests.support.command_line import variables
from tests.support.kafka_proxy import KafkaProxy
from tests.support.memory_feed import channel
from tests.support.publishing import Availability, availability_service, eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.runtime.settings import Settings
from stockfold_services.publisher.feed import KafkaFeed, Partitions

pytestmark = pytest.mark.integration

SESSION_AND_MORE_S = 40.0


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


@contextmanager
def process(settings: Settings, bootstrap: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A publisher as a process of its own, killed at the end."""
    told = settings.channels[0]
    connection = {
        "name": told.name,
        "kind": told.kind,
        "url": told.url,
        "consumer_key": "ck_test",
        "consumer_secret": "cs_test",
        "publishing": {"mode": "live", "coverage": "reported"},
        "guards": {"zeros_percent": 0, "changes_percent": 0},
    }
    given = variables(settings)
    if bootstrap:
        given["STOCKFOLD_KAFKA__BOOTSTRAP"] = bootstrap
    env = {**os.environ, **given, "STOCKFOLD_CHANNELS": msgspec.json.encode([connection]).decode()}
    started = subprocess.Popen([sys.executable, "-m", "stockfold_services.publisher.main"], env=env)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGKILL)
        started.wait(20)


async def publish(service: Availability, skus: list[str], version: int) -> None:
    """The next version of each SKU; its quantity is its number."""
    await service.publish("woo", [(sku, version) for sku in skus])


def assert_never_backwards(server: ShopServer) -> None:
    """No quantity was written after a higher one of the same SKU."""
    newest: dict[str, int] = {}
    for sku, quantity in list(server.shop.written):
        assert quantity >= newest.get(sku, 0), f"{sku}: an older version after a newer one"
        newest[sku] = quantity


async def test_a_process_that_was_stopped_writes_nothing_old_and_serves_again_when_it_is_needed(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(300)]
    server.shop.add_products(skus)
    server.shop.item_written_s = 0.01
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service:
        with process(settings) as stopped:
            await publish(service, skus, 1)
            await eventually(lambda: server.shop.stats.items_written > 50, 60, "it writes")
            stopped.send_signal(signal.SIGSTOP)
            await publish(service, skus, 2)
            with process(settings) as other:
                await eventually(
                    lambda: set(server.shop.stock(skus).values()) == {2},
                    SESSION_AND_MORE_S,
                    "the other takes over",
                )
                stopped.send_signal(signal.SIGCONT)
                await publish(service, skus[:100], 3)
                await eventually(
                    lambda: set(server.shop.stock(skus[:100]).values()) == {3},
                    SESSION_AND_MORE_S,
                    "one of the two goes on",
                )
                assert server.shop.stats.in_flight_max <= 2, "one set of limits for the shop"
                other.send_signal(signal.SIGKILL)
                await publish(service, skus, 4)
                await eventually(
                    lambda: set(server.shop.stock(skus).values()) == {4},
                    SESSION_AND_MORE_S,
                    "the one that was stopped serves alone",
                )
    assert_never_backwards(server)


async def test_a_process_that_is_cut_off_from_kafka_stops_writing_before_another_starts(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(1500)]
    sold_out = skus[::15]
    server.shop.add_products(skus, quantity=9)
    server.shop.item_written_s = 0.02
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service:
        net = ExitStack()
        proxy = net.enter_context(KafkaProxy(settings.kafka.bootstrap))
        with net, process(settings, proxy.address):
            await publish(service, skus, 1)
            await eventually(lambda: server.shop.stats.items_written > 50, 60, "it writes")
            net.close()
            await publish(service, sold_out, 0)
            with process(settings):
                await eventually(
                    lambda: {(s, 0) for s in sold_out} <= set(server.shop.written),
                    SESSION_AND_MORE_S,
                    "the other takes over, zeros first",
                )
    written = list(server.shop.written)
    taken_over = min(written.index((sku, 0)) for sku in sold_out)
    assert taken_over < 1400, "the first one had much left when its lease ended"
    assert not {(sku, 1) for sku in sold_out} & set(written[taken_over:]), "none is resurrected"


class Member:
    """A process of the group, as far as reading goes; what it was given last."""

    def __init__(self, settings: Settings) -> None:
        self.has: Partitions | None = None
        self._feed = KafkaFeed(settings, "woo")

    async def serve(self) -> None:
        """Join and read until cancelled."""
        await self._feed.start(self._assigned, self._revoked)
        try:
            while True:
                await self._feed.read()
        finally:
            await self._feed.stop()

    def _assigned(self, partitions: Partitions) -> None:
        self.has = partitions

    async def _revoked(self, partitions: Partitions) -> None:
        self.has = None


async def test_processes_that_join_at_the_same_moment_come_to_an_owner(
    environment: Settings,
) -> None:
    members = [Member(environment) for _ in range(3)]
    serving = [asyncio.create_task(member.serve()) for member in members]
    try:
        await eventually(
            lambda: (
                None not in (had := [member.has for member in members])
                and sorted(map(sorted, had)) == [[], [], [0, 1]]
            ),
            SESSION_AND_MORE_S,
            "one has all, the others know that they have none",
        )
    finally:
        for task in serving:
            task.cancel()
        await asyncio.wait(serving)
