"""How products are found and listed: one test for each fact."""

from __future__ import annotations

from typing import Any

from tests.support.woo_subject import Subject


async def skus_of(woo: Subject, route: str = "products", **params: Any) -> list[str]:
    told = await woo.get(route, **params)
    assert told.status == 200, told
    return [row["sku"] for row in told.json]


async def test_a_list_of_skus_finds_products_and_variations_and_skips_the_unknown(
    woo: Subject,
) -> None:
    product = await woo.simple(1)
    parent, variation = await woo.variable(1)
    asked = ",".join((product["sku"], variation["sku"], woo.sku()))
    found = {row["sku"]: row for row in (await woo.get("products", sku=asked, per_page=100)).json}
    assert found.keys() == {product["sku"], variation["sku"]}
    shown = found[variation["sku"]]
    assert (shown["type"], shown["parent_id"]) == ("variation", parent["id"])


async def test_a_sku_that_holds_a_comma_is_also_tried_whole(woo: Subject) -> None:
    product = await woo.simple(1, sku=woo.sku(",x"))
    assert product["sku"] in await skus_of(woo, sku=product["sku"])


async def test_a_sku_is_matched_exactly(woo: Subject) -> None:
    product = await woo.simple(1)
    assert await skus_of(woo, sku=product["sku"][:-1] + "?") == []
    assert await skus_of(woo, sku=product["sku"][:-2]) == []


async def test_a_page_has_ten_rows_unless_asked_and_never_more_than_a_hundred(
    woo: Subject,
) -> None:
    for _ in range(11):
        await woo.simple(1)
    assert len(await skus_of(woo)) == 10
    told = await woo.get("products", per_page=100)
    assert len(told.json) >= 11
    assert int(told.headers["x-wp-total"]) >= 11
    assert told.headers["x-wp-totalpages"].isdigit()
    refused = await woo.get("products", per_page=101)
    assert (refused.status, refused.code) == (400, "rest_invalid_param")


async def test_without_a_sku_variations_are_not_listed(woo: Subject) -> None:
    parent, variation = await woo.variable(1)
    listed = await skus_of(woo, per_page=100)
    assert parent["sku"] in listed
    assert variation["sku"] not in listed
    own = await skus_of(woo, f"products/{parent['id']}/variations")
    assert own == [variation["sku"]]


async def test_only_from_10_3_are_the_variations_of_all_products_listed(woo: Subject) -> None:
    parent, variation = await woo.variable(1)
    told = await woo.get("variations", orderby="id", order="desc", per_page=100)
    if await woo.version() < (10, 3):
        assert (told.status, told.code) == (404, "rest_no_route")
    else:
        shown = {row["sku"]: row["parent_id"] for row in told.json}
        assert shown[variation["sku"]] == parent["id"]


async def test_rows_come_newest_first_or_by_id_and_from_any_offset(woo: Subject) -> None:
    skus = [(await woo.simple(1))["sku"] for _ in range(3)]
    assert await skus_of(woo, orderby="id", order="desc", per_page=2) == skus[:0:-1]
    total = int((await woo.get("products", per_page=1)).headers["x-wp-total"])
    assert await skus_of(woo, orderby="id", order="asc", per_page=2, offset=total - 2) == skus[1:]


async def test_drafts_are_listed(woo: Subject) -> None:
    draft = await woo.simple(1, status="draft")
    assert draft["sku"] in await skus_of(woo, per_page=100, orderby="id", order="desc")


async def test_only_the_fields_asked_for_are_sent(woo: Subject) -> None:
    product = await woo.simple(1)
    told = await woo.get("products", sku=product["sku"], _fields="id,sku")
    assert told.json[0].keys() == {"id", "sku"}


async def test_a_variation_without_a_sku_shows_its_parents_and_is_not_found_by_it(
    woo: Subject,
) -> None:
    parent, variation = await woo.variable(1)
    route = f"products/{parent['id']}/variations/{variation['id']}"
    assert (await woo.put(route, sku=""))["sku"] == parent["sku"]
    found = (await woo.get("products", sku=parent["sku"])).json
    assert [row["id"] for row in found] == [parent["id"]]


async def test_a_route_that_is_not_there_is_404_with_its_code(woo: Subject) -> None:
    told = await woo.get("nothing-of-the-kind")
    assert (told.status, told.code) == (404, "rest_no_route")


async def test_the_shop_tells_its_version_and_its_settings_of_stock(woo: Subject) -> None:
    assert await woo.version() >= (8, 9)
    told = {row["id"]: row["value"] for row in (await woo.get("settings/products")).json}
    assert told["woocommerce_manage_stock"] in ("yes", "no")
    assert "woocommerce_hold_stock_minutes" in told
    assert "woocommerce_notify_no_stock_amount" in told


async def test_answers_carry_the_shops_time_and_no_limit_of_its_own(woo: Subject) -> None:
    told = await woo.get("products", per_page=1)
    assert told.headers["date"].endswith("GMT")
    assert not [name for name in told.headers if "ratelimit" in name]
