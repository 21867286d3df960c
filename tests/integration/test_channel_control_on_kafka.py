"""Pause, halt, zero and restore, between a real Kafka and the shop: no ledger, no PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_publisher_modes import BEFORE, SKUS, Site
from tests.support.command_line import stockfold_json, woo_settings
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.running_ledger import ledger
from tests.support.woo_shop import Shop, ShopServer

from stockfold.contracts.topics import JOURNAL
from stockfold.runtime import audit
from stockfold.runtime.channel_control import read_baselines, read_controls
from stockfold.runtime.channel_modes import channel_modes
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.connections import read_connections
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.standing import TELL_EVERY_S
from stockfold_services.publisher.upstream import Upstream, look, lying_in

pytestmark = pytest.mark.integration

Say = Callable[..., Awaitable[Any]]
MANY = [f"M-{n}" for n in range(40)]


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        server.shop.add_products(SKUS, BEFORE)
        yield server


@pytest.fixture
async def site(new_environment: NewEnvironment, server: ShopServer) -> AsyncIterator[Site]:
    settings = new_environment()
    async with availability_service(settings) as service:
        yield Site(settings, server, service)


@pytest.fixture
def config(server: ShopServer, tmp_path: Path) -> str:
    return woo_settings(tmp_path, server.url, 'publishing.mode = "live"')


@pytest.fixture
def say(site: Site, config: str) -> Say:
    """``stockfold channel`` beside the publisher of this loop."""

    async def run(command: str, *more: str) -> Any:
        asked = ("channel", command, "woo", *more, "--config", config)
        return await asyncio.to_thread(stockfold_json, site.settings, *asked)

    return run


async def quiet() -> None:
    """Long enough for whatever was to be sent: a control is followed within half a second."""
    await asyncio.sleep(2.0)


def state(site: Site) -> str:
    return read_controls(site.settings).of("woo").state


async def test_a_pause_stops_the_sending_and_resuming_sends_the_newest(
    site: Site, say: Say
) -> None:
    async with site.publisher("live"):
        await site.publish(S_0=1)
        await site.shows(S_0=1)
        await say("pause", "--reason", "prices are being changed", "--yes")
        await quiet()
        requests = site.shop.stats.requests
        await site.publish(S_1=2)
        await site.publish(S_1=3)
        await quiet()
        await asyncio.sleep(TELL_EVERY_S)
        assert site.shop.stats.requests == requests

        told = read_connections(site.settings)["woo"]
        assert told[-1].waiting > 0, "the backlog grows meanwhile"
        (row,) = await say("status")
        assert row["publisher"]["mode"] == "live"
    async with site.publisher("live"):
        await quiet()
        assert site.shop.stats.requests == requests, "it outlives a restart"
        told = await say("resume", "--dry-run")
        assert told | {"listings": 2, "waiting": 1, "before": "paused"} == told
        await say("resume", "--yes")
        await site.shows(S_0=1, S_1=3)
    assert [change.command for change in audit.changes(site.settings)] == [
        "channel resume",
        "channel pause",
    ]


async def test_zero_and_restore_reach_every_listing_and_resume_brings_back_what_is_wanted(
    site: Site, say: Say
) -> None:
    (plain,) = site.shop.catalogue.by_skus("S-7")
    plain.manage_stock, plain.stock_quantity, plain.stock_status = False, None, "instock"
    async with site.publisher("live"):
        await site.publish(S_0=1, S_1=2, S_7=3)
        await eventually(lambda: site.shop.stock(["S-0", "S-1", "S-7"]) == {
            "S-0": 1, "S-1": 2, "S-7": 3}, 60, "what is wanted")  # fmt: skip
        assert {b.sku: b.quantity for b in read_baselines(
            site.settings, read_controls(site.settings).of("woo"))} == {
            "S-0": BEFORE, "S-1": BEFORE, "S-7": None}  # fmt: skip
        await say("zero", "--reason", "recall", "--yes")
        zeros = {"S-0": 0, "S-1": 0, "S-7": 0}
        await eventually(lambda: site.shop.stock(zeros) == zeros, 60, "zeros")
        await site.publish(S_1=9)
    async with site.publisher("live"):
        await quiet()
        assert site.shop.stock(zeros) == zeros, "it outlives a restart, and new numbers"
        told = await say("restore", "--dry-run")
        assert told | {"restored": 3, "unmanaged": 1, "before": "zeroed"} == told
        await say("restore", "--yes")
        before = {"S-0": BEFORE, "S-1": BEFORE}
        await eventually(lambda: site.shop.stock(before) == before, 60, "as before us")
        await eventually(lambda: not plain.manage_stock, 60, "and without stock")
        assert plain.stock_status == "instock"
        await site.publish(S_0=4, S_2=5)
        await quiet()
        assert site.shop.stock(["S-0", "S-2"]) == {"S-0": BEFORE, "S-2": BEFORE}
        await say("resume", "--yes")
        wanted = {"S-0": 4, "S-1": 9, "S-2": 5, "S-7": 3}
        await eventually(lambda: site.shop.stock(wanted) == wanted, 60, "what is wanted")


async def test_a_feed_that_would_empty_the_shop_halts_before_it_does(
    site: Site, say: Say, server: ShopServer
) -> None:
    site.shop.add_products(MANY, 7)
    async with site.publisher("live"):
        await site.service.publish("woo", [(sku, 0) for sku in MANY])
        await eventually(lambda: state(site) == "halted", 60, "the halt")
        at_zero = list(site.shop.stock(MANY).values()).count(0)
        assert at_zero <= 20, "never more than the limit"
        await site.publish(S_0=0, S_1=5)
        await eventually(lambda: site.shop.stock(["S-0"]) == {"S-0": 0}, 60, "a single zero")
        assert site.shop.stock(["S-1"]) == {"S-1": BEFORE}
        assert list(site.shop.stock(MANY).values()).count(0) == at_zero
    (listed,) = await channel_modes(
        site.settings.model_copy(update={"channels": [channel(server)]})
    )
    assert (listed.state, listed.reason[:6]) == ("halted", listed.reason[:6])
    (row,) = await say("status")
    assert (row["state"], row["guard"], row["by"]) == ("halted", "zeros", "publisher")
    assert "would go to zero within 60 minutes; the limit is 20" in row["reason"]
    await say("resume", "--reason", "the range is really sold out", "--yes")
    async with site.publisher("live"):
        zeros = dict.fromkeys(MANY, 0)
        await eventually(lambda: site.shop.stock(MANY) == zeros, 60, "what a person approved")
        assert state(site) == "running", "what was looked at is not asked about again"


def test_work_that_no_ledger_does_is_told_by_the_brokers_account(environment: Settings) -> None:
    seen = Upstream(SYSTEM_CLOCK, lying_in(environment))
    Sender(environment).event("GoodsReceived", sku="A", location="DC", quantity=5)
    look(environment, seen)
    look(environment, seen)
    assert seen.stale_s() > 0
    with ledger(environment):
        wait_for("the fact", lambda: len(committed(environment, JOURNAL)) > 0)

        def is_done() -> bool:
            look(environment, seen)
            return seen.stale_s() == 0

        wait_for("nothing is left undone", is_done)
