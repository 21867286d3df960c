"""What the demo shop makes of stock writes: one test per fact of WooCommerce."""

from __future__ import annotations

import asyncio

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Shop


@pytest.fixture
def woo() -> WooClient:
    return WooClient(Shop())


async def test_a_batch_sets_each_product_and_echoes_it_at_its_index(woo: WooClient) -> None:
    a, b = woo.shop.add_products(["A", "B"])
    items = await woo.update(
        {"id": b.id, "manage_stock": True, "stock_quantity": 7},
        {"id": a.id, "manage_stock": True, "stock_quantity": 3},
    )
    assert [(i["id"], i["stock_quantity"]) for i in items] == [(b.id, 7), (a.id, 3)]
    assert woo.shop.stock() == {"A": 3, "B": 7}


async def test_more_than_a_hundred_items_are_413_and_nothing_is_applied(woo: WooClient) -> None:
    products = woo.shop.add_products([f"S{n}" for n in range(101)])
    update = [{"id": p.id, "manage_stock": True, "stock_quantity": 9} for p in products]
    response = await woo.post("products/batch", {"update": update})
    assert response.status_code == 413
    assert response.json()["code"] == "woocommerce_rest_request_entity_too_large"
    assert set(woo.shop.stock().values()) == {0}


async def test_a_host_may_lower_the_limit_of_a_batch() -> None:
    woo = WooClient(Shop(batch_items_max=20))
    response = await woo.post("products/batch", {"update": [{"id": 1}] * 21})
    assert response.status_code == 413


async def test_one_bad_item_fails_alone_inside_a_200(woo: WooClient) -> None:
    a, b = woo.shop.add_products(["A", "B"])
    items = await woo.update(
        {"id": a.id, "manage_stock": True, "stock_quantity": 1},
        {"id": 999_999, "manage_stock": True, "stock_quantity": 2},
        {"id": b.id, "manage_stock": True, "stock_quantity": 3},
    )
    assert items[1]["id"] == 999_999
    assert items[1]["error"]["code"] == "woocommerce_rest_product_invalid_id"
    assert woo.shop.stock() == {"A": 1, "B": 3}


async def test_a_variation_in_the_products_batch_is_an_error_of_its_item(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V"])
    (variation,) = woo.shop.catalogue.children[parent.id]
    item = {"id": variation, "manage_stock": True, "stock_quantity": 4}
    (answer,) = await woo.update(item)
    assert answer["error"]["code"] == "woocommerce_rest_invalid_product_id"
    assert answer["error"]["data"]["status"] == 404
    (answer,) = await woo.update(item, parent=parent.id)
    assert answer["stock_quantity"] == 4


async def test_a_variation_is_unknown_under_another_parent(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V"])
    other = woo.shop.add_variations("Q", ["W"])
    (variation,) = woo.shop.catalogue.children[parent.id]
    (answer,) = await woo.update({"id": variation, "stock_quantity": 4}, parent=other.id)
    assert answer["error"]["code"] == "woocommerce_rest_product_variation_invalid_id"


async def test_a_quantity_without_manage_stock_is_blanked_on_an_unmanaged_product(
    woo: WooClient,
) -> None:
    product = woo.shop.catalogue.add("A", manage_stock=False)
    (answer,) = await woo.update({"id": product.id, "stock_quantity": 7})
    assert answer["stock_quantity"] is None
    assert answer["manage_stock"] is False
    (answer,) = await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": 7})
    assert answer["stock_quantity"] == 7


async def test_with_stock_management_off_in_the_shop_only_the_status_changes(
    woo: WooClient,
) -> None:
    (product,) = woo.shop.add_products(["A"], 5)
    woo.shop.catalogue.manage_stock_option = False
    (answer,) = await woo.update(
        {"id": product.id, "manage_stock": True, "stock_quantity": 7, "stock_status": "outofstock"}
    )
    assert answer["stock_quantity"] == 5
    assert answer["stock_status"] == "outofstock"


@pytest.mark.parametrize("kind", ["grouped", "external"])
async def test_grouped_and_external_products_never_manage_stock(woo: WooClient, kind: str) -> None:
    product = woo.shop.catalogue.add("A", type=kind)
    (answer,) = await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": 7})
    assert answer["manage_stock"] is False
    assert answer["stock_quantity"] is None


async def test_a_variation_without_stock_of_its_own_shows_its_parents(woo: WooClient) -> None:
    parent = woo.shop.catalogue.add("P", type="variable", stock_quantity=9)
    variation = woo.shop.catalogue.add(
        "V", type="variation", parent_id=parent.id, manage_stock=False
    )
    shown = (await woo.get(f"products/{parent.id}/variations/{variation.id}")).json()
    assert shown["manage_stock"] == "parent"
    assert shown["stock_quantity"] == 9


@pytest.mark.parametrize(
    ("sent", "kept", "status"),
    [("abc", 0, "outofstock"), (2.5, 2, "instock"), (-3, -3, "outofstock"), ("12", 12, "instock")],
)
async def test_nonsense_is_taken_without_a_word(
    woo: WooClient, sent: object, kept: int, status: str
) -> None:
    (product,) = woo.shop.add_products(["A"], 5)
    (answer,) = await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": sent})
    assert "error" not in answer
    assert answer["stock_quantity"] == kept
    assert answer["stock_status"] == status


async def test_the_quantity_overrules_the_status_that_is_sent(woo: WooClient) -> None:
    (product,) = woo.shop.add_products(["A"])
    item = {"id": product.id, "manage_stock": True, "stock_quantity": 0, "stock_status": "instock"}
    (answer,) = await woo.update(item)
    assert answer["stock_status"] == "outofstock"
    (answer,) = await woo.update({**item, "backorders": "yes"})
    assert answer["stock_status"] == "onbackorder"


async def test_overlapping_batches_end_mixed(woo: WooClient) -> None:
    products = woo.shop.add_products([f"S{n}" for n in range(40)])
    woo.shop.item_written_s = 0.0005

    def batch(quantity: int) -> list[dict[str, object]]:
        row = products if quantity == 1 else products[::-1]
        return [{"id": p.id, "manage_stock": True, "stock_quantity": quantity} for p in row]

    await asyncio.gather(woo.update(*batch(1)), woo.update(*batch(2)))
    assert set(woo.shop.stock().values()) == {1, 2}


async def test_an_absolute_write_erases_what_the_shop_sold_meanwhile(woo: WooClient) -> None:
    (product,) = woo.shop.add_products(["A"], 10)
    woo.shop.sell("A", 3)
    assert woo.shop.stock() == {"A": 7}
    await woo.update({"id": product.id, "manage_stock": True, "stock_quantity": 10})
    assert woo.shop.stock() == {"A": 10}


async def test_one_product_can_be_put(woo: WooClient) -> None:
    (product,) = woo.shop.add_products(["A"])
    body = {"manage_stock": True, "stock_quantity": 6}
    response = await woo.put(f"products/{product.id}", body)
    assert response.json()["stock_quantity"] == 6
    parent = woo.shop.add_variations("P", ["V"])
    (variation,) = woo.shop.catalogue.children[parent.id]
    response = await woo.put(f"products/{parent.id}/variations/{variation}", body)
    assert response.json()["stock_quantity"] == 6
    assert (await woo.put(f"products/{variation}", body)).status_code == 404


async def test_tens_of_thousands_of_products_are_read_out_in_one_look() -> None:
    shop = Shop()
    shop.add_products((f"S{n}" for n in range(30_000)), quantity=4)
    assert len(shop.stock()) == 30_000
    assert shop.stock(["S1", "S29999"]) == {"S1": 4, "S29999": 4}
