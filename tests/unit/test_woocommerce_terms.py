"""What an availability becomes in a WooCommerce shop: stock, a backorder, a preorder, nothing."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.woo_adapter import KINDS, echo, kinds, product, reply, updates, write_of

from stockfold.channels import Promise, Shown, StockUpdate
from stockfold.channels.woocommerce import WooCommerce
from stockfold.channels.woocommerce.terms import PLAIN, StockTerms, show
from stockfold.runtime.shop_stock_settings import ShopStockSettings

DAY = (date(2026, 12, 24) - date(1970, 1, 1)).days
KEYS = {"status_key": "s", "units_key": "u", "lead_time_key": "l", "restock_key": "r"}
NOTIFY = StockTerms(backorders="notify", **KEYS)


def update(quantity: int, status: str, lead_time_days: int | None = None) -> StockUpdate:
    return StockUpdate("A", quantity, 1, 0, Promise(status, DAY, lead_time_days))


@pytest.mark.parametrize("status", ["backorder", "preorder"])
@pytest.mark.parametrize("terms", [PLAIN, StockTerms(backorders="no")])
def test_a_promise_that_the_shop_has_no_place_for_goes_out_as_zero(
    status: str, terms: StockTerms
) -> None:
    assert show(update(9, status), terms).quantity == 0


def test_a_shop_whose_field_is_kept_is_never_told_of_backorders() -> None:
    assert show(update(9, "backorder"), PLAIN) == Shown(0)
    assert show(update(9, "in_stock"), PLAIN) == Shown(9)


@pytest.mark.parametrize("mode", ["notify", "yes"])
def test_a_backorder_is_no_stock_but_sold_on(mode: Any) -> None:
    assert show(update(9, "backorder"), StockTerms(backorders=mode)) == Shown(0, mode)


@pytest.mark.parametrize(
    ("quantity", "status"),
    [(9, "in_stock"), (2, "low_stock"), (0, "out_of_stock"), (0, "backorder"), (-2, "backorder")],
)
def test_what_is_on_the_shelf_or_nothing_closes_the_backorder_path(
    quantity: int, status: str
) -> None:
    assert show(update(quantity, status), StockTerms(backorders="yes")) == Shown(
        max(quantity, 0), "no"
    )


def test_the_capped_number_lead_time_and_restock_date_go_where_the_shop_has_a_place() -> None:
    shown = show(update(9, "backorder", 14), NOTIFY)
    assert dict(shown.extras) == {"s": "backorder", "u": "9", "l": "14", "r": "2026-12-24"}
    shown = show(update(9, "in_stock", 2), NOTIFY)
    assert dict(shown.extras) == {"s": "in_stock", "u": "", "l": "2", "r": "2026-12-24"}


def test_a_promise_that_went_out_as_zero_says_when_there_is_more_and_promises_nothing() -> None:
    shown = show(update(9, "backorder", 14), StockTerms(**KEYS))
    assert dict(shown.extras) == {"s": "out_of_stock", "u": "", "l": "", "r": "2026-12-24"}


def test_preorders_go_out_as_the_settings_say() -> None:
    as_backorder = StockTerms(backorders="notify", preorders="backorder")
    assert show(update(9, "preorder"), as_backorder) == Shown(0, "notify")
    as_stock = StockTerms(backorders="notify", preorders="stock", status_key="s")
    assert show(update(9, "preorder"), as_stock) == Shown(9, "no", (("s", "preorder"),))


def test_a_change_of_kind_alone_is_another_content() -> None:
    stock, waiting = update(9, "in_stock"), update(9, "backorder")
    assert show(stock, NOTIFY) != show(waiting, NOTIFY)
    assert show(update(9, "backorder"), NOTIFY) != show(update(8, "backorder"), NOTIFY)


def knowing(terms: StockTerms) -> WooCommerce:
    woo = WooCommerce("https://shop.test", "ck_1", "cs_1", terms)
    request = woo.next_request(updates("A"))
    assert request is not None
    woo.receive(request, reply([product(7, "A")]))
    return woo


def test_everything_goes_in_one_write() -> None:
    request = write_of(knowing(NOTIFY), update(9, "backorder", 14))
    assert request.json["update"] == [
        {
            "id": 7,
            "manage_stock": True,
            "stock_quantity": 0,
            "backorders": "notify",
            "meta_data": [
                {"key": "s", "value": "backorder"},
                {"key": "u", "value": "9"},
                {"key": "l", "value": "14"},
                {"key": "r", "value": "2026-12-24"},
            ],
        }
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"backorders": "no"}, "not_applied"),
        ({"meta_data": []}, "metadata_not_kept"),
        ({"meta_data": None}, "metadata_not_kept"),
    ],
)
def test_what_the_shop_did_not_keep_is_not_applied(changes: dict[str, Any], code: str) -> None:
    woo = knowing(NOTIFY)
    request = write_of(woo, update(9, "backorder", 14))
    assert kinds(woo.receive(request, reply(echo(request)))) == [("A", KINDS.APPLIED, "")]
    request = write_of(woo, update(9, "backorder", 14))
    answer = woo.receive(request, reply(echo(request, **changes)))
    assert kinds(answer) == [("A", KINDS.REJECTED, code)]


def test_a_product_that_the_shop_sells_on_without_stock_is_told() -> None:
    woo = knowing(PLAIN)
    request = write_of(woo, update(0, "out_of_stock"))
    answer = woo.receive(request, reply(echo(request, backorders="yes")))
    assert kinds(answer) == [("A", KINDS.APPLIED, "sold_without_stock")]


@pytest.mark.parametrize(
    "given",
    [
        {"preorders": "backorder"},
        {"preorders": "stock"},
        {"preorders": "stock", "units_key": "u"},
        {"status_key": "a", "units_key": "a"},
        {"status_key": "_stock"},
        {"status_key": "a b"},
    ],
)
def test_settings_that_would_promise_what_was_not_meant_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ShopStockSettings(**given)


def test_the_settings_are_the_adapters_terms() -> None:
    assert StockTerms(**ShopStockSettings().model_dump()) == PLAIN
