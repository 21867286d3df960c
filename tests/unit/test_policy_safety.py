"""Safety stock, promotion windows, silent sources: the most specific rule wins, rounded up."""

from __future__ import annotations

import pytest
from tests.support.promise_story import NOW_US, given, shelf

from stockfold.availability.policy import Promotion, Safety, Silence

RULES = (
    Safety(1),
    Safety(2, category="food"),
    Safety(3, category="food/coffee"),
    Safety(4, sku="SKU-1"),
)
MINUTE_US = 60_000_000


@pytest.mark.parametrize(
    ("sku", "category", "kept"),
    [
        ("SKU-1", "food/coffee", 4),
        ("SKU-2", "food/coffee/beans", 3),
        ("SKU-2", "food/coffee", 3),
        ("SKU-2", "food/tea", 2),
        ("SKU-2", "foodstuff", 1),
        ("SKU-2", "", 1),
    ],
)
def test_a_skus_rule_comes_before_its_deepest_categorys_and_that_before_any(
    sku: str, category: str, kept: int
) -> None:
    given({"BERLIN": 10}, sku=sku, category=category).when(safety=RULES).then(10 - kept)


def test_among_equals_a_rule_of_a_location_comes_before_one_of_none() -> None:
    rules = (Safety(4), Safety(1, location="ROME"))
    known = given({"BERLIN": 10, "ROME": 10})
    known.when(safety=rules).then(15).because(
        "1 unit is kept back as safety stock at ROME (1)",
        "4 units are kept back as safety stock",
    )


def test_a_more_specific_rule_without_location_comes_before_a_location_of_any_sku() -> None:
    rules = (Safety(4, category="food"), Safety(1, location="ROME"))
    given({"BERLIN": 10, "ROME": 10}, category="food").when(safety=rules).then(16)


def test_a_location_keeps_at_most_what_it_has() -> None:
    rules = (Safety(5, location="ROME"),)
    given({"BERLIN": 10, "ROME": 2}).when(safety=rules).then(10)
    given({"BERLIN": 10, "ROME": -2}).when(safety=rules).then(10)


def test_the_rest_keeps_nothing_of_a_location_with_a_rule_of_its_own() -> None:
    rules = (Safety(10), Safety(0, location="ROME"))
    given({"BERLIN": 3, "ROME": 5}).when(safety=rules).then(5)


def test_a_percentage_is_of_what_is_free_and_rounded_up() -> None:
    known = given({"BERLIN": shelf(12, claims={"woo": 1})}, category="food")
    known.when(safety=(Safety(basis_points=1_000, category="food"),)).then(9).because(
        "1 unit is promised to orders already",
        "2 units are kept back as safety stock for category food, 10% rounded up",
    )


def test_a_percentage_at_a_location_is_of_that_location() -> None:
    rules = (Safety(basis_points=5_000, location="ROME"),)
    given({"BERLIN": 10, "ROME": 3}).when(safety=rules).then(11)


def test_all_of_it_can_be_kept_back() -> None:
    given({"BERLIN": 10}).when(safety=(Safety(basis_points=10_000),)).then(0)


def test_the_breakdown_keeps_back_where_the_rule_says() -> None:
    rules = (Safety(2, location="ROME"),)
    given({"BERLIN": 4, "ROME": 9}).when(safety=rules, per_location=True).then(11).at(
        BERLIN=4, ROME=7
    )


# --- promotion windows ------------------------------------------------------------------------


def window(**rules: object) -> Promotion:
    return Promotion("sale", NOW_US, NOW_US + MINUTE_US, **rules)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("offset_us", "quantity"), [(-1, 8), (0, 5), (MINUTE_US - 1, 5), (MINUTE_US, 8)]
)
def test_a_window_is_open_from_its_start_to_before_its_end(offset_us: int, quantity: int) -> None:
    known = given({"BERLIN": 10}, now_us=NOW_US + offset_us)
    known.when(safety_stock=2, promotions=(window(units=5),)).then(quantity)


def test_within_a_window_its_buffer_stands_in_for_the_safety_stock() -> None:
    given({"BERLIN": 10}).when(safety_stock=2, promotions=(window(units=0),)).then(10)
    given({"BERLIN": 9}).when(safety_stock=2, promotions=(window(basis_points=5_000),)).then(
        4
    ).because(
        "the promotion 'sale' is on, with limits of its own",
        "5 units are kept back as safety stock, 50% rounded up",
    )


def test_a_window_without_a_buffer_leaves_the_safety_stock() -> None:
    given({"BERLIN": 10}).when(safety_stock=2, promotions=(window(ceiling=5),)).then(5)
    given({"BERLIN": 10}).when(ceiling=3, promotions=(window(ceiling=5),)).then(5)


def test_a_window_is_for_the_skus_and_categories_that_it_names() -> None:
    named = (window(units=5, skus=("SKU-1",), categories=("food",)),)
    given({"BERLIN": 10}, sku="SKU-1").when(promotions=named).then(5)
    given({"BERLIN": 10}, sku="SKU-2", category="food/tea").when(promotions=named).then(5)
    given({"BERLIN": 10}, sku="SKU-2", category="toys").when(promotions=named).then(10)


def test_of_two_open_windows_the_first_counts() -> None:
    given({"BERLIN": 10}).when(promotions=(window(units=5), window(units=1))).then(5)


# --- silent sources ---------------------------------------------------------------------------

SILENT = {"ROME": NOW_US - 10 * MINUTE_US}


def test_a_silent_location_is_trusted_while_the_policy_keeps_it() -> None:
    given({"BERLIN": 1, "ROME": 9}, silent=SILENT).when().then(10)


def test_a_silent_location_counts_for_nothing_where_the_policy_says_zero() -> None:
    known = given({"BERLIN": 1, "ROME": 9}, silent=SILENT)
    known.when(silence=Silence("zero"), per_location=True).then(1).at(BERLIN=1, ROME=0)
    known.when(silence=Silence("zero")).because(
        "9 units are not counted, as nothing is heard from ROME since 2026-02-16 11:50 UTC (9)"
    )


@pytest.mark.parametrize(("after_s", "quantity"), [(600, 1), (601, 10)])
def test_silence_counts_only_after_its_limit(after_s: int, quantity: int) -> None:
    given({"BERLIN": 1, "ROME": 9}, silent=SILENT).when(silence=Silence("zero", after_s)).then(
        quantity
    )


def test_a_silent_location_keeps_a_buffer_where_the_policy_says_so() -> None:
    known = given({"BERLIN": 1, "ROME": 9}, silent=SILENT)
    known.when(silence=Silence("buffer", units=4)).then(6)
    known.when(silence=Silence("buffer", units=40)).then(1)
    known.when(silence=Silence("buffer", basis_points=5_000)).then(5)
