"""What publisher, projector and api tell is what happened, on real servers and a shop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, wait_for
from tests.support.memory_feed import channel
from tests.support.metrics import Since, value
from tests.support.publishing import availability_service, deliveries, eventually
from tests.support.running_ledger import ledger
from tests.support.serving import projector
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.contracts.topics import POSITIONS
from stockfold.runtime.embedded import ports
from stockfold_services.api.app import create_app
from stockfold_services.publisher.main import run
from stockfold_services.publisher.retry import RetryPolicy

pytestmark = pytest.mark.integration

IMPATIENT = RetryPolicy(base_s=0.01, cap_s=0.2, attempts_max=30)
WOO = {"channel": "woo"}


@pytest.fixture
def server() -> Iterator[ShopServer]:
    with ShopServer(Shop()) as server:
        yield server


async def test_a_publisher_tells_outcomes_requests_and_how_it_stands(
    new_environment: NewEnvironment, server: ShopServer
) -> None:
    skus = [f"S-{n}" for n in range(30)]
    server.shop.add_products(skus)
    server.shop.faults.queue.append(Fault("error", status=500, path="batch"))
    settings = new_environment(channels=[channel(server)])
    since, stop = Since(), asyncio.Event()
    async with availability_service(settings) as service:
        await service.publish("woo", [*((sku, 5) for sku in skus), ("GONE", 1)])
        task = asyncio.create_task(run(settings, stop, policy=IMPATIENT))
        async with asyncio.timeout(60):
            while len(told := await deliveries(settings)) < len(skus) + 1:
                continue
        await eventually(
            lambda: value("stockfold_publisher_backlog_listings", **WOO) == 0, 30, "no backlog"
        )
        await eventually(
            lambda: value("stockfold_publisher_owner", **WOO) == 1, 30, "the owner of the channel"
        )
        assert value("stockfold_publisher_control", state="running", **WOO) == 1
        stop.set()
        await asyncio.wait({task}, timeout=30)
        task.result()

    def outcomes(outcome: str) -> float:
        return since.grown("stockfold_publisher_outcomes_total", outcome=outcome, **WOO)

    by_outcome = [record["outcome"] for _, record in told]
    assert outcomes("applied") == by_outcome.count("applied") == len(skus)
    assert outcomes("unmapped") == by_outcome.count("unmapped") == 1
    assert since.grown("stockfold_publisher_propagation_seconds_count", **WOO) == len(skus)
    written = since.grown("stockfold_publisher_written_listings_total", **WOO)
    assert written >= server.shop.stats.items_written == len(skus)
    requests = {
        outcome: since.grown(
            "stockfold_publisher_requests_total", purpose="write", outcome=outcome, **WOO
        )
        for outcome in ("served", "unavailable")
    }
    assert requests["unavailable"] == 1
    assert requests["served"] >= 1
    assert value("stockfold_publisher_owner", **WOO) == 0


async def test_the_api_tells_negative_stock_the_projector_and_groups_of_dead_services(
    new_environment: NewEnvironment, postgres: str
) -> None:
    settings = new_environment(
        postgres={"dsn": postgres}, metrics={"port": ports.free_port()}, kafka={"sku_partitions": 1}
    )
    sender, since = Sender(settings), Since()
    topic = "stockfold.adjustments.v1"
    with ledger(settings):
        for delta in (-1, 2, 5):
            sender.event("StockAdjusted", sku=f"S{delta}", location="A", delta=delta, reason="x")
        wait_for("facts", lambda: since.grown("stockfold_loop_events_total", service="ledger") == 3)
    for _ in range(7):  # The ledger is dead.
        sender.event("StockAdjusted", sku="S9", location="A", delta=1, reason="x")
    app = create_app(settings, None)
    with projector(settings):
        positions = {"topic": POSITIONS.name}
        written = "stockfold_projector_records_total"
        await eventually(lambda: since.grown(written, **positions) == 3, 60, "the positions")
        async with app.router.lifespan_context(app):
            await eventually(
                lambda: value("stockfold_stock_negative_positions") == 1, 60, "negative stock"
            )
            assert value("stockfold_projector_alive") == 1
            lag = {"group": "ledger", "topic": topic}
            await eventually(
                lambda: value("stockfold_group_lag_records", **lag) == 7, 60, "the lag of the dead"
            )
