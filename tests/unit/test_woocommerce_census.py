"""Every SKU of ours is judged as the adapter would, and every finding says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.channels.findings import Finding, Level
from stockfold.channels.woocommerce.catalog import Product
from stockfold.channels.woocommerce.census import Census
from stockfold.channels.woocommerce.terms import PLAIN, StockTerms


def product(number: int, sku: str, **fields: Any) -> Product:
    told = {"type": "simple", "status": "publish", "managed": "yes", "quantity": 5, **fields}
    return Product(id=number, sku=sku, name=f"Product {sku}", **told)


def variation(number: int, sku: str, parent: int = 7, **fields: Any) -> Product:
    told = {"type": "variation", "parent_id": parent, "parent_status": "publish", **fields}
    return product(number, sku, **told)


def census(*products: Product, terms: StockTerms = PLAIN) -> Census:
    counted = Census(terms)
    counted.take(products)
    return counted


def only(counted: Census, *skus: str, waived: tuple[str, ...] = ()) -> Finding:
    (found,) = counted.findings(skus, waived)
    return found


def test_all_is_well_where_every_sku_names_one_product_that_holds_stock() -> None:
    counted = census(product(1, "A"), variation(2, "B"))
    assert list(counted.findings(["A", "B"], ())) == []
    coverage = counted.coverage(["A", "B"], ())
    assert (coverage.listings, coverage.covered, coverage.share) == (2, 2, 1.0)
    assert coverage.is_complete
    assert (counted.products, counted.variations) == (1, 1)


@pytest.mark.parametrize(
    ("products", "code"),
    [
        ([], "sku_unknown"),
        ([product(1, "A"), product(2, "A")], "sku_ambiguous"),
        ([product(1, "A"), variation(2, "A")], "sku_ambiguous"),
        ([product(1, "A", type="grouped")], "type_without_stock"),
        ([product(1, "A", type="external")], "type_without_stock"),
        ([variation(1, "A", managed="parent")], "stock_of_parent"),
        ([product(1, "A", type="variable", managed="no")], "stock_of_variations"),
    ],
)
def test_what_the_adapter_would_refuse_is_an_error_and_not_covered(
    products: list[Product], code: str
) -> None:
    counted = census(*products)
    found = only(counted, "A")
    assert (found.level, found.code, found.subject) == (Level.ERROR, code, "A")
    assert found.products == tuple(f"{p.id} Product A" for p in products)
    assert found.to_do
    coverage = counted.coverage(["A"], ())
    assert (coverage.covered, coverage.uncovered, coverage.is_complete) == (0, ("A",), False)


def test_what_is_waived_by_name_is_let_off_and_still_named() -> None:
    counted = census(product(1, "A"))
    found = only(counted, "A", "B", waived=("B", "C"))
    assert (found.level, found.code, found.subject) == (Level.NOTE, "waived_sku_unknown", "B")
    coverage = counted.coverage(["A", "B"], ("B", "C"))
    assert (coverage.covered, coverage.waived, coverage.share) == (1, ("B",), 1.0)
    assert coverage.is_complete


def test_a_waiver_of_what_is_covered_changes_nothing() -> None:
    coverage = census(product(1, "A")).coverage(["A"], ("A",))
    assert (coverage.covered, coverage.waived) == (1, ())


def test_nothing_to_publish_is_not_complete() -> None:
    assert not census(product(1, "A")).coverage([], ()).is_complete


def test_a_sku_that_only_resembles_ours_is_shown_but_not_taken() -> None:
    found = only(census(product(1, "a 1", managed="yes")), "A1", "a 1")
    assert found.code == "sku_unknown"
    assert "'a 1'" in found.detail


def test_variable_products_that_manage_their_own_stock_are_covered() -> None:
    assert census(product(1, "A", type="variable")).coverage(["A"], ()).is_complete


def test_an_unmanaged_product_is_covered_and_said() -> None:
    counted = census(product(1, "A", managed="no", quantity=None))
    assert only(counted, "A").code == "unmanaged"
    assert counted.coverage(["A"], ()).is_complete


@pytest.mark.parametrize("status", ["draft", "private", ""])
def test_a_published_variation_of_an_unpublished_product_is_seen_by_nobody(status: str) -> None:
    found = only(census(variation(1, "A", parent_status=status)), "A")
    assert (found.level, found.code) == (Level.WARNING, "draft_parent")
    assert "product 7" in found.detail


def test_an_unpublished_product_is_noted() -> None:
    assert only(census(product(1, "A", status="draft")), "A").code == "not_published"
    assert only(census(variation(1, "A", status="private")), "A").code == "not_published"


@pytest.mark.parametrize("rule", ["notify", "yes"])
def test_backorders_sell_on_what_is_gone_unless_we_write_that_field(rule: str) -> None:
    sold_on = product(1, "A", backorders=rule)
    assert only(census(sold_on), "A").code == "backorders_on"
    assert list(census(sold_on, terms=StockTerms(backorders="no")).findings(["A"], ())) == []


def test_a_negative_quantity_was_oversold() -> None:
    assert only(census(product(1, "A", quantity=-2)), "A").code == "oversold"


def test_what_the_shop_has_and_we_have_not_is_listed() -> None:
    counted = census(
        product(1, "A"),
        product(2, "X"),
        product(3, "Y"),
        product(4, "Y"),
        product(5, ""),
        variation(6, ""),
        product(7, "", type="variable", managed="no"),
        product(8, "Z", type="variable", managed="no"),
        product(9, "G", type="external"),
    )
    told = [(f.level, f.code, f.subject) for f in counted.findings(["A"], ())]
    assert told == [
        (Level.NOTE, "not_ours", "X"),
        (Level.WARNING, "sku_ambiguous", "Y"),
        (Level.NOTE, "without_sku", "5"),
        (Level.NOTE, "without_sku", "6"),
    ]


def test_where_nothing_is_ours_only_doubles_are_told() -> None:
    counted = census(product(1, "X"), product(2, "Y"), product(3, "Y"))
    assert [found.code for found in counted.findings([], ())] == ["sku_ambiguous"]
