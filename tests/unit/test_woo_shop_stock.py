"""What tests and demos rely on in the shop beside the facts of ``tests/contract``."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Shop


@pytest.fixture
def woo() -> WooClient:
    return WooClient(Shop())


async def test_a_variation_is_unknown_under_another_parent(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V"])
    other = woo.shop.add_variations("Q", ["W"])
    (variation,) = woo.shop.catalogue.children[parent.id]
    (answer,) = await woo.update({"id": variation, "stock_quantity": 4}, parent=other.id)
    assert answer["error"]["code"] == "woocommerce_rest_product_variation_invalid_id"


async def test_overlapping_batches_end_mixed(woo: WooClient) -> None:
    products = woo.shop.add_products([f"S{n}" for n in range(40)])
    woo.shop.item_written_s = 0.0005

    def batch(quantity: int) -> list[dict[str, object]]:
        row = products if quantity == 1 else products[::-1]
        return [{"id": p.id, "manage_stock": True, "stock_quantity": quantity} for p in row]

    await asyncio.gather(woo.update(*batch(1)), woo.update(*batch(2)))
    assert set(woo.shop.stock().values()) == {1, 2}


async def test_tens_of_thousands_of_products_are_read_out_in_one_look() -> None:
    shop = Shop()
    shop.add_products((f"S{n}" for n in range(30_000)), quantity=4)
    assert len(shop.stock()) == 30_000
    assert shop.stock(["S1", "S29999"]) == {"S1": 4, "S29999": 4}
