"""Parcels told in Kafka stand in the shop's orders once, whatever fails on the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.command_line import stockfold, variables
from tests.support.gateway import in_thread
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import running
from tests.support.webhook_shop import CHANNEL
from tests.support.woo_shop import Fault, Shop, ShopServer

from stockfold.channels.woocommerce.order_meta import CORRELATION_KEY
from stockfold.channels.woocommerce.shipments import MARKS_KEY
from stockfold.contracts import envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, ORDER_SWEEPS, SHIPMENTS
from stockfold.domain.errors import ContractError
from stockfold.runtime import audit
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings
from stockfold.runtime.shop_tracking_settings import ShopTrackingSettings
from stockfold_services.sweeper import main, sweeping

pytestmark = pytest.mark.integration

NUMBERS = "stockfold_tracking_number"


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
    found = new_environment(kafka={"order_partitions": 2})
    tracking = ShopTrackingSettings(write=True, note="private", complete=True)
    live = ShopPublishingSettings(mode="live")
    told = {"tracking": tracking, "publishing": live, "request_timeout_s": 0.5}
    channel = webhook_shop.channel(server.url, keep_webhooks=False).model_copy(update=told)
    return webhook_shop.with_channels(found, channel)


@contextmanager
def sweeper(settings: Settings) -> Iterator[None]:
    with running(in_thread(main.run), settings):
        yield


def tell(
    settings: Settings, order: int, shipment: str, *, name: str = CHANNEL, **body: Any
) -> None:
    """A parcel of an order, as a WMS without Avro sends it."""
    key = f"{name}|{order}".encode()
    told = envelope.Envelope(f"{order}/{shipment}", "/wms", "stockfold.OrderShipped", 1)
    headers = {**dict(envelope.build(told)), "content-type": b"application/json"}
    whole = {
        "channel": name,
        "order": str(order),
        "shipment": shipment,
        "shipped_at": "2026-11-01T12:00:00Z",
        "carrier": "DHL",
        "tracking_number": f"N-{shipment}",
        "tracking_url": "",
        "lines": [],
        **body,
    }
    producer = Producer(confluent_config(settings))
    topic = SHIPMENTS.full_name(settings.prefix)
    place = partition_of(key, settings.kafka.order_partitions)
    producer.produce(topic, msgspec.json.encode(whole), key, place, headers=list(headers.items()))
    assert producer.flush(20) == 0


def cursor(settings: Settings) -> int:
    notes = [read for read in committed(settings, ORDER_SWEEPS) if read.name == "SweepReached"]
    return int(notes[-1].record["reached"]) if notes else 0


def test_a_parcel_is_written_once_although_answers_are_lost_and_it_is_told_again(
    settings: Settings, server: ShopServer
) -> None:
    shop = server.shop
    first, second = shop.sell("A", 2).id, shop.sell("B").id
    line = shop.orders.orders[first].lines[0].id
    shop.faults.queue += [
        Fault("lost", path=f"/orders/{first}/notes", delay_s=0.8),
        Fault("lost", path=f"/orders/{first}", delay_s=0.8, method="PUT"),
    ]
    tell(settings, first, "S-1", lines=[{"line": str(line), "quantity": 1}])
    tell(settings, 1, "S-1", name="elsewhere")
    tell(settings, 999, "S-9")
    with sweeper(settings):
        meta = shop.orders.orders[first].meta
        wait_for("the first parcel", lambda: meta.get(NUMBERS) == "N-S-1")
        wait_for("the refusal", lambda: committed(settings, EXCEPTIONS))
        tell(settings, first, "S-1", lines=[{"line": str(line), "quantity": 1}])
        tell(settings, first, "S-2", lines=[{"line": str(line), "quantity": 1}])
        wait_for("the second parcel", lambda: meta[NUMBERS] == "N-S-1, N-S-2")
        stockfold(
            settings,
            "orders",
            "shipped",
            CHANNEL,
            str(second),
            "S-3",
            "--tracking",
            "N-S-3",
            "--yes",
        )
        wait_for("the command's", lambda: shop.orders.orders[second].meta.get(NUMBERS) == "N-S-3")
        mend = ("exceptions", "correct", "--set", f"order={second}", "--kind", "shipment_refused")
        stockfold(settings, *mend, "--reason", "a slip", "--yes")
        wait_for("the one put right", lambda: "N-S-9" in shop.orders.orders[second].meta[NUMBERS])
        wait_for("completion", lambda: shop.orders.orders[first].status == "completed")
    assert meta[CORRELATION_KEY] == f"{CHANNEL}|{first}"
    assert len(meta[MARKS_KEY].split()) == 2
    assert len(shop.orders.orders[first].notes) == 2
    (raised,) = (read.record for read in committed(settings, EXCEPTIONS))
    assert (raised["kind"], raised["key"]) == ("shipment_refused", f"{CHANNEL}|999".encode())
    assert raised["event_id"] == "999/S-9"
    outcomes = [c.outcome for c in audit.changes(settings) if c.command == "order shipment"]
    assert {"done", "failed"} <= set(outcomes)


def test_our_own_writing_comes_back_as_a_change_and_is_answered_by_none(
    settings: Settings, server: ShopServer
) -> None:
    shop = server.shop
    order = shop.orders.orders[shop.sell("A").id]
    tell(settings, order.id, "S-1")
    with sweeper(settings):
        wait_for("the parcel", lambda: MARKS_KEY in order.meta)
    modified_us = order.modified_us
    with sweeper(settings):  # Its first sweep reads the order as we left it.
        wait_for(
            "the echo",
            lambda: (
                webhook_shop.newest(settings, str(order.id)).get("occurred_at", 0)
                >= modified_us // 10**6 * 10**6
            ),
        )
        before = webhook_shop.newest(settings, str(order.id))
        wait_for("another round", lambda: cursor(settings) >= before["occurred_at"])
    assert order.modified_us == modified_us
    assert (len(order.notes), len(order.meta[MARKS_KEY].split())) == (1, 1)


def test_in_shadow_parcels_are_passed_over_for_good(settings: Settings, server: ShopServer) -> None:
    order = server.shop.orders.orders[server.shop.sell("A").id]
    tell(settings, order.id, "S-1")
    (live,) = settings.channels
    shadow = live.model_copy(update={"publishing": ShopPublishingSettings()})
    with sweeper(webhook_shop.with_channels(settings, shadow)):
        wait_for("the first sweep", lambda: cursor(settings))
        wait_for("the parcel passed over", lambda: passed(settings))
    with sweeper(settings):
        tell(settings, order.id, "S-2")
        wait_for("the next parcel", lambda: MARKS_KEY in order.meta)
    assert order.meta[NUMBERS] == "N-S-2"


def passed(settings: Settings) -> int:
    """How many parcels of the channel are committed as done."""
    group = group_id(settings, f"sweeper.shipments.{CHANNEL}")
    consumer = Consumer({**confluent_config(settings), "group.id": group})
    topic = SHIPMENTS.full_name(settings.prefix)
    places = [TopicPartition(topic, n) for n in range(settings.kafka.order_partitions)]
    try:
        return sum(max(place.offset, 0) for place in consumer.committed(places, timeout=10))
    finally:
        consumer.close()


def test_the_command_refuses_what_no_shop_should_be_shown(settings: Settings) -> None:
    with pytest.raises(ContractError, match="address"):
        stockfold(settings, "orders", "shipped", CHANNEL, "1", "S", "--url", "nowhere", "--yes")
    shown = stockfold(
        settings, "orders", "shipped", CHANNEL, "1", "S", "--line", "7=2", "--dry-run"
    )
    assert "would tell" in shown
    assert committed(settings, SHIPMENTS) == []


def test_a_sweeper_that_is_killed_in_the_middle_leaves_no_parcel_out_and_writes_none_twice(
    settings: Settings, server: ShopServer, tmp_path: Path
) -> None:
    shop = server.shop
    orders = [shop.orders.orders[shop.sell("A", 2).id] for _ in range(4)]
    for number in range(2):
        for order in orders:
            tell(settings, order.id, f"S-{number}")
    config = tmp_path / "stockfold.toml"
    config.write_text(
        f"""
        [[channels]]
        name = "{CHANNEL}"
        kind = "woocommerce"
        url = "{server.url}"
        consumer_key = "ck_test"
        consumer_secret = "cs_test"
        publishing.mode = "live"
        tracking.write = true
        tracking.note = "customer"
        """,
        "utf-8",
    )
    environment = {**os.environ, **variables(settings), "STOCKFOLD_CONFIG": str(config)}
    command = [sys.executable, "-m", "stockfold_services.sweeper.main"]
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for("some notes", lambda: sum(len(order.notes) for order in orders) >= 3)
    finally:
        process.kill()
        process.wait()

    def told() -> set[int]:
        return {len(order.meta.get(MARKS_KEY, "").split()) for order in orders}

    assert told() != {2}, "it died in the middle"
    with sweeper(settings):
        wait_for("every parcel", lambda: told() == {2})
    for order in orders:
        assert order.meta[NUMBERS] == "N-S-0, N-S-1"
        assert len(order.notes) == 2
