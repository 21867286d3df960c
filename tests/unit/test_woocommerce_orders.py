"""What is read in a WooCommerce order: one test per meaning."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.support.woo_orders import MODIFIED_US, PERSONAL, TERMS, line, order

from stockfold.channels.orders import SETTLED, ChannelOrder, OrderStatus, Tax
from stockfold.channels.woocommerce.orders import Gone, OrderTerms, read_body, read_order
from stockfold.domain.errors import ContractError

MINUTE_US = 60_000_000


def read(told: Any, terms: OrderTerms = TERMS) -> ChannelOrder:
    found = read_body(json.dumps(told).encode(), terms)
    assert isinstance(found, ChannelOrder)
    return found


def one_line(**changes: Any) -> Any:
    return read(order(line_items=[line(**changes)])).lines[0]


def test_pending_holds_for_the_shops_own_time_and_sells_nothing() -> None:
    found = read(order("pending"))
    assert (found.status, found.accepted) == (OrderStatus.PENDING, False)
    assert found.hold_until == MODIFIED_US + 60 * MINUTE_US
    short = OrderTerms("woo-de", hold_minutes=15)
    assert read(order("pending"), short).hold_until == MODIFIED_US + 15 * MINUTE_US
    assert read(order("pending"), OrderTerms("woo-de", hold_minutes=None)).hold_until is None


@pytest.mark.parametrize(
    ("status", "ours", "accepted"),
    [
        ("checkout-draft", OrderStatus.DRAFT, False),
        ("on-hold", OrderStatus.ON_HOLD, True),
        ("processing", OrderStatus.PROCESSING, True),
        ("completed", OrderStatus.COMPLETED, True),
        ("cancelled", OrderStatus.CANCELLED, False),
        ("failed", OrderStatus.FAILED, False),
        ("refunded", OrderStatus.REFUNDED, True),
        ("trash", OrderStatus.DELETED, False),
        ("wc-processing", OrderStatus.PROCESSING, True),
    ],
)
def test_every_status_has_one_meaning(status: str, ours: OrderStatus, accepted: bool) -> None:
    found = read(order(status))
    assert (found.status, found.accepted) == (ours, accepted)


def test_processing_ships_nothing_and_completed_ships_all() -> None:
    assert read(order("processing")).lines[0].shipped == 0
    assert read(order("completed")).lines[0].shipped == 3


def test_units_refunded_and_restocked_before_completion_do_not_ship() -> None:
    (told,) = read(order("completed", line_items=[line(reduced=2, restocked=1)])).lines
    assert (told.quantity, told.shipped, told.restocked) == (3, 2, 1)


def test_a_refund_without_restock_moves_nothing() -> None:
    refunds = [{"id": 9, "reason": "", "total": "-29.97"}]
    (told,) = read(order("refunded", line_items=[line(reduced=3)], refunds=refunds)).lines
    assert (told.shipped, told.restocked) == (0, 0)


def test_a_refund_after_completion_remembers_what_shipped() -> None:
    done = {"date_completed_gmt": "2026-11-24T08:00:00"}
    (told,) = read(order("refunded", line_items=[line(restocked=1)], **done)).lines
    assert (told.shipped, told.restocked) == (2, 1)
    assert read(order("cancelled", **done)).lines[0].shipped == 3


def test_edited_lines_are_told_as_they_are_now() -> None:
    found = read(order(line_items=[line(11, quantity=5), line(12, sku="B", quantity=0)]))
    assert [(told.line, told.code, told.quantity) for told in found.lines] == [
        ("11", "A", 5),
        ("12", "B", 0),
    ]


def test_a_variation_is_named_with_its_parent() -> None:
    assert one_line(product_id=10, variation_id=12).product == "10/12"
    assert one_line(product_id=10).product == "10"


@pytest.mark.parametrize("sku", ["", None, False, [], "x" * 300])
def test_a_line_without_a_sku_keeps_its_place_and_its_product(sku: Any) -> None:
    told = one_line(sku=sku)
    assert (told.line, told.code, told.product, told.quantity) == ("11", "", "10", 3)


def test_a_sku_loses_blanks_around_it_and_nothing_else() -> None:
    assert one_line(sku="  Größe 4|ü ").code == "Größe 4|ü"
    assert one_line(sku=4711).code == "4711"


@pytest.mark.parametrize("quantity", [2, 2.0, "2", "2.00", " 2 "])
def test_whole_quantities_are_taken_in_every_form_that_shops_write(quantity: Any) -> None:
    told = one_line(quantity=quantity)
    assert (told.quantity, told.problem) == (2, "")


@pytest.mark.parametrize(
    "quantity", [1.5, "0.25", -1, "abc", "1_0", "", None, True, [3], 10**13, 1e300, "nan", "٣"]
)
def test_what_is_no_whole_number_is_told_and_never_rounded(quantity: Any) -> None:
    told = one_line(quantity=quantity)
    assert told.problem
    assert (told.quantity, told.shipped, told.restocked) == (0, 0, 0)


def test_one_bad_line_does_not_hold_up_the_others() -> None:
    found = read(order(line_items=[line(11, quantity=1.5), "nonsense", line(13)]))
    assert [bool(told.problem) for told in found.lines] == [True, True, False]
    assert [told.line for told in found.lines] == ["11", "#2", "13"]


def test_more_restocked_than_ordered_is_bounded_by_what_was_ordered() -> None:
    assert one_line(restocked="7").restocked == 3


@pytest.mark.parametrize(
    ("changes", "ours"),
    [
        ({"line_items": [line(reduced="3")]}, OrderStatus.PROCESSING),
        ({"date_paid_gmt": "2026-11-25T10:00:00"}, OrderStatus.PROCESSING),
        ({}, OrderStatus.PENDING),
    ],
)
def test_a_plugins_status_means_what_the_shop_did_with_stock(
    changes: dict[str, Any], ours: OrderStatus
) -> None:
    assert read(order("awaiting-pick", **changes)).status is ours


def test_settings_say_what_a_plugins_status_means() -> None:
    terms = OrderTerms("woo-de", statuses={"shipped": OrderStatus.COMPLETED})
    found = read(order("shipped"), terms)
    assert (found.status, found.lines[0].shipped) == (OrderStatus.COMPLETED, 3)


def test_dates_are_gmt_whatever_the_shops_own_zone() -> None:
    found = read(order(date_modified="2026-11-25T23:00:07"))
    assert found.occurred_at == MODIFIED_US
    assert found.created_at == MODIFIED_US - 67_000_000


def test_taxes_are_named_by_the_rates_of_the_order() -> None:
    rates = [
        {"id": 5, "rate_id": 1, "rate_code": "DE-MWST-1", "rate_percent": 19},
        {"id": 6, "rate_id": 2, "rate_code": "DE-7-1", "rate_percent": "7.5"},
    ]
    (told,) = read(order(tax_lines=rates, prices_include_tax=True)).lines
    assert told.taxes == (Tax("DE-MWST-1", 190_000, included=True),)
    taxes = [{"id": 2, "total": "1"}, {"id": 1, "total": ""}]
    (told,) = read(order(tax_lines=rates, line_items=[line(taxes=taxes)])).lines
    assert told.taxes == (Tax("DE-7-1", 75_000, included=False),)


def test_a_tax_without_a_rate_has_no_code() -> None:
    assert read(order()).lines[0].taxes == (Tax(""),)


def test_an_error_in_an_orders_place_tells_nothing() -> None:
    error = {"code": "woocommerce_rest_shop_order_invalid_id", "message": "", "data": {}}
    assert read_body(json.dumps(error).encode(), TERMS) is None


def test_a_later_change_has_a_higher_revision_whatever_it_says() -> None:
    earlier = read(order("refunded", line_items=[line(restocked=3, quantity=10**12)]))
    later = read(order("pending", date_modified_gmt="2026-11-25T10:00:08"))
    assert later.revision > earlier.revision


def test_within_one_second_the_state_further_on_wins_and_a_settled_reading_always() -> None:
    pending, processing, done = (read(order(s)) for s in ("pending", "processing", "completed"))
    assert pending.revision < processing.revision < done.revision
    modified_s = MODIFIED_US // 1_000_000
    early = read_order(order("pending"), TERMS, modified_s + 59)
    settled = read_order(order("pending"), TERMS, modified_s + 60)
    assert early.revision == pending.revision
    assert settled.revision == MODIFIED_US + SETTLED > done.revision


def test_the_same_state_has_the_same_id_however_its_json_is_written() -> None:
    told = order()
    compact = json.dumps(told, separators=(",", ":"), sort_keys=True).encode()
    found = read_body(b"\xef\xbb\xbf" + compact, TERMS)
    assert isinstance(found, ChannelOrder)
    assert found.event_id == read(told).event_id
    assert read(order(customer_note="other")).event_id == found.event_id
    assert read(order("completed")).event_id != found.event_id


def test_no_personal_data_is_kept() -> None:
    kept = msgspec.json.encode(read(order())).decode()
    for value in (*PERSONAL.values(), "Erika", "203.0.113.9"):
        assert value not in kept


def test_a_deletion_tells_the_order_alone() -> None:
    assert read_body(b'{"id":727}', TERMS) == Gone("727")
    assert read_body(b'{"id":"727"}', TERMS) == Gone("727")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"order"',
        b"\xff\xfe{\x00}\x00",
        '{"id":"727"}'.encode("utf-16"),
        b'{"id":727,"status":"\xe4"}',
        b'{"id":true}',
        b'{"id":-5}',
        b'{"id":99999999999999999999}',
        b'{"id":"727x"}',
        b'{"id":727,"status":"processing"}',
        b'{"id":727,"status":"processing","line_items":{}}',
        b'{"id":727,"status":{},"line_items":[],"date_modified_gmt":"2026-11-25T10:00:07"}',
        b'{"id":727,"status":"processing","line_items":[],"date_modified_gmt":"yesterday"}',
        b'{"id":727,"status":"processing","line_items":[],"date_modified_gmt":null}',
        b'{"id":727,"status":"processing","line_items":[],"date_modified_gmt":"0001-01-01T00:00:00"}',
        b'{"order":{"id":727}}',
        b"[" * 100_000 + b"]" * 100_000,
        b'{"id":727,"status":"processing","line_items":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b'{"a":' * 100_000,
    ],
    ids=range(22),
)
def test_what_is_no_order_is_refused_with_its_reason(body: bytes) -> None:
    with pytest.raises(ContractError) as caught:
        read_body(body, TERMS)
    assert caught.value.kind == "unreadable_order"
    assert caught.value.remedy
