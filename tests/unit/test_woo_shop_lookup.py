"""How the demo shop finds products: one test per fact."""

from __future__ import annotations

import pytest
from tests.support.woo_client import WooClient
from tests.support.woo_shop import Shop


@pytest.fixture
def woo() -> WooClient:
    return WooClient(Shop())


async def skus_of(woo: WooClient, **params: object) -> list[str]:
    response = await woo.get("products", **params)
    assert response.status_code == 200, response.text
    return [product["sku"] for product in response.json()]


async def test_a_comma_list_finds_products_and_variations_and_skips_the_unknown(
    woo: WooClient,
) -> None:
    woo.shop.add_products(["A", "B"])
    parent = woo.shop.add_variations("P", ["V"])
    response = await woo.get("products", sku="A,V,nobody", per_page=100)
    found = {product["sku"]: product for product in response.json()}
    assert found.keys() == {"A", "V"}
    assert (found["V"]["type"], found["V"]["parent_id"]) == ("variation", parent.id)


async def test_a_sku_that_holds_a_comma_is_also_tried_whole(woo: WooClient) -> None:
    woo.shop.add_products(["A,B", "A"])
    assert sorted(await skus_of(woo, sku="A,B")) == ["A", "A,B"]


async def test_a_sku_is_matched_exactly(woo: WooClient) -> None:
    woo.shop.add_products(["ABC"])
    assert await skus_of(woo, sku="AB") == []


async def test_skus_need_not_be_unique(woo: WooClient) -> None:
    woo.shop.add_products(["A", "A"])
    assert await skus_of(woo, sku="A") == ["A", "A"]


async def test_a_page_has_ten_products_unless_asked_and_never_more_than_a_hundred(
    woo: WooClient,
) -> None:
    woo.shop.add_products([f"S{n}" for n in range(150)])
    response = await woo.get("products")
    assert len(response.json()) == 10
    assert response.headers["x-wp-total"] == "150"
    assert response.headers["x-wp-totalpages"] == "15"
    assert len(await skus_of(woo, per_page=100, page=2)) == 50
    refused = await woo.get("products", per_page=101)
    assert refused.status_code == 400
    assert refused.json()["code"] == "rest_invalid_param"


async def test_without_a_sku_variations_are_not_listed(woo: WooClient) -> None:
    parent = woo.shop.add_variations("P", ["V1", "V2"])
    assert await skus_of(woo) == ["P"]
    variations = (await woo.get(f"products/{parent.id}/variations", order="asc")).json()
    assert [v["sku"] for v in variations] == ["V1", "V2"]


async def test_11_lists_the_variations_of_all_products_and_8_9_has_no_such_route(
    woo: WooClient,
) -> None:
    parents = [woo.shop.add_variations(name, [f"{name}1"]) for name in "PQ"]
    response = await woo.get("variations", orderby="id", order="asc")
    shown = [(v["sku"], v["parent_id"]) for v in response.json()]
    assert shown == [("P1", parents[0].id), ("Q1", parents[1].id)]
    older = await WooClient(Shop(version="8.9.3")).get("variations")
    assert (older.status_code, older.json()["code"]) == (404, "rest_no_route")


async def test_products_come_newest_first_or_by_id_and_from_any_offset(woo: WooClient) -> None:
    woo.shop.add_products([f"S{n}" for n in range(5)])
    assert await skus_of(woo, per_page=2) == ["S4", "S3"]
    assert await skus_of(woo, orderby="id", order="asc", per_page=2, offset=3) == ["S3", "S4"]


async def test_drafts_are_listed_and_what_is_in_the_bin_is_not(woo: WooClient) -> None:
    woo.shop.catalogue.add("D", status="draft")
    woo.shop.catalogue.add("T", status="trash")
    assert await skus_of(woo) == ["D"]


async def test_only_the_fields_asked_for_are_sent(woo: WooClient) -> None:
    woo.shop.add_products(["A"])
    response = await woo.get("products", sku="A", _fields="id,sku")
    assert response.json()[0].keys() == {"id", "sku"}


async def test_an_unknown_route_is_404_with_its_code(woo: WooClient) -> None:
    response = await woo.get("nothing")
    assert response.status_code == 404
    assert response.json()["code"] == "rest_no_route"
