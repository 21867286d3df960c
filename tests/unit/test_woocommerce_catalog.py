"""The catalogue is read whole, whatever the shop is like and whatever happens to it meanwhile."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Fault, Shop

from stockfold.channels import Failure
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.catalog import CatalogRead, Page, Product
from stockfold.channels.woocommerce.paging import PER_PAGE_MIN
from stockfold.runtime.shop_catalog import ATTEMPTS_MAX, read_catalog


async def at_once(seconds: float) -> None:
    assert seconds >= 0


async def read(
    shop: Shop, per_page: int = 100, between: Callable[[], None] = lambda: None
) -> list[Product]:
    found: list[Product] = []
    async for page in read_catalog(WooClient(shop), per_page=per_page, sleep=at_once):
        found += page.products
        between()
    return found


def rows(*ids: int, total: int | None = None, **fields: Any) -> Any:
    headers = {} if total is None else {"x_wp_total": str(total)}
    return reply([{"id": i, **fields} for i in ids], **headers)


@pytest.fixture(params=["11.0.1", "8.9.3"])
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(version=request.param)


async def test_products_and_variations_come_once_each_with_their_parents(shop: Shop) -> None:
    (simple,) = shop.add_products(["S"], 4)
    parent = shop.add_variations("P", ["V1", "V2"], 3)
    parent.status = "draft"
    found = {product.sku: product for product in await read(shop)}
    assert found["S"] == Product(
        simple.id,
        "S",
        "simple",
        "publish",
        name="Product S",
        managed="yes",
        quantity=4,
        backorders="no",
        stock_status="instock",
    )
    assert (found["P"].type, found["P"].status, found["P"].managed) == ("variable", "draft", "no")
    for sku in ("V1", "V2"):
        variation = found[sku]
        assert (variation.type, variation.status) == ("variation", "publish")
        assert (variation.parent_id, variation.parent_status) == (parent.id, "draft")
        assert variation.is_variation
        assert not variation.is_published
        assert variation.quantity == 3
    assert len(found) == 4


async def test_a_variation_that_shares_its_parents_stock_says_so(shop: Shop) -> None:
    parent = shop.catalogue.add("P", type="variable", stock_quantity=9)
    shop.catalogue.add("V", type="variation", parent_id=parent.id, manage_stock=False)
    found = {product.sku: product for product in await read(shop)}
    assert (found["V"].managed, found["V"].quantity) == ("parent", 9)


async def test_unmanaged_products_have_no_quantity_and_trash_is_not_listed(shop: Shop) -> None:
    shop.catalogue.add("U", manage_stock=False)
    shop.catalogue.add("T", status="trash")
    (found,) = await read(shop)
    assert (found.sku, found.managed, found.quantity) == ("U", "no", None)


async def test_doubles_are_all_listed_and_an_empty_shop_is_empty(shop: Shop) -> None:
    assert await read(shop) == []
    shop.add_products(["A", "A", ""])
    assert [product.sku for product in await read(shop)] == ["A", "A", ""]


async def test_progress_is_told_by_stage() -> None:
    shop = Shop()
    shop.add_products([f"S{n}" for n in range(9)])
    shop.add_variations("P", [f"V{n}" for n in range(7)])
    told = [
        (page.stage, page.done, page.total)
        async for page in read_catalog(WooClient(shop), per_page=6, sleep=at_once)
    ]
    assert told == [
        ("products", 6, 10),
        ("products", 10, 10),
        ("variations", 6, 7),
        ("variations", 7, 7),
    ]


async def test_progress_counts_variable_products_where_variations_are_not_listed() -> None:
    shop = Shop(version="8.9.3")
    for name in "AB":
        shop.add_variations(name, [f"{name}{n}" for n in range(3)])
    told = [
        (page.stage, page.done, page.total)
        async for page in read_catalog(WooClient(shop), sleep=at_once)
    ]
    assert told == [
        ("products", 2, 2),
        ("variations", 0, None),
        ("variable products", 1, 2),
        ("variable products", 2, 2),
    ]


@pytest.mark.parametrize("seed", range(40))
async def test_what_is_there_throughout_comes_exactly_once_while_products_come_and_go(
    shop: Shop, seed: int
) -> None:
    dice = random.Random(seed)
    stay = {f"S{n}" for n in range(60)}
    going = [f"G{n}" for n in range(40)]
    everything = [*stay, *going]
    dice.shuffle(everything)
    shop.add_products(everything)
    parent = shop.add_variations("P", ["V1", "V2", "V3"])
    stay |= {"P", "V1", "V2", "V3"}

    def happen() -> None:
        for _ in range(dice.randrange(6)):
            if going:
                sku = going.pop(dice.randrange(len(going)))
                shop.catalogue.remove(shop.catalogue.ids_of_sku[sku][0])
        if dice.random() < 0.3:
            shop.add_products([f"N{dice.random()}"])
        if dice.random() < 0.1:
            shop.catalogue.add("", type="variation", parent_id=parent.id)

    found = [product.sku for product in await read(shop, 7, happen) if product.sku in stay]
    assert sorted(found) == sorted(stay)


async def test_a_product_that_goes_while_others_variations_are_read_ends_nothing() -> None:
    shop = Shop(version="8.9.3")
    gone = shop.add_variations("P", ["V1"])
    shop.add_variations("Q", ["W1"])

    def remove() -> None:
        if gone.id in shop.catalogue.products:
            for child in list(shop.catalogue.children[gone.id]):
                shop.catalogue.remove(child)
            shop.catalogue.remove(gone.id)

    found = await read(shop, between=remove)
    assert [product.sku for product in found] == ["P", "Q", "W1"]


def test_a_page_with_holes_is_not_the_last() -> None:
    # WooCommerce leaves out what it cannot load, but counts it.
    reading = CatalogRead(per_page=6)
    assert len(reading.receive(rows(1, 2, 3, total=11)).products) == 3
    assert reading.request is not None
    assert ("offset", "5") in reading.request.params
    # It does not begin with 3: something may have been removed, so a step back shows.
    assert reading.receive(rows(7, 8, total=11)).products == ()
    assert ("offset", "2") in reading.request.params
    assert [p.id for p in reading.receive(rows(3, 7, 8, total=11)).products] == [7, 8]
    assert [p.id for p in reading.receive(rows(8, 11, total=11)).products] == [11]
    assert reading.request is None


def test_pages_of_nothing_but_holes_are_passed_over() -> None:
    shown = {1, 2, 29}
    reading = CatalogRead(per_page=6)
    found: list[int] = []
    for _ in range(40):
        if reading.request is None:
            break
        offset = int(dict(reading.request.params)["offset"])
        page = [number for number in range(offset + 1, offset + 7) if number in shown]
        found += [product.id for product in reading.receive(rows(*page, total=30)).products]
    assert reading.request is None
    assert found == [1, 2, 29]


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"<html>A page</html>"),
        reply({"message": "not a list"}),
        reply([{"sku": "A"}]),
        reply([1, 2]),
        reply([{"id": "7"}]),
        reply([{"id": True}]),
        reply([{"id": -7}]),
        reply(b"[" * 100_000),
        rows(2, 1),
        rows(1, 1),
        reply({"code": "woocommerce_rest_cannot_view", "message": "no"}, 401),
        reply(b"no", 502),
        reply({"code": "rest_no_route", "message": "no"}, 404),
        Failure("timeout", "no answer"),
    ],
    ids=str,
)
def test_what_is_no_catalogue_is_refused_and_can_be_asked_for_again(answer: Any) -> None:
    reading = CatalogRead()
    before = reading.request
    with pytest.raises(NotServedError):
        reading.receive(answer)
    assert reading.request == before
    page = reading.receive(rows(1, total=1, sku="A", type="simple"))
    assert page == Page((Product(1, "A", "simple", ""),), "products", 1, 1)
    assert reading.request is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"stock_quantity": "12", "manage_stock": "yes"}, {"quantity": 12, "managed": "yes"}),
        ({"stock_quantity": 2.5, "manage_stock": True}, {"managed": "yes"}),
        ({"stock_quantity": -3, "manage_stock": 1}, {"quantity": -3, "managed": "yes"}),
        ({"stock_quantity": 10**13}, {}),
        ({"stock_quantity": 1e300}, {}),
        ({"stock_quantity": [1]}, {}),
        ({"stock_quantity": None, "manage_stock": None, "backorders": None}, {}),
        ({"manage_stock": ["parent"], "name": {"raw": "A"}, "type": False}, {}),
        ({"manage_stock": "parent"}, {"managed": "parent"}),
        ({"sku": 4711}, {"sku": "4711"}),
    ],
)
def test_a_field_that_is_not_what_it_should_be_is_left_empty(
    fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    (product,) = CatalogRead().receive(rows(1, total=1, **fields)).products
    assert product == Product(**{"id": 1, "sku": "", "type": "", "status": "", **expected})


async def test_a_variation_without_a_sku_of_its_own_does_not_double_its_products(
    shop: Shop,
) -> None:
    shop.add_variations("P", ["", "V"])
    assert sorted(product.sku for product in await read(shop)) == ["", "P", "V"]


def test_a_variation_that_names_no_parent_is_still_one() -> None:
    reading = CatalogRead()
    reading.receive(rows(1, total=1, type="variable"))
    (orphan, other) = reading.receive(rows(2, 3, total=2, parent_id="x")).products
    assert orphan.is_variation
    assert (other.type, other.parent_status) == ("variation", "")


def test_plugins_have_variable_products_of_their_own() -> None:
    reading = CatalogRead()
    reading.receive(rows(1, total=1, type="variable-subscription", status="publish"))
    assert reading.request is not None
    (variation,) = reading.receive(rows(2, total=1, parent_id=1)).products
    assert (variation.parent_id, variation.parent_status) == (1, "publish")


async def test_a_shop_that_is_away_for_a_while_is_asked_again_for_smaller_pages() -> None:
    shop = Shop()
    shop.add_products([f"S{n}" for n in range(30)])
    shop.faults.queue += [
        Fault("html", status=502),
        Fault("limited", retry_after_s=7),
        Fault("error", status=500),
    ]
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    pages = [page async for page in read_catalog(WooClient(shop), per_page=40, sleep=sleep)]
    assert [len(page.products) for page in pages] == [10, 9, 9, 2]
    assert waited[1] >= 7


async def test_pages_do_not_get_smaller_than_five() -> None:
    shop = Shop()
    shop.add_products([f"S{n}" for n in range(30)])
    shop.faults.queue.append(Fault("error", times=ATTEMPTS_MAX - 1))
    pages = [page async for page in read_catalog(WooClient(shop), per_page=40, sleep=at_once)]
    assert len(pages[0].products) == PER_PAGE_MIN


async def test_a_shop_that_does_not_come_back_is_given_up() -> None:
    shop = Shop()
    shop.faults.queue.append(Fault("error", times=1_000))
    with pytest.raises(NotServedError, match="critical error"):
        await read(shop)
    assert shop.stats.requests == ATTEMPTS_MAX


async def test_a_shop_that_refuses_is_asked_once() -> None:
    shop = Shop(permissions="write")
    with pytest.raises(NotServedError, match="read permissions"):
        await read(shop)
    assert shop.stats.requests == 1
