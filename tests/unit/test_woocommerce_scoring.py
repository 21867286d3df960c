"""What would become of a shop if all that we want were written to it."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.channels import Shown
from stockfold.channels.woocommerce.catalog import Product
from stockfold.channels.woocommerce.scoring import (
    LARGEST_OF_EACH,
    NAMED_MAX,
    Change,
    Score,
    score,
)


def product(sku: str, quantity: int | None, number: int = 1, **more: Any) -> Product:
    told = {"type": "simple", "status": "publish", "name": f"The {sku}", "managed": "yes"}
    return Product(number, sku, quantity=quantity, **{**told, **more})


def of(shows: int | None, wanted: int, **more: Any) -> Score:
    return score([product("A", shows, **more)], {"A": Shown(wanted)})


def changes(found: Score) -> dict[Change, int]:
    return {change: count for change, count in found.counts.items() if count}


@pytest.mark.parametrize(
    ("shows", "wanted", "change"),
    [
        (5, 5, Change.AGREES),
        (0, 0, Change.AGREES),
        (5, 8, Change.UP),
        (-3, 0, Change.UP),
        (5, 2, Change.DOWN),
        (5, 0, Change.TO_ZERO),
        (0, 5, Change.FROM_ZERO),
        (-3, 5, Change.FROM_ZERO),
    ],
)
def test_each_listing_is_counted_by_what_its_customers_would_see(
    shows: int, wanted: int, change: Change
) -> None:
    found = of(shows, wanted)
    assert changes(found) == {change: 1}
    assert [one.change for one in found.differences] == [change] * (change is not Change.AGREES)


def test_a_product_without_stock_management_would_be_made_to_manage_it() -> None:
    found = of(7, 7, managed="no")
    (one,) = found.differences
    assert (one.change, one.shows, one.wanted) == (Change.MANAGED, None, 7)


def test_another_rule_for_backorders_is_a_difference_of_its_own() -> None:
    asked = {"A": Shown(5, "notify"), "B": Shown(5, "no"), "C": Shown(5)}
    shop = [product(sku, 5, n, backorders="no") for n, sku in enumerate(asked)]
    assert changes(score(shop, asked)) == {Change.BACKORDERS: 1, Change.AGREES: 2}


def test_units_that_would_come_on_sale_and_off_it_are_added_up() -> None:
    shop = [product("A", 5), product("B", 9), product("C", 4), product("D", 0)]
    found = score(shop, {"A": Shown(8), "B": Shown(0), "C": Shown(2), "D": Shown(10)})
    assert (found.units_up, found.units_down) == (13, 11)


def test_what_cannot_be_written_is_no_difference_and_what_is_waived_no_trouble() -> None:
    shop = [
        product("TWICE", 1, 1),
        product("TWICE", 2, 2),
        product("GROUP", None, 3, type="grouped"),
        product("SHARED", 3, 4, parent_id=9, type="variation", managed="parent"),
        product("OK", 4, 5),
    ]
    wanted = dict.fromkeys(["TWICE", "GROUP", "SHARED", "OK", "GONE", "LET-OFF"], Shown(4))
    found = score(shop, wanted, waived=["LET-OFF", "OK"])
    assert changes(found) == {Change.AGREES: 1}
    assert (found.listings, found.unmapped, found.ambiguous, found.refused) == (6, 1, 1, 2)
    assert found.waived == 1
    assert [(one.sku, one.code) for one in found.unwritable] == [
        ("GONE", "sku_unknown"),
        ("GROUP", "type_without_stock"),
        ("SHARED", "stock_of_parent"),
        ("TWICE", "sku_ambiguous"),
    ]


def test_products_that_we_know_nothing_of_are_named_unless_they_hold_no_stock() -> None:
    shop = [
        product("A", 1, 1),
        product("THEIRS", 1, 2),
        product("PARENT", None, 3, type="variable", managed="no"),
        product("", 1, 4),
        product("V", 1, 5, parent_id=3, type="variation"),
    ]
    found = score(shop, {"A": Shown(1)})
    assert (found.strangers, found.stranger_names) == (2, ("#2 The THEIRS", "#5 The V"))
    assert (found.products, found.variations, found.without_sku) == (4, 1, 1)


def test_an_order_that_came_while_the_shop_was_read_is_no_difference() -> None:
    shop = [product("SOLD", 4, 1), product("SEEN", 5, 2), product("OFF", 9, 3)]
    before = {"SOLD": Shown(5), "SEEN": Shown(5), "OFF": Shown(5), "GONE": Shown(1)}
    after = {"SOLD": Shown(4), "SEEN": Shown(4), "OFF": Shown(4)}
    found = score(shop, after, before=before)
    assert changes(found) == {Change.AGREES: 2, Change.DOWN: 1}
    assert (found.units_up, found.units_down, found.listings) == (0, 5, 3)


def test_the_largest_differences_of_each_change_are_named_and_all_are_counted() -> None:
    count = LARGEST_OF_EACH + 20
    shop = [product(f"U{n}", 0 if n % 2 else 1, n) for n in range(2 * count)]
    wanted = {f"U{n}": Shown(n + 2) for n in range(2 * count)}
    found = score(shop, wanted)
    assert changes(found) == {Change.UP: count, Change.FROM_ZERO: count}
    sizes = [one.size for one in found.differences if one.change is Change.UP]
    assert len(found.differences) == 2 * LARGEST_OF_EACH
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == 2 * count - 1


def test_a_shop_without_our_skus_makes_no_endless_report() -> None:
    wanted = {f"S{n}": Shown(1) for n in range(NAMED_MAX + 1)}
    shop = [product(f"X{n}", 1, n, name="y" * 500) for n in range(NAMED_MAX + 1)]
    found = score(shop, wanted)
    assert (found.unmapped, len(found.unwritable)) == (NAMED_MAX + 1, NAMED_MAX)
    assert (found.strangers, len(found.stranger_names)) == (NAMED_MAX + 1, NAMED_MAX)
    assert max(map(len, found.stranger_names)) < 200
