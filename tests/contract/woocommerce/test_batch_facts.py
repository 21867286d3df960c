"""How batches are taken: one test for each fact."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.woo_subject import Subject

NOBODY = 2_147_483_647


def stock(number: int, quantity: int) -> dict[str, Any]:
    return {"id": number, "manage_stock": True, "stock_quantity": quantity}


async def test_a_batch_sets_each_product_and_echoes_it_at_its_index(woo: Subject) -> None:
    a, b = await woo.simple(0), await woo.simple(0)
    shown = await woo.batch("products", stock(b["id"], 7), stock(a["id"], 3))
    assert [(s["id"], s["stock_quantity"]) for s in shown] == [(b["id"], 7), (a["id"], 3)]
    assert (await woo.quantity(a), await woo.quantity(b)) == (3, 7)


async def test_a_batch_of_variations_belongs_to_one_parent(woo: Subject) -> None:
    parent, *variations = await woo.variable(0, 0)
    items = [stock(variation["id"], n) for n, variation in enumerate(variations, 4)]
    shown = await woo.batch(f"products/{parent['id']}/variations", *items)
    assert [item["stock_quantity"] for item in shown] == [4, 5]


async def test_more_than_a_hundred_items_are_413_and_nothing_is_applied(woo: Subject) -> None:
    product = await woo.simple(5)
    update = [stock(product["id"], 9), *[stock(NOBODY, 9)] * 100]
    told = await woo.ask("POST", "products/batch", {"update": update})
    assert (told.status, told.code) == (413, "woocommerce_rest_request_entity_too_large")
    assert "100" in told.json["message"]
    assert await woo.quantity(product) == 5


async def test_a_hundred_items_are_taken(woo: Subject) -> None:
    answered = await woo.batch("products", *[stock(NOBODY, 9)] * 100)
    assert len(answered) == 100


async def test_one_bad_item_fails_alone_at_its_index_inside_a_200(woo: Subject) -> None:
    a, b = await woo.simple(0), await woo.simple(0)
    shown = await woo.batch("products", stock(a["id"], 1), stock(NOBODY, 2), stock(b["id"], 3))
    assert shown[1]["id"] == NOBODY
    assert shown[1]["error"]["code"] == "woocommerce_rest_product_invalid_id"
    assert isinstance(shown[1]["error"]["data"]["status"], int)
    assert (await woo.quantity(a), await woo.quantity(b)) == (1, 3)


async def test_a_variation_in_the_batch_of_products_is_an_error_of_its_item(woo: Subject) -> None:
    _, variation = await woo.variable(2)
    (shown,) = await woo.batch("products", stock(variation["id"], 4))
    assert shown["error"]["code"] == "woocommerce_rest_invalid_product_id"
    assert shown["error"]["data"]["status"] == 404


async def test_a_batch_of_nothing_is_answered_with_nothing(woo: Subject) -> None:
    told = await woo.ask("POST", "products/batch", {"update": []})
    assert (told.status, told.json) == (200, [])


async def test_batches_that_overlap_end_mixed_or_as_one_of_them(woo: Subject) -> None:
    products = [await woo.simple(0) for _ in range(12)]
    there = [stock(product["id"], 1) for product in products]
    back = [stock(product["id"], 2) for product in reversed(products)]
    await asyncio.gather(woo.batch("products", *there), woo.batch("products", *back))
    assert {await woo.quantity(product) for product in products} <= {1, 2}
