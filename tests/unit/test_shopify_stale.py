"""What others do meanwhile undoes a write of Shopify: it is noticed, and made good."""

from __future__ import annotations

import pytest
from tests.support.sans_io import Talk
from tests.support.shopify_talk import BERLIN, HAMBURG, codes, next_of

from stockfold.channels import (
    Outcome,
    OutcomeKind,
    Purpose,
    Response,
    StockUpdate,
)
from stockfold.channels.conformance import Fault
from stockfold.channels.shopify.fake import FakeShopify
from stockfold.channels.shopify.kind import KIND


@pytest.fixture
def shop() -> FakeShopify:
    return FakeShopify()


@pytest.fixture
def talk(shop: FakeShopify) -> Talk:
    return Talk(KIND, shop)


@pytest.mark.parametrize("names_stale", [True, False])
def test_a_sale_undoes_the_write_and_that_item_is_asked_and_written_alone(
    shop: FakeShopify, talk: Talk, names_stale: bool
) -> None:
    shop.stock.names_stale = names_stale
    for sku in ("A", "B", "C"):
        shop.list(sku, 10)
    talk.show([("A", 9), ("B", 9), ("C", 9)], 1)
    shop.sell("B", 2)
    talk.requests.clear()
    talk.show([("A", 5), ("B", 5), ("C", 5)], 2)
    told = [(r.json["operationName"], "".join(u.sku for u in r.updates)) for r in talk.requests]
    if names_stale:
        asked = [("SetStock", "AC"), ("StockById", "B")]
    else:
        asked = [("StockById", "ABC"), ("SetStock", "AC")]
    assert told == [("SetStock", "ABC"), *asked, ("SetStock", "B")]
    assert [shop.shows(sku) for sku in ("A", "B", "C")] == [5, 5, 5]


def test_writes_that_sales_undo_again_and_again_are_made_later_and_smaller(
    talk: Talk,
) -> None:
    skus = [f"S{number}" for number in range(30)]
    for sku in skus:
        talk.subject.list(sku, 10)
    updates = [StockUpdate(sku, 5, 1) for sku in skus]
    talk.ask(next_of(talk, updates))
    body = b'{"data": {"inventorySetQuantities": {"userErrors": [%s]}}}'
    stale = body % b'{"code": "CHANGE_FROM_QUANTITY_STALE", "field": null, "message": "x"}'
    ended: list[Outcome] = []
    for _ in range(30):
        request = next_of(talk, updates)
        if request.purpose is not Purpose.WRITE:
            talk.ask(request)
            continue
        ended += talk.adapter.receive(request, Response(200, {}, stale)).outcomes
        if ended:
            break
    assert {(one.kind, one.whole_request) for one in ended} == {(OutcomeKind.RETRYABLE, True)}


def test_after_a_sale_units_are_added_only_when_the_order_had_time_to_come(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    before_s = shop.now_s
    talk.show([("A", 20)], 2)
    assert "sold_meanwhile" in codes(talk)
    assert shop.now_s - before_s >= 5.0
    assert shop.shows("A") == 20


def test_after_a_sale_a_zero_goes_out_at_once(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    before_s = shop.now_s
    talk.show([("A", 0)], 2)
    assert (shop.now_s, shop.shows("A")) == (before_s, 0)


def test_a_sale_that_we_know_of_already_is_no_write_at_all(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    shop.sell("A", 2)
    talk.show([("A", 7)], 2)
    assert [quantity for _, quantity in shop.writes] == [9]


def test_an_item_that_sells_again_and_again_is_retried_later(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 10)
    talk.show([("A", 9)], 1)
    (update,) = updates = [StockUpdate("A", 5, 2)]
    shop.sell("A", 1)
    talk.ask(next_of(talk, updates))
    talk.ask(next_of(talk, updates))
    shop.sell("A", 1)
    (outcome,) = talk.ask(next_of(talk, updates)).outcomes
    assert (outcome.update, outcome.kind) == (update, OutcomeKind.RETRYABLE)
    assert outcome.retry_after_s == 5.0
    assert talk.show([("A", 5)], 2)["A"].kind is OutcomeKind.APPLIED


def test_when_sales_undo_two_writes_in_a_row_everything_in_the_second_is_asked_anew(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.stock.names_stale = True
    skus = [f"S{number}" for number in range(4)]
    for sku in skus:
        shop.list(sku, 10)
    talk.show([(sku, 9) for sku in skus], 1)
    updates = [StockUpdate(sku, 5, 2) for sku in skus]
    shop.sell("S0", 1)
    talk.ask(next_of(talk, updates))
    shop.sell("S1", 1)
    talk.ask(next_of(talk, updates[1:]))
    asked = next_of(talk, updates[1:])
    assert [u.sku for u in asked.updates] == ["S1", "S2", "S3"]
    assert asked.json["operationName"] == "StockById"


def test_an_answer_that_got_lost_is_read_back_and_nothing_is_written_twice(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    request = next_of(talk, [StockUpdate("A", 5, 1)])
    talk.ask(request)
    shop.fail(Fault.LOST)
    assert talk.show([("A", 5)])["A"].kind is OutcomeKind.APPLIED
    assert shop.writes == (("A", 5),)


def test_a_write_after_a_lost_answer_is_not_taken_for_the_lost_one(
    shop: FakeShopify, talk: Talk
) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    shop.fail(Fault.LOST)
    talk.show([("A", 5)], 1)
    shop.sell("A", 1)
    talk.show([("A", 5)], 1)
    assert shop.shows("A") == 5


def test_the_key_stays_the_same_until_a_write_was_answered(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    talk.ask(next_of(talk, [StockUpdate("A", 5, 1)]))
    shop.fail(Fault.THROTTLED)
    updates = [StockUpdate("A", 5, 1)]
    first = next_of(talk, updates)
    assert talk.ask(first).trouble is not None
    again = next_of(talk, updates)
    shop.advance(20)
    assert talk.ask(again).outcomes[0].kind is OutcomeKind.APPLIED
    third = next_of(talk, updates)
    keys = [request.json["variables"]["key"] for request in (first, again, third)]
    assert keys[0] == keys[1] != keys[2]


def test_a_key_is_no_key_of_the_life_before(shop: FakeShopify, talk: Talk) -> None:
    shop.list("A", 3)
    talk.show([("A", 5)], 1)
    shop.stock.named("A")[0].levels[BERLIN].available = 3  # By hand, in the shop.
    talk.restart()
    assert talk.show([("A", 5)], 1)["A"].kind is OutcomeKind.APPLIED
    assert shop.shows("A") == 5


def test_units_that_are_sold_there_already_are_taken_off_where_most_are(talk: Talk) -> None:
    update = StockUpdate("A", 9, 1, unseen=3, locations=(("berlin", 4), ("hamburg", 5)))
    shown = talk.adapter.to_show(update)
    assert (shown.quantity, shown.locations) == (6, ((BERLIN, 4), (HAMBURG, 2)))


def _answered(talk: Talk, errors: str) -> tuple[Outcome, ...]:
    talk.subject.list("A", 3)
    updates = [StockUpdate("A", 5, 1)]
    talk.ask(next_of(talk, updates))
    body = f'{{"data": {{"inventorySetQuantities": {{"userErrors": [{errors}]}}}}}}'
    return talk.adapter.receive(next_of(talk, updates), Response(200, {}, body.encode())).outcomes


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", OutcomeKind.RETRYABLE),
        ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", OutcomeKind.RETRYABLE),
        ("SOMETHING_NEW", OutcomeKind.REJECTED),
    ],
)
def test_an_error_that_names_no_item_is_that_of_the_only_one(
    talk: Talk, code: str, kind: OutcomeKind
) -> None:
    (outcome,) = _answered(talk, f'{{"code": "{code}", "field": null, "message": "no"}}')
    assert (outcome.kind, outcome.code) == (kind, code)
