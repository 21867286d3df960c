"""The sweeper on a real Kafka and a shop on a port: what webhooks missed is found."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.command_line import stockfold, stockfold_json
from tests.support.gateway import gateway, in_thread
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import running
from tests.support.webhook_shop import CHANNEL, SECRET, newest
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.channels.woocommerce.webhooks import TOPICS
from stockfold.contracts.topics import ORDER_SWEEPS
from stockfold.domain.errors import SettingsError
from stockfold.runtime import audit
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.sweeper import main, sweeping

pytestmark = pytest.mark.integration

PUBLIC = "https://stock.example"


@pytest.fixture
def server() -> Iterator[ShopServer]:
    shop = Shop()
    shop.add_products(["A", "B"], 1_000)
    with ShopServer(shop) as server:
        yield server


@pytest.fixture
def settings(
    new_environment: NewEnvironment, server: ShopServer, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    monkeypatch.setattr(sweeping, "PAUSE_S", 0.0)
    monkeypatch.setattr(main, "RETRY_FIRST_S", 0.1)
    monkeypatch.setattr(main, "LOOK_S", 0.1)
    found = new_environment(kafka={"order_partitions": 1}, gateway={"public_url": PUBLIC})
    return webhook_shop.with_channels(found, webhook_shop.channel(server.url))


@contextmanager
def sweeper(settings: Settings) -> Iterator[None]:
    with running(in_thread(main.run), settings):
        yield


def status(settings: Settings, order: int) -> str:
    return str(newest(settings, str(order)).get("status", ""))


def cursor(settings: Settings) -> int:
    notes = [read for read in committed(settings, ORDER_SWEEPS) if read.name == "SweepReached"]
    return int(notes[-1].record["reached"]) if notes else 0


def test_orders_that_no_webhook_told_are_found_after_faults_and_after_a_restart(
    settings: Settings, server: ShopServer
) -> None:
    shop = server.shop
    giant = [product.id for product in shop.add_products(f"{n:0250}" for n in range(5_000))]
    shop.orders.place(dict.fromkeys(giant, 1), "processing", shop.now_us())
    old = [shop.sell("A").id for _ in range(3)]
    shop.faults.queue += [
        Fault("html", status=502, path="/orders"),
        Fault("dropped", path="/orders"),
        Fault("limited", path="/orders", retry_after_s=0.1),
        Fault("html", status=200, path="/orders"),
    ]
    with sweeper(settings):
        wait_for("the first sweep", lambda: cursor(settings))
        assert [status(settings, order) for order in old] == ["processing"] * 3
        assert status(settings, 1) == "", "an order too large for Kafka holds up no other"
    reached = cursor(settings)
    shop.orders.set_status(old[0], "completed", shop.now_us())
    new = shop.sell("B").id
    with sweeper(settings):
        wait_for("the order of the pause", lambda: status(settings, new) == "processing")
        wait_for("the change of the pause", lambda: status(settings, old[0]) == "completed")
        wait_for("the note", lambda: cursor(settings) > reached or shop.now_us() - reached < 10**6)


def test_what_a_shop_called_gone_is_looked_up_and_one_restored_meanwhile_stands(
    settings: Settings, server: ShopServer
) -> None:
    shop = server.shop
    binned, deleted, restored = (shop.sell("A").id for _ in range(3))
    with gateway(settings) as client:
        for topic in TOPICS:
            url = f"{client.base_url}/v1/webhooks/{CHANNEL}"
            shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})
        shop.orders.trash(binned, shop.now_us())
        shop.orders.trash(restored, shop.now_us())
        shop.orders.delete(deleted)
        shop.orders.restore(restored, shop.now_us())
        met = shop.webhooks.deliver(lambda one: webhook_shop.post(client, one))
        assert set(met) == {200}
    with sweeper(settings):
        wait_for("the bin", lambda: status(settings, binned) == "cancelled")
        wait_for("the deletion", lambda: status(settings, deleted) == "cancelled")
        wait_for("the restored one", lambda: status(settings, restored) == "processing")

        def struck_out() -> bool:
            notes = committed_raw(settings)
            return all(notes[key] is None for key in notes if key.startswith(b"question|"))

        wait_for("every question struck out", struck_out)


def committed_raw(settings: Settings) -> dict[bytes, bytes | None]:
    """The last value of every key of the sweeper's notes."""
    return {
        message.key() or b"": message.value()
        for batch in PartitionReader(settings).read(ORDER_SWEEPS, 0)
        for message in batch
    }


def test_webhooks_are_made_and_a_disabled_one_is_activated_with_an_audit_record(
    settings: Settings, server: ShopServer
) -> None:
    shop = server.shop
    with sweeper(settings):
        wait_for("the webhooks", lambda: len(shop.webhooks.hooks) == len(TOPICS))
        wait_for("the end of it", lambda: [c.outcome for c in audit.changes(settings)] == ["done"])
    hook = shop.webhooks.hooks[1]
    assert hook.delivery_url == f"{PUBLIC}/v1/webhooks/{CHANNEL}"
    hook.status = "disabled"
    with sweeper(settings):
        wait_for("the activation", lambda: hook.status == "active")
        wait_for("its audit", lambda: len(audit.changes(settings)) == 2)
    assert len(shop.webhooks.hooks) == len(TOPICS)
    change = audit.changes(settings)[0]
    assert (change.command, change.subject, change.by) == ("channel webhooks", CHANNEL, "sweeper")
    assert SECRET not in str(change)


def test_a_key_that_may_only_read_is_enough_for_the_sweep(
    settings: Settings, server: ShopServer
) -> None:
    server.shop.keys.permissions = "read"
    old = server.shop.sell("A").id
    with sweeper(settings):
        wait_for("the sweep", lambda: status(settings, old) == "processing")
        wait_for("the refusal", lambda: [c.outcome for c in audit.changes(settings)] == ["failed"])
        server.shop.orders.trash(old, server.shop.now_us())
        wait_for("the next sweep", lambda: status(settings, old) == "cancelled")
    assert len(audit.changes(settings)) == 1, "what is refused is not tried at once"
    assert server.shop.webhooks.hooks == {}


def test_the_command_tells_what_is_missing_and_puts_it_right_when_told_to(
    settings: Settings, server: ShopServer, tmp_path: Path
) -> None:
    shop = server.shop
    file = tmp_path / "stockfold.toml"
    file.write_text(
        f"""
        gateway.public_url = "{PUBLIC}"
        [[channels]]
        name = "{CHANNEL}"
        kind = "woocommerce"
        url = "{server.url}"
        consumer_key = "ck_test"
        consumer_secret = "cs_test"
        orders.webhook_secret = "{SECRET}"
        [[channels]]
        name = "other"
        kind = "shopify"
        url = "http://127.0.0.1:9"
        """,
        "utf-8",
    )
    config = ("--config", str(file))
    told: Any = stockfold_json(settings, "channel", "webhooks", CHANNEL, "--dry-run", *config)
    assert [change["topic"] for change in told["changes"]] == list(TOPICS)
    assert (told["dry_run"], told["done"], shop.webhooks.hooks) == (True, [], {})
    with pytest.raises(SettingsError, match="nobody can be asked"):
        stockfold(settings, "channel", "webhooks", CHANNEL, *config)
    done: Any = stockfold_json(settings, "channel", "webhooks", CHANNEL, "--yes", *config)
    assert {hook["status"] for hook in done["done"]} == {"active"}
    assert SECRET not in str(done)
    shown = stockfold(settings, "channel", "webhooks", CHANNEL, "--dry-run", *config)
    assert shown.count("active") == len(TOPICS)
    for name, why in (("other", "is shopify"), ("nobody", "no channel")):
        with pytest.raises(SettingsError, match=why):
            stockfold(settings, "channel", "webhooks", name, *config)


def test_webhooks_that_are_lost_repeated_and_swapped_and_the_sweep_end_at_the_shops_state(
    settings: Settings, server: ShopServer
) -> None:
    shop, dice = server.shop, random.Random(7)
    with gateway(settings) as client, sweeper(settings):
        for topic in TOPICS:
            url = f"{client.base_url}/v1/webhooks/{CHANNEL}"
            shop.webhooks.add({"topic": topic, "delivery_url": url, "secret": SECRET})
        kept = []

        def send(delivery: Any) -> int:
            kept.append(delivery)
            return webhook_shop.post(client, delivery) if dice.random() < 0.5 else 500

        ids = [shop.sell(dice.choice("AB"), dice.randint(1, 3), "pending").id for _ in range(12)]
        for _ in range(4):
            for order in ids:
                told = dice.choice(["processing", "completed", "cancelled", "failed", "on-hold"])
                if dice.random() < 0.5:
                    shop.orders.set_status(order, told, shop.now_us())
            shop.webhooks.deliver(send)
            for delivery in dice.sample(kept, 10):
                webhook_shop.post(client, delivery)

        def agreed() -> bool:
            ours = {order: status(settings, order).replace("_", "-") for order in ids}
            return ours == {order: shop.orders.orders[order].status for order in ids}

        # States of one second may stand wrong for a minute, until a sweep finds them settled. A
        # last change of a second of its own spares the test that minute.
        for order in ids:
            shop.orders.set_status(order, shop.orders.orders[order].status, shop.now_us() + 10**6)
        wait_for("the shop's own state", agreed)
