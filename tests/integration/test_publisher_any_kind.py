"""The publisher between a real Kafka and a channel of a package that is installed beside ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support.installed_kinds import install
from tests.support.publishing import availability_service, deliveries, eventually
from tests.support.tiny_shop import SECRET, TinyShop

from stockfold.runtime.channel_orders import look, say
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.main import run
from stockfold_services.publisher.retry import RetryPolicy

pytestmark = pytest.mark.integration

NAMES = {"berlin": "loc/1", "lyon": "loc/2"}


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[TinyShop]:
    site = tmp_path / "site"
    install(monkeypatch, site, "stockfold_channel_tiny", tiny="tests.support.tiny_channel:KIND")
    monkeypatch.setenv("TINY_SECRET", SECRET)
    with TinyShop() as shop:
        yield shop


def channel(shop: TinyShop, name: str = "tiny") -> ChannelSettings:
    return ChannelSettings(
        name=name,
        kind="tiny",
        url=shop.url,
        options={"seller": "A1", "per_s": 20.0, "burst": 5.0},
        credentials={"client_secret": "env:TINY_SECRET"},
        location_names=NAMES,
        publishing={"mode": "live", "coverage": "reported"},
        guards={"changes_percent": 0},
    )


@asynccontextmanager
async def publisher(settings: Settings, *, killed: bool = False) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run(settings, stop, policy=RetryPolicy(0.01, 0.2, 30)))
    try:
        yield
        assert not task.done(), task.result()
    finally:
        if killed:
            task.cancel()
        stop.set()
        await asyncio.wait({task}, timeout=30)
        assert task.done()


async def newest(settings: Settings) -> dict[str, dict[str, Any]]:
    """The last delivery of each SKU."""
    return {record["sku"]: record for _, record in await deliveries(settings)}


async def test_a_channel_that_does_it_later_by_location_with_tokens_that_end_gets_every_number(
    new_environment: NewEnvironment, shop: TinyShop
) -> None:
    settings = new_environment(channels=[channel(shop)])
    skus = [f"S-{n}" for n in range(40)]
    wanted: dict[str, dict[str, int]] = {}
    async with availability_service(settings) as service:

        async def publish(turn: int) -> None:
            for number, sku in enumerate(skus):
                wanted[sku] = {"berlin": turn, "lyon": number % 5}
                await service.publish_apart("tiny", sku, wanted[sku])

        def shown() -> bool:
            return shop.shows() == {
                sku: (
                    sum(places.values()),
                    {NAMES[name]: units for name, units in places.items()},
                )
                for sku, places in wanted.items()
            }

        await publish(1)
        async with publisher(settings, killed=True):
            await eventually(lambda: shop.posted > 0, 30, "something is in the shop's hands")
            assert len(await deliveries(settings)) == 0, "accepted is not applied"
            await publish(2)
        async with publisher(settings):
            await eventually(shown, 60, "what was published last is shown")
            await publish(3)
            await eventually(shown, 60, "what was published last is shown")
            async with asyncio.timeout(30):
                while len(last := await newest(settings)) < len(skus) or not all(
                    record["version"] == 3 for record in last.values()
                ):
                    continue
            said = say(settings, look(settings, "tiny", "zero", "a test"), "somebody")
            zeros = dict.fromkeys(skus, (0, {}))
            await eventually(lambda: shop.shows() == zeros, 60, "all is zero")
            assert said.state == "zeroed"
    assert shop.refused == 0, "tokens were renewed before they ended"
    assert shop.tokens > 2
    assert shop.followed > 0
    assert {record["outcome"] for record in last.values()} == {"applied"}
    assert {record["attempts"] for record in last.values()} <= {1, 2}, "asking is no attempt"


async def test_two_processes_of_one_account_stay_within_its_budget_together(
    new_environment: NewEnvironment, shop: TinyShop
) -> None:
    settings = new_environment(channels=[channel(shop, "one"), channel(shop, "two")])
    skus = [f"S-{n}" for n in range(60)]
    shop.token_s = 3_600
    async with availability_service(settings) as service:

        async def publish(quantity: int) -> None:
            for name in ("one", "two"):
                await service.publish(name, [(f"{name}-{sku}", quantity) for sku in skus])

        def all_show(quantity: int) -> bool:
            shown = shop.shows()
            return len(shown) == 120 and {units for units, _ in shown.values()} == {quantity}

        await publish(3)
        async with publisher(settings):
            began_s = asyncio.get_running_loop().time()
            await eventually(lambda: all_show(3), 60, "all is shown")
            async with publisher(settings):
                for quantity in (4, 5):
                    await publish(quantity)
                    await eventually(lambda q=quantity: all_show(q), 60, "all is shown")
                took_s = asyncio.get_running_loop().time() - began_s
    assert shop.posted + shop.followed <= 5 + 2 + 20 * took_s
