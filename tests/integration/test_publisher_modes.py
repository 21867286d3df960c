"""From one mode to another, between a real Kafka and the shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support.memory_feed import IMPATIENT, channel
from tests.support.publishing import Availability, availability_service, deliveries, eventually
from tests.support.woo_shop import Shop, ShopServer

from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app
from stockfold_services.publisher.main import run

pytestmark = pytest.mark.integration

SKUS = [f"S-{n}" for n in range(8)]
BEFORE = 100
"""What the shop shows of each before we come."""


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        server.shop.add_products(SKUS, BEFORE)
        yield server


class Site:
    """One environment, one shop, and a publisher that is restarted in another mode."""

    def __init__(self, settings: Settings, server: ShopServer, service: Availability) -> None:
        self.settings = settings
        self.shop = server.shop
        self.service = service
        self._server = server
        self._versions: dict[str, int] = {}

    async def publish(self, **quantities: int) -> None:
        """New numbers of SKUs, ``S_1`` for ``S-1``."""
        changes = [(name.replace("_", "-"), quantity) for name, quantity in quantities.items()]
        await self.service.publish("woo", changes)
        for sku, _ in changes:
            self._versions[sku] = self._versions.get(sku, 0) + 1

    @asynccontextmanager
    async def publisher(
        self, mode: str, *canaries: str, kill: bool = False
    ) -> AsyncIterator[Settings]:
        """The publisher in a mode; what is published inside has its outcome when this ends."""
        moded = channel(self._server, mode=mode, canary_skus=canaries)
        settings = self.settings.model_copy(update={"channels": [moded]})
        stop = asyncio.Event()
        task = asyncio.create_task(run(settings, stop, policy=IMPATIENT))
        try:
            yield settings
        finally:
            if kill:
                task.cancel()
            stop.set()
            await asyncio.wait({task}, timeout=30)
            assert task.done()

    async def settled(self) -> dict[str, dict[str, Any]]:
        """The last outcome of every SKU, once it is that of its newest version."""
        async with asyncio.timeout(60):
            while True:
                found = {record["sku"]: record for _, record in await deliveries(self.settings)}
                newest = {sku: record["version"] for sku, record in found.items()}
                if newest == self._versions:
                    return found

    async def shows(self, **quantities: int) -> None:
        """Wait until the shop shows these, and what it showed before of all others."""
        wanted = dict.fromkeys(SKUS, BEFORE)
        wanted |= {name.replace("_", "-"): quantity for name, quantity in quantities.items()}
        await eventually(lambda: self.shop.stock(SKUS) == wanted, 60, f"the shop shows {wanted}")

    def written(self) -> set[str]:
        """The SKUs written since the last call."""
        found = {sku for sku, _ in self.shop.written}
        self.shop.written.clear()
        return found


@pytest.fixture
async def site(new_environment: NewEnvironment, server: ShopServer) -> AsyncIterator[Site]:
    settings = new_environment()
    async with availability_service(settings) as service:
        yield Site(settings, server, service)


async def test_live_after_shadow_writes_everything_that_differs_and_nothing_else(
    site: Site,
) -> None:
    async with site.publisher("shadow"):
        await site.publish(S_0=1, S_1=2, S_2=BEFORE, S_3=-4)
        await site.publish(S_0=3)
        found = await site.settled()
    assert {record["outcome"] for record in found.values()} == {"shadow"}
    assert {sku: record["quantity"] for sku, record in found.items()} == {
        "S-0": 3, "S-1": 2, "S-2": BEFORE, "S-3": 0,
    }  # fmt: skip
    assert site.shop.stats.requests == 0, "the publisher in shadow asks and writes nothing"
    async with site.publisher("live"):
        await site.shows(S_0=3, S_1=2, S_3=0)
        await eventually(lambda: site.shop.stats.products_read == 4, 10, "all were looked up")
    assert site.written() == {"S-0", "S-1", "S-3"}
    assert {record["outcome"] for record in (await site.settled()).values()} == {"applied"}


async def test_going_live_is_not_lost_with_a_process_that_dies_on_its_way(site: Site) -> None:
    async with site.publisher("shadow"):
        await site.publish(S_0=1, S_1=2)
        await site.settled()
    site.shop.item_written_s = 1.0
    async with site.publisher("live", kill=True):
        await eventually(lambda: site.shop.stats.batches > 0, 60, "the first write is under way")
    site.shop.item_written_s = 0.0
    async with site.publisher("live"):
        await site.publish(S_2=3)
        await site.shows(S_0=1, S_1=2, S_2=3)


async def test_any_walk_through_the_modes_writes_what_they_may_and_loses_nothing(
    site: Site,
) -> None:
    async with site.publisher("live"):
        await site.publish(S_0=10, S_1=11, S_2=12)
        await site.shows(S_0=10, S_1=11, S_2=12)
    async with site.publisher("shadow"):
        await site.publish(S_0=20, S_1=21, S_2=22, S_3=23, S_4=24)
        await site.settled()
    await site.shows(S_0=10, S_1=11, S_2=12)
    site.written()
    async with site.publisher("canary", "S-0", "S-3"):
        await site.shows(S_0=20, S_1=11, S_2=12, S_3=23)
        await site.publish(S_3=33, S_4=34)
        await site.shows(S_0=20, S_1=11, S_2=12, S_3=33)
        assert (await site.settled())["S-4"]["outcome"] == "shadow"
    assert site.written() == {"S-0", "S-3"}
    async with site.publisher("canary", "S-3", "S-4"):
        await site.shows(S_0=20, S_1=11, S_2=12, S_3=33, S_4=34)
    assert site.written() == {"S-4"}, "another canary gets what was shadowed before"
    async with site.publisher("off"):
        await site.publish(S_5=45)
        await asyncio.sleep(1)
    assert site.written() == set()
    async with site.publisher("live"):
        await site.shows(S_0=20, S_1=21, S_2=22, S_3=33, S_4=34, S_5=45)
    assert site.written() == {"S-1", "S-2", "S-5"}


async def told(settings: Settings) -> tuple[str, str | None, bool, str]:
    """What the interface says of the connection."""
    app = create_app(settings, None)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as api:
        (one,) = (await api.get("/v1/channels")).json()["channels"]
    return one["mode"], one["in_force"], one["is_served"], one["note"]


async def eventually_told(settings: Settings, wanted: tuple[str, str | None, bool, str]) -> None:
    async with asyncio.timeout(30):
        while await told(settings) != wanted:
            continue


def asked_for(settings: Settings, mode: str) -> Settings:
    """The same settings with another mode."""
    (one,) = settings.channels
    changed = one.publishing.model_copy(update={"mode": mode})
    return settings.model_copy(
        update={"channels": [one.model_copy(update={"publishing": changed})]}
    )


async def test_the_mode_in_force_is_told_by_the_publisher_itself(site: Site) -> None:
    async with site.publisher("canary", "S-0") as settings:
        await site.publish(S_0=1, S_1=2)
        await site.settled()
        await eventually_told(settings, ("canary", "canary", True, ""))
        live = asked_for(settings, "live")
        mode, in_force, _, note = await told(live)
        assert (mode, in_force) == ("live", "canary")
        assert note.startswith("the publisher was started with another mode")
    await eventually_told(live, ("live", "canary", False, "no publisher serves it"))
    assert await told(asked_for(settings, "off")) == ("off", "canary", False, "")
    async with site.publisher("live") as settings:
        await eventually_told(settings, ("live", "live", True, ""))
