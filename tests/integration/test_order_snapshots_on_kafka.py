"""Orders on a real Kafka: forgotten when they are over, and recovered from a snapshot."""

from __future__ import annotations

import logging

import pytest
from tests.conftest import NewEnvironment
from tests.integration.test_orders_on_kafka import LOCATION, Shop, await_status, row, stock
from tests.support.kafka_io import Read, Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts.topics import EXCEPTIONS, ORDER_JOURNAL, RESERVATIONS
from stockfold.runtime.order_snapshots import open_order_snapshots
from stockfold.runtime.settings import Settings
from stockfold_services.orders.main import run
from stockfold_services.snapshotter.main import run as snapshotter

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(
        locations=[{"name": LOCATION}],
        kafka={"order_partitions": 1},
        orders={"finished_s": 1},
        snapshots={"every_s": 1},
    )


def forgotten(settings: Settings) -> bool:
    return any(b'"Forgotten"' in r.record.get("change", b"") for r in facts(settings))


def facts(settings: Settings) -> list[Read]:
    return [r for r in committed(settings, ORDER_JOURNAL) if r.name == "OrderFact"]


def test_a_forgotten_order_stays_forgotten_over_a_restart_from_a_snapshot(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    sender, shop, store = Sender(settings), Shop(settings), open_order_snapshots(settings)
    stock(sender, "a", 9)
    with ledger(settings), running(run, settings), running(snapshotter, settings):
        shop.tell("1", "completed", row("1", "a", 2))
        shop.tell("2", "processing", row("1", "a", 1))
        await_status(settings, "1", "fulfilled")
        await_status(settings, "2", "confirmed")
        wait_for("it to be forgotten", lambda: forgotten(settings))
        end = facts(settings)[-1].offset
        wait_for("a snapshot", lambda: (store.offsets(0) or [0])[-1] > end)
    asked = len(committed(settings, RESERVATIONS))
    with caplog.at_level(logging.INFO), ledger(settings), running(run, settings):
        shop.tell("1", "completed", row("1", "a", 2))
        shop.tell("1", "completed", row("1", "a", 4))
        shop.tell("2", "completed", row("1", "a", 1))
        await_status(settings, "2", "fulfilled")
        wait_for("the exception", lambda: committed(settings, EXCEPTIONS))
    [told] = committed(settings, EXCEPTIONS)
    assert told.record["kind"] == "order_forgotten"
    assert len(committed(settings, RESERVATIONS)) == asked
    assert "1 orders, 1 in the snapshot, 1 forgotten" in caplog.text
