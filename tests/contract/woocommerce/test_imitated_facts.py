"""Facts that a real shop cannot be made to show through its REST interface alone.

They were measured on one, or read in its source; here the imitation is held to them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Fault, Shop
from tests.support.woo_shop.webhooks import Delivery

pytestmark = pytest.mark.imitated


def shop(**options: Any) -> WooClient:
    woo = WooClient(Shop(**options))
    woo.shop.add_products(["A", "B"], 10)
    return woo


async def hooked(topic: str = "order.updated") -> WooClient:
    woo = shop()
    body = {"topic": topic, "delivery_url": "https://hook.test/", "secret": "hush"}
    told = await woo.post("webhooks", body)
    assert told.status_code == 201
    assert "secret" not in told.json()
    return woo


def delivered(woo: WooClient, status: int = 200) -> list[Delivery]:
    sent: list[Delivery] = []
    take: Callable[[Delivery], int] = lambda delivery: sent.append(delivery) or status  # noqa: E731
    woo.shop.webhooks.deliver(take)
    return sent


async def test_a_host_may_lower_the_limit_of_a_batch() -> None:
    woo = shop(batch_items_max=20)
    refused = await woo.post("products/batch", {"update": [{"id": 1}] * 21})
    assert refused.status_code == 413
    assert "more than 20 items" in refused.json()["message"]


async def test_a_batch_that_dies_leaves_a_prefix_applied() -> None:
    woo = shop()
    woo.shop.faults.queue.append(Fault("half", status=502))
    ids = [product.id for product in woo.shop.catalogue.products.values()]
    update = [{"id": number, "manage_stock": True, "stock_quantity": 3} for number in ids]
    assert (await woo.post("products/batch", {"update": update})).status_code == 502
    assert woo.shop.stock() == {"A": 3, "B": 10}


async def test_an_item_that_does_not_change_costs_a_write_like_any_other() -> None:
    woo = shop()
    number = woo.shop.catalogue.ids_of_sku["A"][0]
    await woo.update({"id": number, "manage_stock": True, "stock_quantity": 10})
    assert (woo.shop.stats.items_written, woo.shop.stats.items_unchanged) == (1, 1)


async def test_skus_are_not_unique_in_every_shop() -> None:
    woo = shop()
    woo.shop.add_products(["A"])
    assert [row["sku"] for row in (await woo.get("products", sku="A")).json()] == ["A", "A"]


async def test_8_9_does_not_list_the_variations_of_all_products() -> None:
    told = await shop(version="8.9.3").get("variations")
    assert (told.status_code, told.json()["code"]) == (404, "rest_no_route")


async def test_a_key_that_may_only_read_is_refused_a_batch_of_nothing() -> None:
    told = await shop(permissions="read").post("products/batch", {"update": []})
    assert (told.status_code, told.json()["code"]) == (401, "woocommerce_rest_authentication_error")


async def test_what_is_in_the_bin_is_not_listed() -> None:
    woo = shop()
    woo.shop.catalogue.add("T", status="trash")
    assert {row["sku"] for row in (await woo.get("products")).json()} == {"A", "B"}


async def test_a_new_webhook_is_pinged_with_a_form_and_without_a_signature() -> None:
    (ping,) = delivered(await hooked())
    assert ping.body == b"webhook_id=1"
    assert ping.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "x-wc-webhook-signature" not in ping.headers


async def test_deliveries_are_signed_with_a_hash_of_the_raw_body() -> None:
    woo = await hooked()
    woo.shop.sell("A")
    told = delivered(woo)[-1]
    digest = hmac.new(b"hush", told.body, hashlib.sha256).digest()
    assert told.headers["x-wc-webhook-signature"] == base64.b64encode(digest).decode()
    assert {"x-wc-webhook-topic", "x-wc-webhook-id", "x-wc-webhook-delivery-id"} <= {*told.headers}


async def test_two_deliveries_of_one_webhook_in_one_second_share_their_id() -> None:
    woo = WooClient(Shop(now_s=lambda: 1_800_000_000.0))
    woo.shop.add_products(["A"], 10)
    body = {"topic": "order.updated", "delivery_url": "https://hook.test/", "secret": "hush"}
    await woo.post("webhooks", body)
    woo.shop.sell("A")
    woo.shop.sell("A")
    ids = [told.headers["x-wc-webhook-delivery-id"] for told in delivered(woo)[1:]]
    assert len(ids) == 2
    assert len(set(ids)) == 1


async def test_a_delivery_says_how_the_order_is_when_it_goes_out_and_waits_only_once() -> None:
    woo = await hooked()
    placed = woo.shop.sell("A", status="pending")
    for status in ("processing", "completed"):
        await woo.put(f"orders/{placed.id}", {"status": status})
    assert [json.loads(told.body)["status"] for told in delivered(woo)[1:]] == ["completed"]


async def test_a_refund_updates_its_order() -> None:
    woo = await hooked()
    placed = woo.shop.sell("A")
    delivered(woo)
    await woo.post(f"orders/{placed.id}/refunds", {"line_items": []})
    assert [json.loads(told.body)["id"] for told in delivered(woo)] == [placed.id]


async def test_after_seven_failures_in_a_row_a_webhook_is_disabled_and_none_is_repeated() -> None:
    woo = await hooked()
    statuses = []
    for _ in range(8):
        woo.shop.sell("A")
        delivered(woo, 500)
        statuses.append(woo.shop.webhooks.hooks[1].status)
    assert statuses == ["active"] * 6 + ["disabled"] * 2
    assert woo.shop.webhooks.pending == []
