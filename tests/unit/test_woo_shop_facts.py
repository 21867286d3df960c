"""Facts of WooCommerce that the adapter leans on, and the other tests of the shop do not show."""

from __future__ import annotations

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Shop


@pytest.fixture
def woo() -> WooClient:
    return WooClient(Shop())


async def test_with_stock_management_off_in_the_shop_no_product_shows_as_managed(
    woo: WooClient,
) -> None:
    (product,) = woo.shop.add_products(["A"], 5)
    woo.shop.catalogue.manage_stock_option = False
    (answer,) = await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": 7})
    assert answer["manage_stock"] is False
    setting = await woo.get("settings/products/woocommerce_manage_stock")
    assert setting.json()["value"] == "no"


async def test_metadata_written_by_key_is_kept_once_and_echoed(woo: WooClient) -> None:
    (product,) = woo.shop.add_products(["A"])
    for value in ("1", "2"):
        item = {"id": product.id, "meta_data": [{"key": "lead", "value": value}]}
        (answer,) = await woo.update(item)
    assert [(m["key"], m["value"]) for m in answer["meta_data"]] == [("lead", "2")]


async def test_an_unchanged_item_costs_a_write_like_any_other(woo: WooClient) -> None:
    (product,) = woo.shop.add_products(["A"], 5)
    await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": 5})
    assert (woo.shop.stats.items_written, woo.shop.stats.items_unchanged) == (1, 1)
