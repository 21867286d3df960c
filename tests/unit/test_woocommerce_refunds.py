"""Refunded units are told by line, whether they were put back on sale or not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_orders import TERMS
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask, converse, sweep_all

from stockfold.channels import Failure
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.refunds import read_refunds, refunds_of
from stockfold.channels.woocommerce.sweeps import OrderSweep, look_up
from stockfold.contracts.codec import decode
from stockfold.contracts.shop_orders import order_record

START_S = 1_795_600_800
SECOND_US = 1_000_000


@pytest.fixture
def shop() -> Shop:
    shop = Shop(now_s=lambda: START_S)
    shop.add_products(["A", "B"], 100)
    return shop


def sell(shop: Shop) -> int:
    """An order of three A and two B; its lines are 1 and 2."""
    a, b = list(shop.catalogue.products)
    return shop.orders.place({a: 3, b: 2}, "processing", shop.now_us()).id


def refund(shop: Shop, order: int, units: dict[int, int], *, restock: bool) -> None:
    shop.orders.refund(order, units, shop.now_us(), restock=restock)


def counted(lines: Any) -> list[tuple[int, int]]:
    return [(line.refunded, line.restocked) for line in lines]


def test_a_sweep_tells_what_was_refunded_and_what_of_it_was_restocked(shop: Shop) -> None:
    order = sell(shop)
    sell(shop)
    refund(shop, order, {1: 1}, restock=True)
    refund(shop, order, {1: 1, 2: 2}, restock=False)
    sweep = OrderSweep(TERMS, START_S * SECOND_US, per_page=2)
    found = {told.order: told for told in sweep_all(shop, sweep)}
    assert counted(found["1"].lines) == [(2, 1), (2, 0)]
    assert counted(found["2"].lines) == [(0, 0), (0, 0)]
    body = decode(order_record(found["1"]).value)[1]
    assert [(row["refunded"], row["restocked"]) for row in body["lines"]] == [(2, 1), (2, 0)]


def test_an_order_looked_up_tells_them_too(shop: Shop) -> None:
    order = sell(shop)
    refund(shop, order, {2: 1}, restock=False)
    assert counted(converse(shop, look_up(str(order), TERMS)).lines) == [(0, 0), (1, 0)]


def test_a_refund_of_money_alone_refunds_no_units(shop: Shop) -> None:
    order = sell(shop)
    refund(shop, order, {}, restock=False)
    assert counted(converse(shop, look_up(str(order), TERMS)).lines) == [(0, 0), (0, 0)]


def test_refunds_that_the_shop_does_not_serve_are_asked_for_again(shop: Shop) -> None:
    refund(shop, sell(shop), {1: 3}, restock=False)
    sweep = OrderSweep(TERMS, START_S * SECOND_US)
    first = sweep.request
    assert first is not None
    assert sweep.receive(ask(shop, first)).orders == ()
    asked = sweep.request
    assert asked == refunds_of("1")
    with pytest.raises(NotServedError):
        sweep.receive(Failure("timeout", "no answer in time"))
    assert sweep.request == asked
    (told,) = sweep_all(shop, sweep)
    assert counted(told.lines) == [(3, 0), (0, 0)]


def test_the_refunds_of_an_order_that_is_gone_by_then_hold_up_no_other(shop: Shop) -> None:
    refund(shop, sell(shop), {1: 3}, restock=True)
    sell(shop)
    sweep = OrderSweep(TERMS, START_S * SECOND_US)
    first = sweep.request
    assert first is not None
    found = list(sweep.receive(ask(shop, first)).orders)
    shop.orders.delete(1)
    found += sweep_all(shop, sweep)
    assert {told.order: counted(told.lines)[0] for told in found} == {"1": (3, 3), "2": (0, 0)}


@pytest.mark.parametrize(
    "rows",
    [
        [{"line_items": "none"}],
        [{"line_items": [{"quantity": -1}]}],
        [{"line_items": [{"quantity": -1.5, "meta_data": [{"key": "_refunded_item_id"}]}]}],
        [{}],
        [],
    ],
)
def test_what_names_no_line_of_the_order_counts_for_none(rows: Any) -> None:
    assert not any(read_refunds(refunds_of("1"), reply(rows)).get(line) for line in ("1", "2"))


@pytest.mark.parametrize("body", [{"refunds": []}, ["no object"], b"<html>"])
def test_what_is_no_list_of_refunds_is_trouble(body: Any) -> None:
    with pytest.raises(NotServedError):
        read_refunds(refunds_of("1"), reply(body))
