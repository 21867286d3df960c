"""The sweeper on a real Kafka and a Shopify shop on a port: what webhooks missed is found."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.gateway import in_thread
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import running
from tests.support.shopify_shop import TOKEN, ShopifyServer, ShopifyShop
from tests.support.webhook_shop import SECRET, newest

from stockfold.contracts.topics import ORDER_SWEEPS, ORDERS
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.sweeper import main, sweeping

pytestmark = pytest.mark.integration

CHANNEL = "shopify-us"


@pytest.fixture
def server() -> Iterator[ShopifyServer]:
    with ShopifyServer(ShopifyShop(time.time)) as server:
        yield server


@pytest.fixture
def settings(
    new_environment: NewEnvironment, server: ShopifyServer, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    monkeypatch.setattr(main, "RETRY_FIRST_S", 0.1)
    monkeypatch.setattr(main, "LOOK_S", 0.1)
    orders = {"webhook_secret": SECRET, "access_token": TOKEN, "sweep_every_s": 10}
    channel = ChannelSettings(name=CHANNEL, kind="shopify", url=server.url, orders=orders)
    return webhook_shop.with_channels(new_environment(kafka={"order_partitions": 1}), channel)


def status(settings: Settings, order: int) -> str:
    return str(newest(settings, str(order), CHANNEL).get("status", ""))


def test_orders_are_found_after_faults_and_a_restart_and_told_once(
    settings: Settings, server: ShopifyServer
) -> None:
    shop = server.shop
    first, second = shop.place(A=2), shop.place("PENDING", B=1)
    shop.faults += [(502, b"<html>"), (200, b'{"errors": "try again"}')]
    with running(in_thread(main.run), settings):
        wait_for("both", lambda: status(settings, second.id) == "on_hold")
        assert status(settings, first.id) == "processing"
        wait_for("the note", lambda: committed(settings, ORDER_SWEEPS))
    shop.fulfil(first, {first.lines[0].id: 2})
    with running(in_thread(main.run), settings):
        wait_for("what it missed", lambda: status(settings, first.id) == "completed")
    told = [read.record["order"] for read in committed(settings, ORDERS)]
    assert told.count(str(first.id)) <= 4
    assert shop.throttled == 0
