"""How far each listing is: in PostgreSQL, over HTTP and on the command line."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_publisher import publisher
from tests.support import read_side as given
from tests.support.api_reader import Reader
from tests.support.command_line import stockfold, stockfold_json
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.serving import projector
from tests.support.woo_shop import Shop, ShopServer

from stockfold.explain.listing_states import DIFFERENCES, difference
from stockfold.runtime.postgres import connection_options
from stockfold.runtime.settings import Settings
from stockfold_services.api.app import create_app

pytestmark = pytest.mark.integration

VERSIONS = ("desired", "sent", "accepted", "applied", "observed")


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


@pytest.fixture
async def reader(postgres: str) -> AsyncIterator[Reader]:
    prefix = f"t{uuid.uuid4().hex[:8]}."
    settings = Settings(environment={"prefix": prefix}, postgres={"dsn": postgres})
    app = create_app(settings, None)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
        yield Reader(settings, client)
    await app.state.database.close()


async def test_http_says_of_every_listing_why_it_differs(reader: Reader) -> None:
    versions = (None, 0, 1, 2)
    cases = {
        f"s{number:05d}": case
        for number, case in enumerate(
            itertools.product((0, 1, 2), ("", "applied", "shadow", "rejected"), *[versions] * 4)
        )
    }
    names = ("sent_version", "accepted_version", "applied_version", "observed_version")
    outputs = [given.availability("web", sku, 2, 7) for sku in cases]
    for sku, (told, outcome, *known) in cases.items():
        fields = dict(zip(names, known, strict=True))
        outputs.append(given.listing_state("web", sku, told, outcome, **fields))
    await reader.fill(given.availability("web", "untold", 1, 3), *outputs)
    found: dict[str, str] = {}
    after: dict[str, str] = {}
    while True:
        page = await reader.get("/v1/listings", channel="web", limit=1000, **after)
        found |= {row["sku"]: row["differs"] for row in page["listings"]}
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found.pop("untold") == "waiting"
    assert found == {sku: difference(2, *case) for sku, case in cases.items()}
    assert set(found.values()) == {"", *DIFFERENCES}
    drifted = await reader.get("/v1/listings", differs="drifted", limit=1000)
    assert {row["sku"] for row in drifted["listings"]} == {
        sku for sku, differs in found.items() if differs == "drifted"
    }
    await reader.get("/v1/listings", 422, differs="nonsense")


async def test_what_a_record_does_not_know_stands_as_it_was(reader: Reader) -> None:
    first = given.listing_state("web", "s", 1, "applied", applied_version=1, took_us=5)
    await reader.fill(
        given.availability("web", "s", 3, 7),
        first,
        given.listing_state("web", "s", 2, sent_version=2),
    )
    await reader.fill(given.listing_state("web", "s", 3, sent_version=3))
    (row,) = (await reader.get("/v1/listings", sku="s"))["listings"]
    assert (row["sent_version"], row["applied_version"], row["took_us"]) == (3, 1, 5)


async def test_http_tells_how_long_it_took_from_the_stock_event_to_the_channel(
    reader: Reader,
) -> None:
    await reader.fill(*(given.delivery("web", f"s{n}", 1) for n in range(3)))
    connection = await asyncpg.connect(**connection_options(reader.settings, "test"))
    try:
        await connection.execute(
            "UPDATE delivery_history "
            "SET finished_at = now(), took_us = 1000000 * right(sku, 1)::int"
        )
    finally:
        await connection.close()
    (times,) = (await reader.get("/v1/listings/times", channel="web"))["times"]
    assert (times["applied"], times["p50_ms"], times["max_ms"]) == (3, 1_000, 2_000)
    assert (await reader.get("/v1/listings/times", channel="other"))["times"] == []


async def test_publishing_goes_on_without_postgresql_and_the_rows_are_caught_up(
    new_environment: NewEnvironment, postgres: str, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(30)]
    server.shop.add_products(skus, quantity=4)
    settings = new_environment(channels=[channel(server)], postgres={"dsn": postgres})
    async with availability_service(settings) as service, publisher(settings):
        # Nobody has opened PostgreSQL yet: for the publisher it is not there.
        await service.publish("woo", [(sku, 7) for sku in skus])
        await service.publish("woo", [("S-0", 0), ("NOBODY", 1)])
        await eventually(lambda: server.shop.stock(["S-0"]) == {"S-0": 0}, 30, "zeros go out")
        await eventually(
            lambda: set(server.shop.stock(skus[1:]).values()) == {7}, 30, "and everything else"
        )
        server.shop.sell("S-1")
    cli = stockfold_json(settings, "listings")
    assert (cli["of"], cli["applied"]) == (31, 30)
    (nobody,) = stockfold_json(settings, "listings", "--differs", "any")["listings"]
    assert (nobody["sku"], nobody["differs"]) == ("NOBODY", "refused")
    assert "from stock event to channel" in stockfold(settings, "listings", "--limit", "5")
    with projector(settings):
        await eventually_rows(settings, 31)
    rows = {row["sku"]: row for row in await rows_of(settings)}
    assert [rows["S-0"][f"{name}_version"] for name in VERSIONS] == [2] * 5
    assert [rows["S-1"][f"{name}_version"] for name in VERSIONS] == [1] * 5
    assert rows["S-1"]["observed_quantity"] == 7, "what was sold since has not been seen yet"


async def rows_of(settings: Settings) -> list[Any]:
    connection = await asyncpg.connect(**connection_options(settings, "test"))
    try:
        return await connection.fetch("SELECT * FROM listings")
    finally:
        await connection.close()


async def eventually_rows(settings: Settings, count: int) -> None:
    """Wait until so many listings are in PostgreSQL, each with its outcome."""
    for _ in range(300):
        try:
            rows = await rows_of(settings)
        except asyncpg.UndefinedTableError:
            rows = []
        if len(rows) == count and all(row["outcome"] for row in rows):
            return
    raise AssertionError(f"not {count} rows")
