"""What a REST write makes of stock: one test for each fact."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.support.woo_subject import Subject


def stock(product: dict[str, Any], quantity: Any, **more: Any) -> dict[str, Any]:
    return {"id": product["id"], "manage_stock": True, "stock_quantity": quantity, **more}


async def test_put_sets_the_stock_of_a_simple_product_and_echoes_it(woo: Subject) -> None:
    product = await woo.simple(0)
    shown = await woo.put(f"products/{product['id']}", manage_stock=True, stock_quantity=6)
    assert (shown["stock_quantity"], shown["manage_stock"]) == (6, True)
    assert await woo.quantity(product) == 6


async def test_put_sets_the_stock_of_a_variation_under_its_parent(woo: Subject) -> None:
    parent, variation = await woo.variable(0)
    route = f"products/{parent['id']}/variations/{variation['id']}"
    assert (await woo.put(route, manage_stock=True, stock_quantity=6))["stock_quantity"] == 6
    assert (await woo.get(route)).json["stock_quantity"] == 6


async def test_a_quantity_without_manage_stock_is_blanked_on_an_unmanaged_product(
    woo: Subject,
) -> None:
    product = await woo.simple(None)
    assert product["manage_stock"] is False
    (shown,) = await woo.batch("products", {"id": product["id"], "stock_quantity": 7})
    assert "error" not in shown
    assert (shown["stock_quantity"], shown["manage_stock"]) == (None, False)


async def test_a_quantity_without_manage_stock_is_blanked_on_an_unmanaged_variation(
    woo: Subject,
) -> None:
    parent, variation = await woo.variable(None)
    item = {"id": variation["id"], "stock_quantity": 7}
    (shown,) = await woo.batch(f"products/{parent['id']}/variations", item)
    assert "error" not in shown
    assert (shown["stock_quantity"], shown["manage_stock"]) == (None, False)


async def test_a_quantity_with_manage_stock_is_kept_by_an_unmanaged_product(woo: Subject) -> None:
    product = await woo.simple(None)
    (shown,) = await woo.batch("products", stock(product, 7))
    assert (shown["stock_quantity"], shown["manage_stock"]) == (7, True)


async def test_a_grouped_product_never_manages_stock_and_says_nothing(woo: Subject) -> None:
    product = await woo.simple(None, type="grouped")
    (shown,) = await woo.batch("products", stock(product, 7))
    assert "error" not in shown
    assert (shown["stock_quantity"], shown["manage_stock"]) == (None, False)


async def test_an_external_product_refuses_to_manage_stock(woo: Subject) -> None:
    product = await woo.simple(None, type="external")
    (shown,) = await woo.batch("products", stock(product, 7))
    assert shown["error"]["code"] == "product_external_invalid_manage_stock"


async def test_a_variation_without_stock_of_its_own_shows_its_parents(woo: Subject) -> None:
    parent, variation = await woo.variable(None, manage_stock=True, stock_quantity=9)
    shown = (await woo.get(f"products/{parent['id']}/variations/{variation['id']}")).json
    assert (shown["stock_quantity"], shown["manage_stock"]) == (9, "parent")


@pytest.mark.parametrize(
    ("sent", "kept", "status"),
    [("abc", 0, "outofstock"), (2.5, 2, "instock"), (-3, -3, "outofstock"), ("12", 12, "instock")],
)
async def test_nonsense_is_taken_without_a_word(
    woo: Subject, sent: object, kept: int, status: str
) -> None:
    (shown,) = await woo.batch("products", stock(await woo.simple(5), sent))
    assert "error" not in shown
    assert (shown["stock_quantity"], shown["stock_status"]) == (kept, status)


async def test_the_quantity_overrules_the_status_that_is_sent(woo: Subject) -> None:
    product = await woo.simple(5)
    (shown,) = await woo.batch("products", stock(product, 0, stock_status="instock"))
    assert shown["stock_status"] == "outofstock"


@pytest.mark.parametrize(
    ("rule", "status"), [("no", "outofstock"), ("notify", "onbackorder"), ("yes", "onbackorder")]
)
async def test_backorders_are_no_notify_or_yes_and_make_zero_a_backorder(
    woo: Subject, rule: str, status: str
) -> None:
    (shown,) = await woo.batch("products", stock(await woo.simple(5), 0, backorders=rule))
    assert (shown["backorders"], shown["stock_status"]) == (rule, status)


async def test_metadata_written_by_key_is_kept_once_and_echoed(woo: Subject) -> None:
    product = await woo.simple(5)
    for value in ("1", "2"):
        entry = {"key": "stockfold_fact", "value": value}
        (shown,) = await woo.batch("products", {"id": product["id"], "meta_data": [entry]})
    kept = [entry["value"] for entry in shown["meta_data"] if entry["key"] == "stockfold_fact"]
    assert kept == ["2"]


async def test_inventory_delta_loses_updates_that_overlap(woo: Subject) -> None:
    product = await woo.simple(1_000)
    changes = [woo.put(f"products/{product['id']}", inventory_delta=-1) for _ in range(24)]
    await asyncio.gather(*changes)
    quantity = await woo.quantity(product)
    assert quantity is not None
    assert 976 < quantity < 1_000


async def test_an_absolute_write_erases_what_the_shop_sold_meanwhile(woo: Subject) -> None:
    product = await woo.simple(10)
    await woo.order(product, 3, "processing")
    assert await woo.quantity(product) == 7
    await woo.batch("products", stock(product, 10))
    assert await woo.quantity(product) == 10


async def test_with_stock_management_off_in_the_shop_only_the_status_changes(
    woo: Subject,
) -> None:
    product = await woo.simple(5)
    option = "settings/products/woocommerce_manage_stock"
    await woo.put(option, value="no")
    try:
        assert (await woo.get(option)).json["value"] == "no"
        (shown,) = await woo.batch("products", stock(product, 7, stock_status="outofstock"))
        assert "error" not in shown
        assert (shown["manage_stock"], shown["stock_status"]) == (False, "outofstock")
    finally:
        await woo.put(option, value="yes")
    assert await woo.quantity(product) != 7


async def test_the_variations_of_a_draft_are_published_all_the_same(woo: Subject) -> None:
    parent, variation = await woo.variable(4, status="draft")
    assert (await woo.get(f"products/{parent['id']}")).json["status"] == "draft"
    assert variation["status"] == "publish"
