"""Webhooks of shops on a real Kafka: taken means that Kafka has them; hostile ones are refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import webhook_shop
from tests.support.gateway import gateway
from tests.support.kafka_io import committed
from tests.support.webhook_shop import SECRET, newest, post, told
from tests.support.woo_orders import PERSONAL, order
from tests.support.woo_shop import Shop

from stockfold.channels.signatures import signature
from stockfold.contracts.topics import ORDER_SWEEPS, ORDERS
from stockfold.runtime.embedded import ports
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

PATH = "/v1/webhooks/woo-de"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Settings:
    return webhook_shop.with_channels(
        new_environment(kafka={"order_partitions": 1}),
        webhook_shop.channel("http://127.0.0.1:9", old_webhook_secret="before"),
        webhook_shop.channel("http://127.0.0.1:9", "silent", webhook_secret=None),
        webhook_shop.shopify(),
    )


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[httpx.Client]:
    with gateway(settings, webhook_bytes_max=65_536) as client:
        yield client


@pytest.fixture
def shop(client: httpx.Client) -> Shop:
    shop = webhook_shop.hooked(client)
    # Ids of their own for every test: they share one Kafka.
    shop.orders._next_order = next(_IDS)
    return shop


_IDS = iter(range(1_000, 1_000_000, 1_000))


def signed(body: bytes, secret: str = SECRET, **headers: str) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {
        "content-type": "application/json",
        "x-wc-webhook-topic": "order.updated",
        "x-wc-webhook-signature": signature(body, secret),
        **named,
    }


def count(settings: Settings) -> int:
    return len(webhook_shop.orders(settings)) + len(committed(settings, ORDER_SWEEPS))


def test_an_order_is_told_as_it_goes_through_its_life(
    settings: Settings, client: httpx.Client, shop: Shop
) -> None:
    placed = shop.sell("A", 3, "pending")
    for status in ("pending", "processing", "completed"):
        shop.orders.set_status(placed.id, status, shop.now_us())
        assert set(shop.webhooks.deliver(lambda delivery: post(client, delivery))) == {200}
    found = newest(settings, str(placed.id))
    assert (found["status"], found["accepted"]) == ("completed", True)
    (line,) = found["lines"]
    assert (line["code"], line["quantity"], line["shipped"]) == ("A", 3, 3)
    pending = told(settings, str(placed.id))[0]
    assert (pending["status"], pending["accepted"]) == ("pending", False)
    assert pending["hold_until"] == pending["occurred_at"] + 3_600_000_000


def test_a_ping_is_answered_with_exactly_200_and_tells_nothing(
    settings: Settings, client: httpx.Client
) -> None:
    before = count(settings)
    answer = client.post(PATH, content=b"webhook_id=7", headers=FORM)
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})
    assert count(settings) == before


def test_the_same_state_told_by_any_delivery_is_one_event(
    settings: Settings, client: httpx.Client, shop: Shop
) -> None:
    placed = shop.sell("A")
    deliveries = [shop.webhooks.build(hook, placed.id) for hook in (1, 2, 1, 3)]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda one: post(client, one), deliveries)) == {200}
    assert {post(client, one) for one in deliveries} == {200}
    found = told(settings, str(placed.id))
    assert {row["revision"] for row in found} == {found[0]["revision"]}
    again = len(found)
    post(client, deliveries[0])
    assert len(told(settings, str(placed.id))) == again


def test_two_states_of_one_delivery_id_are_two_events(
    settings: Settings, client: httpx.Client, shop: Shop
) -> None:
    placed = shop.sell("A", 1, "pending")
    first = shop.webhooks.build(2, placed.id)
    shop.orders.set_status(placed.id, "processing", shop.now_us())
    second = shop.webhooks.build(2, placed.id)
    second.headers["x-wc-webhook-delivery-id"] = first.headers["x-wc-webhook-delivery-id"]
    for delivery in (second, first):
        assert post(client, delivery) == 200
    assert newest(settings, str(placed.id))["status"] == "processing"
    assert len(told(settings, str(placed.id))) == 2


def test_a_deletion_is_a_question_for_the_shop_and_no_order(
    settings: Settings, client: httpx.Client, shop: Shop
) -> None:
    placed = shop.sell("A")
    shop.webhooks.deliver(lambda delivery: 200)
    shop.orders.trash(placed.id, shop.now_us())
    assert shop.webhooks.deliver(lambda delivery: post(client, delivery)) == [200]
    assert told(settings, str(placed.id)) == []
    asked = [read.record for read in committed(settings, ORDER_SWEEPS)]
    assert [row["order"] for row in asked if row["order"] == str(placed.id)] == [str(placed.id)]


def test_a_quantity_that_cannot_be_counted_is_left_to_the_orders_service(
    settings: Settings, client: httpx.Client
) -> None:
    told_ = order(id=501)
    told_["line_items"][0]["quantity"] = 1.5
    body = json.dumps(told_).encode()
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 200
    assert newest(settings, "501")["lines"][0]["quantity"] == -1


def test_no_personal_data_reaches_kafka(settings: Settings, client: httpx.Client) -> None:
    body = json.dumps(order(id=502)).encode()
    assert client.post(PATH, content=body, headers=signed(body)).status_code == 200
    reader = PartitionReader(settings)
    raw = b"".join(
        (message.value() or b"") + repr(message.headers()).encode()
        for partition in range(settings.kafka.order_partitions)
        for batch in reader.read(ORDERS, partition)
        for message in batch
    )
    assert b"woo-de" in raw
    for value in (*PERSONAL.values(), "203.0.113.9"):
        assert value.encode() not in raw


def test_the_secret_before_holds_while_it_is_replaced(client: httpx.Client) -> None:
    body = json.dumps(order(id=503)).encode()
    assert client.post(PATH, content=body, headers=signed(body, "before")).status_code == 200


def test_other_topics_are_none_of_ours(settings: Settings, client: httpx.Client) -> None:
    before = count(settings)
    for topic in ("product.updated", "customer.created"):
        body = b'{"id":9}'
        answer = client.post(PATH, content=body, headers=signed(body, x_wc_webhook_topic=topic))
        assert (answer.status_code, answer.json()) == (200, {"status": "ignored"})
    assert count(settings) == before


def test_while_kafka_is_away_an_order_is_not_taken_and_a_ping_is_still_answered(
    settings: Settings,
) -> None:
    nowhere = f"127.0.0.1:{ports.free_port()}"
    kafka = settings.kafka.model_copy(update={"bootstrap": nowhere})
    with gateway(settings.model_copy(update={"kafka": kafka}), ready=False) as client:
        body = json.dumps(order(id=504)).encode()
        for _ in range(2):
            answer = client.post(PATH, content=body, headers=signed(body))
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert client.post(PATH, content=b"webhook_id=7", headers=FORM).status_code == 200
    assert told(settings, "504") == []


# Shopify.


def test_shopifys_orders_are_told_the_same_way(settings: Settings, client: httpx.Client) -> None:
    body = json.dumps(
        {
            "id": 820,
            "email": "erika@example.org",
            "created_at": "2026-11-25T04:59:00-05:00",
            "updated_at": "2026-11-25T05:00:07-05:00",
            "financial_status": "paid",
            "line_items": [{"id": 466, "sku": "A", "quantity": 3}],
        }
    ).encode()
    headers = {
        "content-type": "application/json",
        "x-shopify-topic": "orders/create",
        "x-shopify-hmac-sha256": signature(body, SECRET),
    }
    path = "/v1/webhooks/shopify-us"
    assert client.post(path, content=body, headers=headers).json() == {"status": "taken"}
    forged = {**headers, "x-shopify-hmac-sha256": signature(body, "other")}
    assert client.post(path, content=body, headers=forged).status_code == 401
    assert client.post(path, content=b"webhook_id=7", headers=FORM).status_code == 401
    found = newest(settings, "820", "shopify-us")
    assert (found["status"], found["lines"][0]["quantity"]) == ("processing", 3)


# Hostile input: refused, told why, and nothing half taken.


def refused(client: httpx.Client, status: int, body: bytes, headers: dict[str, str]) -> str:
    answer = client.post(PATH, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_what_is_not_signed_with_the_secret_is_refused(
    settings: Settings, client: httpx.Client
) -> None:
    before = count(settings)
    body = json.dumps(order()).encode()
    good = signed(body)
    for given in ("", "x", signature(body, "other"), signature(body + b" ", SECRET), "\xe9" * 44):
        told_ = {**good, "x-wc-webhook-signature": given}
        raw = [(k.encode(), v.encode("latin-1")) for k, v in told_.items()]
        answer = client.post(PATH, content=body, headers=raw)
        assert answer.status_code == 401
    without = {k: v for k, v in good.items() if k != "x-wc-webhook-signature"}
    detail = refused(client, 401, body, without)
    assert SECRET not in detail
    refused(client, 401, b"webhook_id=7&x=1", FORM)
    assert count(settings) == before


@pytest.mark.parametrize("name", ["silent", "nobody", "woo-de%00", "..%2Fkeys"])
def test_channels_that_take_no_webhooks_are_not_there(client: httpx.Client, name: str) -> None:
    body = json.dumps(order()).encode()
    answer = client.post(f"/v1/webhooks/{name}", content=body, headers=signed(body))
    assert answer.status_code == 404


def test_what_is_signed_but_no_order_is_told_and_takes_nothing(
    settings: Settings, client: httpx.Client
) -> None:
    before = count(settings)
    for body in (
        b"{",
        b"\xff\xfe\x00",
        json.dumps(order(), ensure_ascii=False).encode("utf-16"),
        json.dumps(order(customer_note="Straße"), ensure_ascii=False).encode("latin-1"),
        b"[" * 60_000,
        b'{"id":1,"line_items":' + b'{"a":' * 9_000,
        b'{"id":1e400,"status":"processing"}',
        b"webhook_id=7",
    ):
        assert refused(client, 422, body, signed(body))
    assert count(settings) == before


@pytest.mark.parametrize("told_length", [True, False])
def test_more_than_its_limit_is_not_read(client: httpx.Client, told_length: bool) -> None:
    body = json.dumps(order(customer_note="x" * 70_000)).encode()

    def parts() -> Iterator[bytes]:
        yield from (body[at : at + 8_192] for at in range(0, len(body), 8_192))

    content: Any = body if told_length else parts()
    answer = client.post(PATH, content=content, headers=signed(body))
    assert answer.status_code == 413


def test_a_packed_body_is_not_unpacked(client: httpx.Client) -> None:
    body = json.dumps(order()).encode()
    refused(client, 415, body, signed(body, content_encoding="gzip"))


def test_a_sender_that_stops_within_its_body_holds_up_nobody(
    settings: Settings, client: httpx.Client, shop: Shop
) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nhost: here\r\ncontent-length: 60000\r\n\r\n"
    slow = [
        socket.create_connection((client.base_url.host, client.base_url.port)) for _ in range(20)
    ]
    try:
        for one in slow:
            one.sendall(head.encode() + b'{"id":')
        placed = shop.sell("B")
        shop.webhooks.pings.clear()
        assert set(shop.webhooks.deliver(lambda delivery: post(client, delivery))) == {200}
        assert newest(settings, str(placed.id))["status"] == "processing"
    finally:
        for one in slow:
            one.close()
