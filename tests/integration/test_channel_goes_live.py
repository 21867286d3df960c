"""A channel goes live when every listing is covered or waived, and then stays so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from tests.conftest import NewEnvironment
from tests.support.publishing import availability_service, deliveries, eventually
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.runtime.channel_coverage import Waiver, publish_waivers, read_coverage
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.admission import Looks, mode_for_now
from stockfold_services.publisher.main import run

pytestmark = pytest.mark.integration

IMPATIENT = Looks(look_s=0.3, soon_s=0.6, again_s=600.0)
WITHIN_S = 60


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


def channel(server: ShopServer, mode: str = "live") -> ChannelSettings:
    return ChannelSettings(
        name="woo",
        kind="woocommerce",
        url=server.url,
        consumer_key="ck_test",
        consumer_secret="cs_test",
        publishing={"mode": mode, **({"canary_skus": ["A"]} if mode == "canary" else {})},
    )


def with_(settings: Settings, server: ShopServer, mode: str = "live") -> Settings:
    return settings.model_copy(update={"channels": [channel(server, mode)]})


@asynccontextmanager
async def publisher(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, looks=IMPATIENT))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        stop.set()
        await asyncio.wait_for(task, 30)


def shows(server: ShopServer, **wanted: int) -> Callable[[], bool]:
    return lambda: server.shop.stock(wanted) == wanted


async def eventually_shadowed(settings: Settings, count: int) -> None:
    async with asyncio.timeout(WITHIN_S):
        while len(await deliveries(settings)) < count:
            continue


async def test_an_uncovered_channel_stays_in_shadow_until_it_is_waived_and_then_stays_live(
    new_environment: NewEnvironment, server: ShopServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.shop.add_products(["A", "B"])
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service:
        await service.publish("woo", [("A", 5), ("B", 6), ("missing", 7)])
        async with publisher(settings):
            await eventually_shadowed(settings, 3)
            told = "is not fit to go live and stays in shadow, 1 errors: sku_unknown missing"
            await eventually(lambda: told in caplog.text, WITHIN_S, "it is said why")
            assert not server.shop.written
            assert {row["outcome"] for _, row in await deliveries(settings)} == {"shadow"}
            publish_waivers(settings, [Waiver("woo", "missing", "stores only", "us", 1)])
            await eventually(shows(server, A=5, B=6), WITHIN_S, "what was shadowed is written")
        admission = read_coverage(settings).admission("woo")
        assert admission is not None
        assert (admission.url, admission.listings, admission.waived) == (server.url, 3, 1)
        # A product that is new and not yet in the shop stops no other, not even after a restart.
        await service.publish("woo", [("new", 1), ("A", 8)])
        async with publisher(settings):
            await eventually(shows(server, A=8, B=6), WITHIN_S, "it goes on")


async def test_a_channel_without_listings_waits_for_them_and_for_a_shop_that_is_away(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    server.shop.add_products(["A"])
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service, publisher(settings):
        await asyncio.sleep(1.5)
        assert read_coverage(settings).admission("woo") is None
        server.shop.faults.queue.append(Fault("html", status=502, path="products"))
        await service.publish("woo", [("A", 3)])
        await eventually(shows(server, A=3), WITHIN_S, "it goes live with the first")


async def test_leaving_live_or_another_shop_means_being_checked_again(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    server.shop.add_products(["A"])
    settings = new_environment(channels=[channel(server)])
    async with availability_service(settings) as service:
        await service.publish("woo", [("A", 3)])
        async with publisher(settings):
            await eventually(shows(server, A=3), WITHIN_S, "live")

    def mode_at(shop: ShopServer, mode: str = "live") -> str:
        asked = with_(settings, shop, mode)
        return mode_for_now(asked, asked.channels[0]).name

    assert mode_at(server) == "live"
    with ShopServer(Shop()) as other:
        assert mode_at(other) == "shadow"
    assert mode_at(server) == "live"
    assert mode_at(server, "canary") == "canary"
    assert mode_at(server) == "shadow"
