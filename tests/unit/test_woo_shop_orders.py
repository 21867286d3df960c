"""What the shop's orders do beside the facts of ``tests/contract``."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Shop


@pytest.fixture
def woo() -> WooClient:
    woo = WooClient(Shop())
    woo.shop.add_products(["A"], 10)
    return woo


async def order(woo: WooClient, status: str, quantity: int = 3) -> dict[str, Any]:
    product_id = woo.shop.catalogue.ids_of_sku["A"][0]
    lines = [{"product_id": product_id, "quantity": quantity}]
    response = await woo.post("orders", {"status": status, "line_items": lines})
    assert response.status_code == 201, response.text
    return response.json()


async def change(woo: WooClient, placed: dict[str, Any], status: str) -> dict[str, Any]:
    return (await woo.put(f"orders/{placed['id']}", {"status": status})).json()


async def test_an_order_of_a_variation_takes_its_stock(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V"], 5)
    (variation,) = woo.shop.catalogue.children[parent.id]
    lines = [{"product_id": parent.id, "variation_id": variation, "quantity": 2}]
    placed = (await woo.post("orders", {"status": "processing", "line_items": lines})).json()
    assert placed["line_items"][0]["product_id"] == parent.id
    assert placed["line_items"][0]["variation_id"] == variation
    assert woo.shop.stock(["V"]) == {"V": 3}


async def test_orders_are_listed_by_when_they_changed() -> None:
    now = [1_700_000_000.0]
    shop = Shop(now_s=lambda: now[0])
    woo = WooClient(shop)
    shop.add_products(["A"], 10)
    shop.sell("A")
    now[0] += 60
    late = shop.sell("A")
    after = {"modified_after": "2023-11-14T22:13:30"}
    listed = (await woo.get("orders", dates_are_gmt="true", **after)).json()
    assert [entry["id"] for entry in listed] == [late.id]
    # Without being told so, the shop takes a date as its own zone's.
    assert len((await woo.get("orders", **after)).json()) == 2


async def test_refunded_units_come_back_only_on_request(woo: WooClient) -> None:
    placed = await order(woo, "processing")
    line = placed["line_items"][0]["id"]
    for restock, stock in ((False, 7), (True, 8)):
        body = {"line_items": [{"id": line, "quantity": 1}], "restock_items": restock}
        assert (await woo.post(f"orders/{placed['id']}/refunds", body)).status_code == 201
        assert woo.shop.stock() == {"A": stock}
    shown = (await woo.get(f"orders/{placed['id']}")).json()
    meta = {entry["key"]: entry["value"] for entry in shown["line_items"][0]["meta_data"]}
    assert meta == {"_reduced_stock": "2", "_restock_refunded_items": "1"}


async def test_an_edited_line_moves_the_difference(woo: WooClient) -> None:
    placed = await order(woo, "processing")
    lines = [{"id": placed["line_items"][0]["id"], "quantity": 5}]
    await woo.put(f"orders/{placed['id']}", {"line_items": lines})
    assert woo.shop.stock() == {"A": 5}
    await change(woo, placed, "cancelled")
    assert woo.shop.stock() == {"A": 10}


async def test_an_order_in_the_bin_is_listed_there_alone(woo: WooClient) -> None:
    placed = await order(woo, "processing")
    woo.shop.orders.trash(placed["id"], woo.shop.now_us())
    assert (await woo.get("orders")).json() == []
    (trashed,) = (await woo.get("orders", status="trash")).json()
    assert trashed["status"] == "trash"
    woo.shop.orders.delete(placed["id"])
    gone = await woo.get(f"orders/{placed['id']}")
    assert gone.json()["code"] == "woocommerce_rest_shop_order_invalid_id"
