"""The WooCommerce adapter: which product a SKU is, asked together and remembered."""

from __future__ import annotations

import pytest
from tests.support.woo_adapter import (
    KINDS,
    adapter,
    kinds,
    knowing,
    product,
    reply,
    updates,
    write_of,
)

from stockfold.channels import (
    Answer,
    Purpose,
)


def test_unknown_skus_are_looked_up_together() -> None:
    request = adapter().next_request(updates("A", "B"))
    assert request is not None
    assert (request.method, request.path) == ("GET", "/wp-json/wc/v3/products")
    assert dict(request.params)["sku"] == "A,B"
    assert dict(request.params)["per_page"] == "100"
    assert request.idempotent


def test_at_most_a_hundred_skus_are_asked_for_at_once() -> None:
    request = adapter().next_request(updates(*(f"S{n}" for n in range(250))))
    assert request is not None
    assert len(request.updates) == 100


def test_long_skus_are_asked_for_in_a_query_that_servers_take() -> None:
    request = adapter().next_request(updates(*(f"{n:03}" + "ü" * 60 for n in range(100))))
    assert request is not None
    assert 1 <= len(request.updates) < 100
    assert len(dict(request.params)["sku"].encode()) < 4000


def test_a_sku_that_holds_a_comma_is_asked_for_alone() -> None:
    woo = adapter()
    first = woo.next_request(updates("A", "B,C", "D"))
    assert first is not None
    assert [u.sku for u in first.updates] == ["A", "D"]
    alone = woo.next_request(updates("B,C", "D"))
    assert alone is not None
    assert [u.sku for u in alone.updates] == ["B,C"]
    woo.receive(alone, reply([product(1, "B"), product(2, "B,C"), product(3, "C")]))
    assert write_of(woo, *updates("B,C")).json["update"][0]["id"] == 2


def test_a_sku_that_the_shop_does_not_have_is_unmapped() -> None:
    woo = adapter()
    request = woo.next_request(updates("A", "B"))
    assert request is not None
    assert kinds(woo.receive(request, reply([product(1, "A")]))) == [
        ("B", KINDS.UNMAPPED, "sku_unknown")
    ]


def test_a_sku_of_another_case_is_not_it() -> None:
    woo = adapter()
    request = woo.next_request(updates("abc"))
    assert request is not None
    assert kinds(woo.receive(request, reply([product(1, "ABC")])))[0][1] is KINDS.UNMAPPED


def test_a_sku_that_names_two_products_is_refused() -> None:
    woo = adapter()
    request = woo.next_request(updates("A"))
    assert request is not None
    answer = woo.receive(request, reply([product(1, "A"), product(9, "A", parent=4)]))
    assert kinds(answer) == [("A", KINDS.REJECTED, "sku_ambiguous")]
    assert "1, 9" in answer.outcomes[0].detail
    again = woo.next_request(updates("A"))
    assert again is not None
    assert again.purpose is Purpose.LOOK_UP, "it is asked again: a merchant may have mended it"


def test_doubles_that_hide_on_a_second_page_are_found_with_fewer_skus() -> None:
    woo = adapter()
    due = updates(*(f"S{n}" for n in range(100)))
    first = woo.next_request(due)
    assert first is not None
    page = [product(n, f"S{n}") for n in range(100)]
    assert woo.receive(first, reply(page, x_wp_totalpages="2")) == Answer()
    second = woo.next_request(due)
    assert second is not None
    assert second.purpose is Purpose.LOOK_UP
    assert len(second.updates) == 50


@pytest.mark.parametrize("kind", ["grouped", "external"])
def test_a_product_that_cannot_hold_stock_is_refused(kind: str) -> None:
    woo = adapter()
    request = woo.next_request(updates("A"))
    assert request is not None
    answer = woo.receive(request, reply([product(1, "A", kind=kind)]))
    assert kinds(answer) == [("A", KINDS.REJECTED, "type_without_stock")]


def test_what_was_looked_up_is_not_looked_up_again() -> None:
    woo = knowing(product(1, "A"))
    for _ in range(3):
        assert write_of(woo, *updates("A")).path == "/wp-json/wc/v3/products/batch"
