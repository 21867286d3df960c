"""How the demo shop's orders move stock: one test per status."""

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


def reduced(shown: dict[str, Any]) -> list[str]:
    return [m["value"] for m in shown["line_items"][0]["meta_data"] if m["key"] == "_reduced_stock"]


async def test_pending_leaves_stock_alone(woo: WooClient) -> None:
    assert reduced(await order(woo, "pending")) == []
    assert woo.shop.stock() == {"A": 10}


@pytest.mark.parametrize("status", ["on-hold", "processing", "completed"])
async def test_an_accepted_order_reduces_stock_and_remembers_it(
    woo: WooClient, status: str
) -> None:
    assert reduced(await order(woo, status)) == ["3"]
    assert woo.shop.stock() == {"A": 7}


async def test_stock_is_reduced_once_however_the_order_moves_on(woo: WooClient) -> None:
    placed = await order(woo, "on-hold")
    for status in ("processing", "completed"):
        placed = await change(woo, placed, status)
    assert woo.shop.stock() == {"A": 7}


@pytest.mark.parametrize("status", ["cancelled", "pending"])
async def test_cancelled_and_back_to_pending_restore_what_was_taken(
    woo: WooClient, status: str
) -> None:
    placed = await order(woo, "processing")
    assert reduced(await change(woo, placed, status)) == []
    assert woo.shop.stock() == {"A": 10}
    await change(woo, placed, "cancelled")
    assert woo.shop.stock() == {"A": 10}


@pytest.mark.parametrize("status", ["failed", "refunded"])
async def test_failed_and_refunded_leave_stock_reduced(woo: WooClient, status: str) -> None:
    placed = await order(woo, "processing")
    await change(woo, placed, status)
    assert woo.shop.stock() == {"A": 7}


async def test_an_order_may_drive_stock_negative(woo: WooClient) -> None:
    await order(woo, "processing", 12)
    assert woo.shop.stock() == {"A": -2}


async def test_an_order_of_a_variation_takes_its_stock(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V"], 5)
    (variation,) = woo.shop.catalogue.children[parent.id]
    lines = [{"product_id": parent.id, "variation_id": variation, "quantity": 2}]
    placed = (await woo.post("orders", {"status": "processing", "line_items": lines})).json()
    assert placed["line_items"][0]["product_id"] == parent.id
    assert placed["line_items"][0]["variation_id"] == variation
    assert woo.shop.stock(["V"]) == {"V": 3}


async def test_an_unmanaged_product_is_sold_without_a_trace(woo: WooClient) -> None:
    woo.shop.catalogue.add("U", manage_stock=False)
    placed = woo.shop.sell("U")
    assert placed.lines[0].reduced == 0


async def test_orders_are_listed_by_when_they_changed() -> None:
    now = [1_700_000_000.0]
    shop = Shop(now_s=lambda: now[0])
    woo = WooClient(shop)
    shop.add_products(["A"], 10)
    shop.sell("A")
    now[0] += 60
    late = shop.sell("A")
    listed = (await woo.get("orders", modified_after="2023-11-14T22:13:30")).json()
    assert [entry["id"] for entry in listed] == [late.id]
