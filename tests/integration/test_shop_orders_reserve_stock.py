"""From a shop's checkout to the shelf: webhooks, sweep, orders and ledger on a real Kafka."""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.gateway import gateway, in_thread
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running
from tests.support.webhook_shop import CHANNEL, SECRET
from tests.support.woo_shop import Shop, ShopServer

from stockfold.channels.woocommerce.webhooks import TOPICS
from stockfold.contracts.topics import ORDER_STATUS, POSITIONS
from stockfold.runtime import audit
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold_services.orders.main import run as orders
from stockfold_services.sweeper import main, sweeping

pytestmark = pytest.mark.integration


def stock(settings: Settings) -> dict[str, tuple[int, int]]:
    """(on hand, reserved) of every SKU."""
    found: dict[str, dict[str, Any]] = {}
    for read in committed(settings, POSITIONS):
        if read.name == "Position":
            found[read.record["sku"]] = read.record
    return {sku: (row["on_hand"], row["reserved"]) for sku, row in found.items()}


def standing(settings: Settings, order: int) -> str:
    """Where an order stands."""
    key = f"{CHANNEL}|{order}".encode()
    found = [read.record["status"] for read in committed(settings, ORDER_STATUS) if read.key == key]
    return str(found[-1])


def outcomes(settings: Settings) -> list[str]:
    """How the holds ended that were asked of the shop."""
    return [c.outcome for c in audit.changes(settings) if c.command == "order hold"]


def test_a_shops_orders_hold_reserve_ship_and_release_stock(
    new_environment: NewEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    shop = Shop()
    shop.add_products(["A", "B"], 10)
    with ShopServer(shop) as server:
        settings = webhook_shop.with_channels(
            new_environment(kafka={"order_partitions": 1, "sku_partitions": 1}),
            webhook_shop.channel(server.url, hold_oversold=True).model_copy(
                update={
                    "locations": ["DC"],
                    "publishing": ShopPublishingSettings(mode="live", coverage="reported"),
                }
            ),
        )
        sender = Sender(settings)
        for sku in ("A", "B"):
            sender.event("GoodsReceived", sku=sku, location="DC", quantity=10)
        with ledger(settings), running(orders, settings), gateway(settings) as client:
            for topic in TOPICS:
                url = f"{client.base_url}/v1/webhooks/{CHANNEL}"
                shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})

            def deliver() -> None:
                met = shop.webhooks.deliver(lambda one: webhook_shop.post(client, one))
                assert set(met) <= {200}

            held, bought = shop.sell("A", 2, "pending"), shop.sell("A", 3)
            deliver()
            wait_for("both on hold", lambda: stock(settings).get("A") == (10, 5))
            shop.orders.set_status(held.id, "cancelled", shop.now_us() + 10**6)
            shop.orders.set_status(bought.id, "completed", shop.now_us() + 10**6)
            deliver()
            wait_for("one released, one shipped", lambda: stock(settings).get("A") == (7, 0))
            lost = shop.sell("B", 4)
            shop.webhooks.deliver(lambda one: 0)
            with running(in_thread(main.run), settings):
                wait_for("what no webhook told", lambda: stock(settings).get("B") == (10, 4))
                line = lost.lines[0].id
                later_us = shop.now_us() + 2 * 10**6
                shop.orders.refund(lost.id, {line: 1}, later_us, restock=True)
                deliver()
                wait_for("a unit restocked", lambda: stock(settings).get("B") == (10, 3))
                oversold = shop.sell("B", 9)
                deliver()
                wait_for("a hold in the shop", lambda: oversold.status == "on-hold")
                assert [note["note"][:7] for note in oversold.notes] == ["9 of B "]
                wait_for("its record", lambda: outcomes(settings) == ["done"])
            shop.orders.delete(lost.id)
            shop.webhooks.deliver(lambda one: 0)
            with running(in_thread(main.run), settings):
                wait_for("what was deleted", lambda: standing(settings, lost.id) == "released")
                wait_for("a second look", lambda: outcomes(settings) == ["done", "done"])
            assert len(oversold.notes) == 1
