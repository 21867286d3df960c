"""Orders from the topic to the ledger and back, on a real Kafka, over restarts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts import envelope
from stockfold.contracts.codec import encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import (
    CATALOG,
    EXCEPTIONS,
    ORDER_CASES,
    ORDER_JOURNAL,
    ORDER_STATUS,
    ORDERS,
    REFERENCE,
    RESERVATION_STATUS,
    Topic,
)
from stockfold.domain.reference import (
    Alias,
    BillOfMaterials,
    CatalogItem,
    Component,
    key_of,
)
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.orders.main import run

pytestmark = pytest.mark.integration

LOCATION = "BERLIN"


class Shop:
    """Tells orders as the gateway does."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.producer = Producer(confluent_config(settings))
        self.sent = 0

    def tell(self, order: str, status: str, *lines: dict[str, Any], **more: Any) -> None:
        """The order is now like this."""
        self.sent += 1
        now_us = SYSTEM_CLOCK.now_us()
        body = {
            "channel": "shop",
            "order": order,
            "revision": self.sent,
            "occurred_at": now_us,
            "status": status,
            "accepted": True,
            "lines": lines,
            **more,
        }
        self.send("stockfold.OrderChanged", order, body, now_us)

    def send(self, name: str, order: str, body: dict[str, Any], now_us: int) -> None:
        """Any event about an order."""
        key = f"shop|{order}".encode()
        self.producer.produce(
            ORDERS.full_name(self.settings.prefix),
            encode(name, body),
            key,
            partition_of(key, self.settings.kafka.order_partitions),
            headers=[*envelope.build(envelope.Envelope(f"o-{self.sent}", "/shop", name, now_us))],
        )
        self.producer.flush(10)

    def publish(self, topic: Topic, record: Any) -> None:
        """Reference data or an item of the catalogue."""
        key = key_of(record).encode()
        count = self.settings.kafka.sku_partitions if topic is CATALOG else 1
        self.producer.produce(
            topic.full_name(self.settings.prefix),
            encode_record(record),
            key,
            partition_of(key, count),
        )
        self.producer.flush(10)


def row(line: str, code: str, quantity: int, **more: Any) -> dict[str, Any]:
    return {"line": line, "code": code, "quantity": quantity, **more}


def status_of(settings: Settings, order: str) -> dict[str, Any]:
    """The newest status of an order; empty when there is none."""
    found = [r.record for r in committed(settings, ORDER_STATUS) if r.record["order"] == order]
    return found[-1] if found else {}


def await_status(settings: Settings, order: str, status: str) -> dict[str, Any]:
    def is_it() -> dict[str, Any] | None:
        found = status_of(settings, order)
        return found if found.get("status") == status else None

    found: dict[str, Any] = wait_for(f"order {order} {status}", is_it)
    return found


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(
        locations=[{"name": LOCATION}],
        orders={"retry_s": 0.05, "attempts_max": 2},
    )


def stock(sender: Sender, sku: str, units: int) -> None:
    sender.event(
        "StockAdjusted", sku=sku, location=LOCATION, bucket="on_hand", delta=units, reason="count"
    )


def test_an_order_is_reserved_paid_for_shipped_and_known_after_a_restart(
    settings: Settings,
) -> None:
    sender, shop = Sender(settings), Shop(settings)
    stock(sender, "a", 5)
    stock(sender, "b", 5)
    with ledger(settings), running(run, settings):
        shop.tell("1", "pending", row("1", "a", 2), row("2", "b", 1))
        held = await_status(settings, "1", "held")
        assert held["expires_at"] is not None
        assert {line["status"] for line in held["lines"]} == {"confirmed"}
        shop.tell("1", "processing", row("1", "a", 2), row("2", "b", 1))
        await_status(settings, "1", "confirmed")
    with ledger(settings), running(run, settings):
        shop.tell("1", "completed", row("1", "a", 2), row("2", "b", 1))
        done = await_status(settings, "1", "fulfilled")
    assert [d["shipped"] for line in done["lines"] for d in line["demands"]] == [2, 1]
    last = {r.record["sku"]: r.record for r in committed(settings, RESERVATION_STATUS)}
    assert {sku: (told["reserved"], told["shipped"]) for sku, told in last.items()} == {
        "a": (0, 2),
        "b": (0, 1),
    }


def test_a_kit_a_missing_mapping_and_an_oversold_line(settings: Settings) -> None:
    sender, shop = Sender(settings), Shop(settings)
    stock(sender, "a", 5)
    bill = BillOfMaterials("v1", (Component("a", 2),))
    shop.publish(CATALOG, CatalogItem("kit", bill_of_materials=bill))
    with ledger(settings), running(run, settings):
        shop.tell("1", "processing", row("1", "", 1, taxes=[{"code": "DE-19"}]))
        suspended = await_status(settings, "1", "suspended")
        assert suspended["reason"] == "missing_sku_mapping"
        shop.tell("2", "processing", row("1", "kit", 2))
        kit = await_status(settings, "2", "confirmed")
        assert [(d["sku"], d["held"]) for d in kit["lines"][0]["demands"]] == [("a", 4)]
        shop.tell("3", "processing", row("1", "a", 3))
        await_status(settings, "3", "rejected")
        case = wait_for("a case", lambda: committed(settings, ORDER_CASES))[-1].record
        assert (case["missing"], case["owner"], case["state"]) == (3, "stock-desk", "open")
        shop.publish(REFERENCE, Alias("shop", "sku", "", "a", 1))
        repaired = await_status(settings, "1", "confirmed")
        assert repaired["lines"][0]["sku"] == "a"
    kinds = {r.record["kind"] for r in committed(settings, EXCEPTIONS)}
    assert kinds == {"missing_sku_mapping"}
    assert committed(settings, ORDER_JOURNAL)


def test_a_case_is_handed_over_and_closed_by_command(settings: Settings) -> None:
    sender, shop = Sender(settings), Shop(settings)
    stock(sender, "a", 1)
    with ledger(settings), running(run, settings):
        shop.tell("1", "processing", row("1", "a", 3))
        await_status(settings, "1", "rejected")
        (case,) = stockfold_json(settings, "cases", "list")
        name = case["case"]
        told = stockfold(settings, "cases", "assign", name, "ada", "--dry-run")
        assert told.startswith("would assign case")
        stockfold(settings, "cases", "assign", name, "ada", "--yes", "--by", "ops")
        wait_for("ada", lambda: stockfold_json(settings, "cases", "list", "--owner", "ada"))
        stockfold(settings, "cases", "close", name, "--reason", "substitute", "--yes")
        wait_for("no open case", lambda: stockfold_json(settings, "cases", "list") == [])
        shop.tell("2", "processing", row("1", "a", 1))
        await_status(settings, "2", "confirmed")
        told = ("orders", "review", "shop", "2")
        stockfold(settings, *told, "refused", "--reason", "payment_withdrawn", "--yes")
        stopped = await_status(settings, "2", "released")
        assert stopped["reason"] == "payment_withdrawn"
        stockfold(settings, *told, "cleared", "--reason", "paid again", "--yes")
        await_status(settings, "2", "confirmed")
    assert "confirmed" in stockfold(settings, "orders", "show", "shop", "2")
    shown = stockfold_json(settings, "cases", "show", name)
    assert (shown["case"]["state"], shown["case"]["owner"], shown["order"]["status"]) == (
        "closed",
        "ada",
        "rejected",
    )
    commands = {entry["command"] for entry in stockfold_json(settings, "audit", "list")}
    assert commands == {"cases assign", "cases close", "orders review"}


def test_an_order_without_a_tax_code_goes_on_once_the_desk_has_corrected_it(
    settings: Settings,
) -> None:
    sender, shop = Sender(settings), Shop(settings)
    stock(sender, "a", 5)
    with ledger(settings), running(run, settings):
        shop.tell("1", "processing", row("1", "a", 2, taxes=[{"code": "", "rate_ppm": 190_000}]))
        suspended = await_status(settings, "1", "suspended")
        assert suspended["reason"] == "missing_tax_code"
        (raised,) = stockfold_json(settings, "exceptions", "list")
        lines = json.dumps([row("1", "a", 2, taxes=[{"code": "DE-19", "rate_ppm": 190_000}])])
        stockfold(
            settings,
            *("exceptions", "correct", raised["place"], "--set", f"lines={lines}"),
            *("--reason", "tax code", "--yes"),
        )
        await_status(settings, "1", "confirmed")
