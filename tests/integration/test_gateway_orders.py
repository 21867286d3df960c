"""Events about orders over HTTP: taken for the orders service, within what a key may send."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold_json
from tests.support.gateway import BATCH, NOW, STRUCTURED, gateway
from tests.support.kafka_io import committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts import envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTIONS, ORDER_STATUS, ORDERS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold_services.orders.main import run

pytestmark = pytest.mark.integration


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(locations=[{"name": "DC"}], orders={"retry_s": 0.05, "attempts_max": 2})


def told(name: str, order: str, channel: str = "shop", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "source": "/fraud/desk",
        "type": f"stockfold.{name}",
        "time": NOW,
        "data": {"channel": channel, "order": order, "occurred_at": NOW, **data},
    }


def review(order: str, verdict: str = "refused", **more: Any) -> dict[str, Any]:
    return told("OrderReviewed", order, verdict=verdict, reason="fraud_suspected", **more)


def changed(order: str) -> dict[str, Any]:
    lines = [{"line": "1", "code": "A", "quantity": 2}]
    return told("OrderChanged", order, revision=1, status="processing", accepted=False, lines=lines)


def post(client: httpx.Client, body: Any, token: str = "") -> httpx.Response:
    kind = BATCH if isinstance(body, list) else STRUCTURED
    more = {"authorization": f"Bearer {token}"} if token else {}
    return client.post("/v1/events", json=body, headers={"content-type": kind, **more})


def status_of(settings: Settings, order: str) -> str:
    found = [r.record for r in committed(settings, ORDER_STATUS) if r.record["order"] == order]
    return str(found[-1]["status"]) if found else ""


def test_a_review_over_http_stops_an_order_and_lets_it_go_on(settings: Settings) -> None:
    with gateway(settings) as client, ledger(settings), running(run, settings):
        stock = {"sku": "A", "location": "DC", "quantity": 5}
        receipt = told("GoodsReceived", "-") | {"data": stock, "id": "grn-1"}
        assert post(client, receipt).status_code == 202
        taken = post(client, changed("o/1"))
        assert taken.status_code == 202
        assert taken.json() == {
            "id": "OrderChanged/shop/o%2F1/1",
            "source": "/fraud/desk",
            "type": "stockfold.OrderChanged",
            "channel": "shop",
            "order": "o/1",
        }
        wait_for("its units", lambda: status_of(settings, "o/1") == "confirmed")
        assert post(client, review("o/1")).status_code == 202
        wait_for("its end", lambda: status_of(settings, "o/1") == "released")
        later = "2026-11-20T12:00:01Z"
        cleared = review("o/1", "cleared", occurred_at=later)
        assert post(client, [cleared, review("o/1"), cleared]).status_code == 202
        wait_for("its units again", lambda: status_of(settings, "o/1") == "confirmed")


def test_what_makes_no_sense_of_an_order_is_told_at_once(environment: Settings) -> None:
    with gateway(environment) as client:
        refused = post(client, review("o1", "maybe"))
        assert (refused.status_code, refused.headers["content-type"]) == (
            422,
            "application/problem+json",
        )
        assert refused.json()["problems"][0]["path"] == "$.data.verdict"
        mixed = post(client, [review("o1"), review("a|b"), review("o1", "unknown")])
        assert mixed.status_code == 207
        kinds = [r.get("problems", [{"kind": ""}])[0]["kind"] for r in mixed.json()["results"]]
        assert kinds == ["", "bad_identifier", "unknown_status"]
    [read] = committed(environment, ORDERS)
    assert read.key == b"shop|o1"


def test_a_key_reviews_only_what_it_may(environment: Settings) -> None:
    scope = ("--source", "/fraud/desk", "--type", "OrderReviewed", "--channel", "shop")
    token = stockfold_json(environment, "keys", "create", "fraud", *scope, "--yes")["token"]
    with gateway(environment) as client:
        wait_for("the keys", lambda: post(client, review("o1"), token).status_code == 202)
        for wrong in (review("o2", channel="other"), changed("o2")):
            refused = post(client, wrong, token)
            assert (refused.status_code, refused.json()["title"]) == (403, "Not allowed")
        assert post(client, review("o2")).status_code == 401
    assert {read.key for read in committed(environment, ORDERS)} == {b"shop|o1"}


def test_an_order_is_told_as_json_on_kafka_too(settings: Settings) -> None:
    with ledger(settings), running(run, settings):
        producer = Producer(confluent_config(settings))
        now_us = SYSTEM_CLOCK.now_us()
        for name, kind in (("o1", b"application/json"), ("o2", b"text/plain")):
            headers = envelope.build(
                envelope.Envelope(name, "/shop", "stockfold.OrderChanged", now_us)
            )
            value = json.dumps(changed(name)["data"]).encode()
            topic = ORDERS.full_name(settings.prefix)
            key = f"shop|{name}".encode()
            number = partition_of(key, settings.kafka.order_partitions)
            headers.append(("content-type", kind))
            producer.produce(topic, value, key, number, headers=[*headers])
        assert producer.flush(10) == 0
        wait_for("an answer", lambda: status_of(settings, "o1") == "rejected")
        wait_for("an exception", lambda: committed(settings, EXCEPTIONS))
    kinds = [read.record["kind"] for read in committed(settings, EXCEPTIONS)]
    assert kinds == ["unsupported_content_type"]
