"""A parcel in the shop's order: where it stands there, and that it stands there once."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask, converse

from stockfold.channels import Failure
from stockfold.channels.parcels import Parcel, checked
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.order_meta import CORRELATION_KEY
from stockfold.channels.woocommerce.shipments import (
    MARKS_KEY,
    TrackingTerms,
    Written,
    sentence,
    write_parcel,
)
from stockfold.domain.errors import ContractError

ITEMS = "_wc_shipment_tracking_items"
TERMS = TrackingTerms("carrier", "number", "url", ITEMS, "customer", complete=True)


@pytest.fixture
def shop() -> Shop:
    shop = Shop()
    shop.add_products(["A", "B"], 10)
    ids = [shop.catalogue.ids_of_sku[sku][0] for sku in "AB"]
    shop.orders.place({ids[0]: 2, ids[1]: 1}, "processing", shop.now_us())
    return shop


def parcel(shipment: str = "S-1", **changes: Any) -> Parcel:
    whole = Parcel(
        order="1",
        shipment=shipment,
        correlation="woo-de|1",
        shipped_at_us=1_790_000_000_000_000,
        carrier="DHL",
        tracking_number=f"0034-{shipment}",
        tracking_url=f"https://track.example/0034-{shipment}",
        lines=(("1", 2),),
    )
    return msgspec.structs.replace(whole, **changes)


def write(shop: Shop, one: Parcel, terms: TrackingTerms = TERMS) -> Written:
    return converse(shop, write_parcel(one, terms))


def test_carrier_tracking_and_our_correlation_id_stand_in_the_order(shop: Shop) -> None:
    assert write(shop, parcel()) == Written("processing", was_done=False, note_added=True)
    order = shop.orders.orders[1]
    assert order.meta[CORRELATION_KEY] == "woo-de|1"
    assert (order.meta["carrier"], order.meta["number"]) == ("DHL", "0034-S-1")
    assert order.meta["url"] == "https://track.example/0034-S-1"
    (item,) = order.meta[ITEMS]
    assert item["custom_tracking_provider"] == "DHL"
    assert (item["tracking_number"], item["date_shipped"]) == ("0034-S-1", "1790000000")
    assert [note["note"] for note in order.notes] == [sentence(parcel())]


def test_the_same_shipment_again_changes_nothing(shop: Shop) -> None:
    write(shop, parcel())
    before = shop.orders.orders[1].shown(shop.catalogue)
    assert write(shop, parcel()).was_done
    assert write(shop, parcel(carrier="UPS")).was_done
    assert shop.orders.orders[1].shown(shop.catalogue) == before


def test_partial_shipments_add_up_and_the_last_completes_the_order(shop: Shop) -> None:
    assert not write(shop, parcel("S-1", lines=(("1", 1),))).completed
    assert not write(shop, parcel("S-2", lines=(("2", 1),), correlation="x y")).completed
    last = write(shop, parcel("S-3", lines=(("1", 1),), carrier="UPS"))
    assert (last.completed, last.status) == (True, "completed")
    meta = shop.orders.orders[1].meta
    assert meta["carrier"] == "DHL, UPS"
    assert meta["number"] == "0034-S-1, 0034-S-2, 0034-S-3"
    assert [item["tracking_number"] for item in meta[ITEMS]] == meta["number"].split(", ")
    assert len(meta[CORRELATION_KEY].split()) == 2
    assert len(meta[MARKS_KEY].split()) == len(shop.orders.orders[1].notes) == 3


def test_units_that_were_refunded_and_restocked_need_not_leave(shop: Shop) -> None:
    write(shop, parcel("S-1", lines=(("1", 1), ("2", 1))))
    shop.orders.refund(1, {1: 1}, shop.now_us(), restock=True)
    assert write(shop, parcel("S-2", lines=())).completed


def test_an_order_keeps_its_status_unless_completion_is_wanted(shop: Shop) -> None:
    everything = parcel(lines=(("1", 2), ("2", 1)))
    assert write(shop, everything, TrackingTerms("carrier")).status == "processing"
    assert shop.orders.orders[1].notes == []


@pytest.mark.parametrize("status", ["on-hold", "cancelled", "refunded", "failed", "pending"])
def test_only_an_order_in_processing_is_completed(shop: Shop, status: str) -> None:
    shop.orders.set_status(1, status, shop.now_us())
    assert write(shop, parcel(lines=(("1", 2), ("2", 1)))).status == status


@pytest.mark.parametrize("requests", range(1, 5))
@pytest.mark.parametrize("note", ["none", "private", "customer"])
def test_a_parcel_cut_off_anywhere_is_finished_by_the_next_try(
    shop: Shop, requests: int, note: Any
) -> None:
    terms = msgspec.structs.replace(TERMS, note=note)
    whole = parcel(lines=(("1", 2), ("2", 1)))
    cut_off = write_parcel(whole, terms)
    request = next(cut_off)
    for number in range(requests):
        answer = ask(shop, request)
        if number == requests - 1:  # The shop did it; its answer was lost.
            with pytest.raises(NotServedError):
                cut_off.send(Failure("timeout", "no answer in time"))
            break
        try:
            request = cut_off.send(answer)
        except StopIteration:
            break
    write(shop, whole, terms)
    assert write(shop, whole, terms).was_done
    order = shop.orders.orders[1]
    assert order.status == "completed"
    assert len(order.notes) == (note != "none")
    assert len(order.meta[ITEMS]) == len(order.meta[MARKS_KEY].split()) == 1


def test_entries_of_others_in_the_plugins_list_are_kept(shop: Shop) -> None:
    shop.orders.annotate(1, [{"key": ITEMS, "value": {"0": {"a": 1}, "2": {"b": 2}}}], 0)
    write(shop, parcel())
    assert shop.orders.orders[1].meta[ITEMS][:2] == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("order", ["999", "../products/1", "x", ""])
def test_an_order_that_the_shop_does_not_have_is_refused_for_good(shop: Shop, order: str) -> None:
    with pytest.raises(ContractError) as refused:
        write(shop, parcel(order=order))
    assert refused.value.kind == "shipment_refused"


def test_what_woocommerce_calls_wrong_is_refused_and_what_stands_before_it_is_not(
    shop: Shop,
) -> None:
    for status, body, raised in (
        (400, b'{"code":"rest_invalid_param","message":"no"}', ContractError),
        (401, b'{"code":"woocommerce_rest_cannot_edit","message":"no"}', NotServedError),
        (403, b"<html>firewall</html>", NotServedError),
        (404, b"<html>nothing</html>", NotServedError),
        (500, b'{"code":"internal_server_error","message":"no"}', NotServedError),
        (200, b"[]", NotServedError),
    ):
        talk = write_parcel(parcel(), TERMS)
        next(talk)
        with pytest.raises(raised):
            talk.send(reply(body, status))


@pytest.mark.parametrize(
    "change",
    [
        {"carrier": "<script>"},
        {"carrier": "a\nb"},
        {"tracking_number": "9" * 256},
        {"tracking_url": "javascript:alert(1)"},
        {"tracking_url": "https://[half"},
        {"shipment": ""},
        {"lines": (("1", 0),)},
        {"lines": (("1 2", 1),)},
        {"lines": (("1", 1), ("1", 2))},
    ],
)
def test_what_no_shop_should_be_shown_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ContractError) as refused:
        checked(parcel(**change))
    assert refused.value.kind == "bad_shipment"
