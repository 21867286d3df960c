"""What the shop showed of a listing, from look-ups and from the echoes of writes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.woo_adapter import adapter, echo, knowing, product, reply, updates, write_of

from stockfold.channels import Failure, Observed


def stocked(number: int, sku: str, quantity: Any, **changes: Any) -> dict[str, Any]:
    return {**product(number, sku), "manage_stock": True, "stock_quantity": quantity, **changes}


def looked_up(*rows: dict[str, Any], skus: tuple[str, ...] = ("A",)) -> tuple[Observed, ...]:
    woo = adapter()
    request = woo.next_request(updates(*skus))
    assert request is not None
    return woo.receive(request, reply(list(rows))).observed


def test_a_look_up_shows_the_quantity_from_before_any_write() -> None:
    found = looked_up(stocked(1, "A", 7, backorders="no"), stocked(2, "B", -1), skus=("A", "B"))
    assert found == (
        Observed("A", 7, listing="1", backorders="no"),
        Observed("B", -1, listing="2"),
    )


@pytest.mark.parametrize("managed", [False, "parent", None])
def test_stock_that_is_not_the_listings_own_has_no_quantity(managed: object) -> None:
    row = stocked(1, "A", 9, manage_stock=managed)
    assert looked_up(row) == (Observed("A", None, managed=False, listing="1"),)


def test_what_is_no_whole_number_is_no_quantity() -> None:
    assert looked_up(stocked(1, "A", 1.5)) == (Observed("A", None, listing="1"),)


def test_of_an_ambiguous_or_unknown_sku_nothing_was_observed() -> None:
    assert looked_up(stocked(1, "A", 7), stocked(2, "A", 7), skus=("A", "B")) == ()


def test_an_echo_tells_what_was_written_and_what_is_shown() -> None:
    woo = knowing(product(1, "A"))
    request = write_of(woo, *updates("A", quantity=5))
    answer = woo.receive(request, reply(echo(request, stock_quantity=4)))
    assert answer.observed == (Observed("A", 4, listing="1", written=5),)


def test_an_item_that_failed_shows_nothing_and_neither_does_a_lost_answer() -> None:
    woo = knowing(product(1, "A"), product(2, "B"))
    request = write_of(woo, *updates("A", "B", quantity=5))
    failed = {"id": 1, "error": {"code": "x", "message": "", "data": {"status": 500}}}
    other = {**request.json["update"][1], "stock_quantity": 5}
    answer = woo.receive(request, reply({"update": [failed, other]}))
    assert [one.sku for one in answer.observed] == ["B"]
    again = write_of(woo, *updates("A", "B", quantity=6))
    assert woo.receive(again, Failure("timeout", "")).observed == ()


def test_an_unclear_write_that_is_read_back_is_observed_as_a_read() -> None:
    woo = knowing(product(1, "A"))
    woo.receive(write_of(woo, *updates("A", quantity=5)), Failure("timeout", ""))
    request = woo.next_request(updates("A", quantity=5))
    assert request is not None
    answer = woo.receive(request, reply([stocked(1, "A", 5)]))
    assert answer.observed == (Observed("A", 5, listing="1"),)
