"""Services that hang on real servers notice it themselves and serve again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.runtime.postgres import schema_name
from stockfold_services.projector.main import run
from stockfold_services.publisher.main import run as run_publisher

pytestmark = pytest.mark.integration

DEADLINE_S = 60
HANG_ONCE = """
    CREATE SEQUENCE passes;
    CREATE FUNCTION hang_once() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF nextval('passes') = 1 THEN PERFORM pg_sleep(3600); END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER hang AFTER INSERT ON positions FOR EACH STATEMENT EXECUTE FUNCTION hang_once();
"""


async def test_a_projector_whose_postgresql_never_answers_connects_anew(
    new_environment: NewEnvironment, postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = new_environment(postgres={"dsn": postgres}, environment={"stall_limit_s": 4.0})
    stop = asyncio.Event()
    projector = asyncio.create_task(run(settings, stop))
    db = await asyncpg.connect(
        postgres, server_settings={"search_path": schema_name(settings.prefix)}
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            await holds_rows(db, "projectors")
            await db.execute(HANG_ONCE)
            given.produce(settings, [given.position("BEANS", "L1", 1, on_hand=3)])
            await holds_rows(db, "positions")
    finally:
        stop.set()
        await projector
        await db.close()
    assert "projector hangs: writing to PostgreSQL has not ended within 4 s" in caplog.text


async def test_a_publisher_whose_shop_never_ends_its_answer_starts_anew(
    new_environment: NewEnvironment, caplog: pytest.LogCaptureFixture
) -> None:
    with ShopServer(Shop()) as server:
        server.shop.add_products(["BEANS"])
        server.shop.faults.queue.append(Fault("dripping", path="batch"))
        settings = new_environment(
            channels=[channel(server, timeout_s=1.0)], environment={"stall_limit_s": 2.0}
        )
        stop = asyncio.Event()
        publisher = asyncio.create_task(run_publisher(settings, stop))
        try:
            async with availability_service(settings) as service:
                await service.publish("woo", [("BEANS", 7)])
                await eventually(
                    lambda: server.shop.stock(["BEANS"]) == {"BEANS": 7},
                    DEADLINE_S,
                    "the shop shows what was published",
                )
        finally:
            stop.set()
            await publisher
    assert "channel woo, sender 1 hangs: " in caplog.text


async def holds_rows(db: asyncpg.Connection, table: str) -> None:
    """Wait for the table, and for a row of it."""
    while True:
        with suppress(asyncpg.UndefinedTableError):
            if await db.fetchval(f"SELECT count(*) FROM {table}"):
                return
        await asyncio.sleep(0.05)
