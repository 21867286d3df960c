"""What is read in a Shopify order: one test per meaning."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from stockfold.channels.orders import ChannelOrder, OrderStatus, Tax
from stockfold.channels.shopify.orders import FINAL_REVISION, read_body
from stockfold.domain.errors import ContractError

UPDATED_US = 1_795_600_807_000_000
NOW_US = UPDATED_US + 5_000_000


def line(number: int = 466, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "variant_id": 447,
        "sku": "A",
        "name": "A shirt for Erika",
        "quantity": 3,
        "current_quantity": 3,
        "requires_shipping": True,
        "gift_card": False,
        "taxable": True,
        "tax_lines": [{"title": "MwSt", "rate": 0.19, "price": "5.69"}],
        **changes,
    }


def order(**changes: Any) -> dict[str, Any]:
    return {
        "id": 820,
        "email": "erika@example.org",
        "created_at": "2026-11-25T04:59:00-05:00",
        "updated_at": "2026-11-25T05:00:07-05:00",
        "cancelled_at": None,
        "financial_status": "paid",
        "fulfillment_status": None,
        "line_items": [line()],
        "fulfillments": [],
        "refunds": [],
        "shipping_address": {"first_name": "Erika", "address1": "Heidestraße 17"},
        **changes,
    }


def refund(kind: str, quantity: int = 1, item: int = 466) -> dict[str, Any]:
    row = {"id": 1, "line_item_id": item, "quantity": quantity, "restock_type": kind}
    return {"id": 509, "refund_line_items": [row]}


def fulfilment(quantity: int, status: str = "success") -> dict[str, Any]:
    return {"id": 255, "status": status, "line_items": [{"id": 466, "quantity": quantity}]}


def read(told: Any, topic: str = "orders/updated") -> ChannelOrder:
    found = read_body(json.dumps(told).encode(), topic, "shop", NOW_US)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("changes", "ours", "accepted"),
    [
        ({}, OrderStatus.PROCESSING, True),
        ({"financial_status": "pending"}, OrderStatus.ON_HOLD, True),
        ({"financial_status": "authorized"}, OrderStatus.PROCESSING, True),
        ({"financial_status": "partially_refunded"}, OrderStatus.PROCESSING, True),
        ({"financial_status": "voided"}, OrderStatus.FAILED, False),
        ({"financial_status": "refunded"}, OrderStatus.REFUNDED, True),
        ({"fulfillment_status": "fulfilled"}, OrderStatus.COMPLETED, True),
        ({"fulfillment_status": "partial"}, OrderStatus.PROCESSING, True),
        ({"cancelled_at": "2026-11-25T05:00:07-05:00"}, OrderStatus.CANCELLED, False),
    ],
)
def test_two_statuses_become_one_word(
    changes: dict[str, Any], ours: OrderStatus, accepted: bool
) -> None:
    found = read(order(**changes))
    assert (found.status, found.accepted) == (ours, accepted)


def test_dates_with_any_offset_become_utc() -> None:
    found = read(order())
    assert (found.occurred_at, found.created_at) == (UPDATED_US, UPDATED_US - 67_000_000)
    assert read(order(updated_at="2026-11-25T10:00:07Z")).occurred_at == UPDATED_US


def test_fulfilments_that_went_well_are_what_shipped() -> None:
    told = order(fulfillments=[fulfilment(1), fulfilment(1), fulfilment(1, "cancelled")])
    assert read(told).lines[0].shipped == 2


@pytest.mark.parametrize(
    ("kind", "restocked"), [("no_restock", 0), ("cancel", 1), ("return", 1), ("legacy_restock", 1)]
)
def test_a_refund_puts_back_what_its_restock_type_says(kind: str, restocked: int) -> None:
    (told,) = read(order(refunds=[refund(kind)])).lines
    assert (told.quantity, told.refunded, told.restocked) == (3, 1, restocked)


def test_refunds_of_one_line_add_up_and_of_another_do_not() -> None:
    told = order(refunds=[refund("cancel"), refund("no_restock"), refund("return", item=5)])
    (found,) = read(told).lines
    assert (found.refunded, found.restocked) == (2, 1)


def test_units_taken_out_by_editing_count_as_refunded() -> None:
    (told,) = read(order(line_items=[line(current_quantity=1)])).lines
    assert (told.quantity, told.refunded, told.restocked) == (3, 2, 0)


def test_what_lies_on_no_shelf_is_left_out() -> None:
    lines = [line(1, gift_card=True), line(2, requires_shipping=False), line(3)]
    assert [told.line for told in read(order(line_items=lines)).lines] == ["3"]


def test_a_line_without_a_sku_keeps_its_place() -> None:
    (told,) = read(order(line_items=[line(sku=None, variant_id=None)])).lines
    assert (told.line, told.code, told.product, told.quantity) == ("466", "", "", 3)


@pytest.mark.parametrize("quantity", [1.5, -1, "x", None])
def test_what_is_no_whole_number_is_told(quantity: Any) -> None:
    (told,) = read(order(line_items=[line(quantity=quantity)])).lines
    assert told.problem
    assert told.quantity == 0


def test_tax_is_named() -> None:
    assert read(order(taxes_included=True)).lines[0].taxes == (Tax("MwSt", 190_000, True),)
    assert read(order(taxes_included=False)).lines[0].taxes == (Tax("MwSt", 190_000, False),)
    assert read(order(line_items=[line(tax_lines=[])])).lines[0].taxes == ()


def test_a_deletion_is_final_and_the_same_whenever_it_comes() -> None:
    first = read({"id": 820}, "orders/delete")
    assert (first.status, first.revision) == (OrderStatus.DELETED, FINAL_REVISION)
    again = read_body(b'{"id":820}', "orders/delete", "shop", NOW_US + 9)
    assert again is not None
    assert again.event_id == first.event_id


@pytest.mark.parametrize("topic", ["refunds/create", "orders/edited", "products/update", ""])
def test_topics_that_another_one_follows_tell_nothing(topic: str) -> None:
    assert read_body(b"anything", topic, "shop", NOW_US) is None


def test_no_personal_data_is_kept() -> None:
    kept = msgspec.json.encode(read(order())).decode()
    for value in ("Erika", "erika@example.org", "Heidestraße 17"):
        assert value not in kept


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"id":"820"}',
        b'{"id":820}',
        b'{"id":820,"line_items":[],"updated_at":"2026-11-25T10:00:07"}',
        b'{"id":820,"line_items":5,"updated_at":"2026-11-25T10:00:07Z"}',
        b'{"id":820,"line_items":[],"updated_at":"0001-01-01T10:00:07Z"}',
        b'{"id":820,"line_items":' + b"[" * 90_000,
        b"\xff",
    ],
    ids=range(9),
)
def test_what_is_no_order_is_refused_with_its_reason(body: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        read_body(body, "orders/updated", "shop", NOW_US)
    assert caught.value.kind == "unreadable_order"
