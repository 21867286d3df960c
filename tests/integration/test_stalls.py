"""Services that hang on real servers notice it themselves and serve again."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.memory_feed import channel
from tests.support.publishing import availability_service, eventually
from tests.support.servers import server_folder
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.postgres import schema_name
from stockfold.runtime.settings import Settings
from stockfold.runtime.supervisor import ServiceProcess, Supervisor
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


def test_a_ledger_whose_broker_stands_still_ends_and_is_started_again() -> None:
    with server_folder() as folder:
        broker = EmbeddedKafka(folder / "kafka")
        try:
            _stop_the_broker_under_a_ledger(folder, broker)
        finally:
            broker.stop()


def _stop_the_broker_under_a_ledger(folder: Path, broker: EmbeddedKafka) -> None:
    settings = Settings(
        environment={"data_dir": folder / "data", "stall_limit_s": 2.0},
        kafka={"bootstrap": broker.start(), "sku_partitions": 1},
    )
    ensure_topics(settings)
    process = ServiceProcess("ledger", "stockfold_services.cli.child", settings, folder)
    supervisor, stop = Supervisor([("ledger", process)]), threading.Event()
    thread = threading.Thread(target=supervisor.run, args=(stop,))
    thread.start()
    try:
        sender = Sender(settings)
        receive(sender, 3)
        wait_for("the first fact", lambda: facts(settings) == 1)
        # It is due while the broker stands still: then the ledger wants to commit.
        reserve(sender, SYSTEM_CLOCK.now_us() + 4 * SECOND_US)
        wait_for("the reservation", lambda: facts(settings) == 2)
        pid = broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            wait_for("the ledger to notice", lambda: "ledger hangs: " in log_of(folder))
        finally:
            os.kill(pid, signal.SIGCONT)
        receive(sender, 5)
        wait_for("all facts, each once", lambda: facts(settings) == 4)
    finally:
        stop.set()
        thread.join(DEADLINE_S)


def receive(sender: Sender, units: int) -> None:
    sender.event(
        "GoodsReceived",
        sku="BEANS",
        location="L1",
        quantity=units,
        inbound=None,
        line=None,
        condition="on_hand",
        document=None,
        document_line=None,
    )


def reserve(sender: Sender, expires_us: int) -> None:
    sender.event(
        "ReserveStock",
        sku="BEANS",
        reservation="R-1",
        order="O-1",
        line="1",
        channel="shop",
        quantity=1,
        locations=["L1"],
        allow_split=False,
        allow_partial=False,
        allow_backorder=False,
        needed_on=None,
        supply_line=None,
        expires_at=expires_us,
        priority=0,
    )


def facts(settings: Settings) -> int:
    return sum(record.name == "JournalFact" for record in committed(settings, JOURNAL))


def log_of(folder: Path) -> str:
    return "".join(path.read_text("utf-8", "replace") for path in folder.glob("ledger*.log*"))
