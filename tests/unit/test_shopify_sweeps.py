"""A sweep of Shopify tells of every changed order what its webhook would have told."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.support.shopify_shop import COST_MAX, RATE, TOKEN, Order, ShopifyShop, dated

from stockfold.channels import Failure, Request, Response, TroubleKind
from stockfold.channels.orders import SETTLED, ChannelOrder, OrderStatus
from stockfold.channels.shopify.asking import ShopifyAccess
from stockfold.channels.shopify.orders import read_body
from stockfold.channels.shopify.sweeps import LINES_PER_PAGE, PARTS_MAX, PER_PAGE, ShopifySweep
from stockfold.channels.woocommerce.asking import NotServedError

START_S = 1_795_600_800
SECOND_US = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.s = float(START_S)

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> ShopifyShop:
    return ShopifyShop(clock)


def sweep(after_s: float = START_S) -> ShopifySweep:
    return ShopifySweep("shop", int(after_s * SECOND_US))


def ask(shop: ShopifyShop, request: Request, token: str = TOKEN) -> Response:
    signed = ShopifyAccess(token).authorize(request, 0, "")
    status, body = shop.answer(dict(signed.headers)["x-shopify-access-token"], signed.json)
    return Response(status, {"date": dated(shop.now_s())}, body)


def sweep_all(shop: ShopifyShop, reading: ShopifySweep, clock: Clock) -> list[ChannelOrder]:
    """Every order, by a reader that leaves the shop alone for as long as it is asked to."""
    found: list[ChannelOrder] = []
    while (request := reading.request) is not None:
        page = reading.receive(ask(shop, request))
        assert not page.unread
        found += page.orders
        clock.s += reading.pause_s
    return found


def told(shop: ShopifyShop, order: Order) -> ChannelOrder:
    """The same order by its webhook."""
    found = read_body(shop.webhook(order), "orders/updated", "shop", 0)
    assert found is not None
    return found


def content(order: ChannelOrder) -> ChannelOrder:
    return msgspec.structs.replace(order, revision=0)


def test_a_sweep_tells_what_webhooks_tell(shop: ShopifyShop, clock: Clock) -> None:
    paid = shop.place(A=3, B=2, GIFT=1)
    shop.fulfil(paid, {paid.lines[0].id: 2})
    shop.fulfil(paid, {paid.lines[1].id: 1}, "CANCELLED")
    shop.refund(paid, paid.lines[0].id, 1, "CANCEL")
    shop.refund(paid, paid.lines[1].id, 1, "NO_RESTOCK")
    whole = shop.place(A=1)
    shop.fulfil(whole, {whole.lines[0].id: 1})
    unpaid, gone = shop.place("PENDING", A=1), shop.place(A=1)
    shop.cancel(gone)
    found = sweep_all(shop, sweep(), clock)
    assert [content(order) for order in found] == [
        content(told(shop, order)) for order in (paid, whole, unpaid, gone)
    ]
    assert [order.status for order in found] == [
        OrderStatus.PROCESSING,
        OrderStatus.COMPLETED,
        OrderStatus.ON_HOLD,
        OrderStatus.CANCELLED,
    ]
    first, second = found[0].lines
    assert (first.shipped, first.refunded, first.restocked) == (2, 1, 1)
    assert (second.shipped, second.refunded, second.restocked) == (0, 1, 0)


def test_orders_and_lines_beyond_a_page_are_read_too(shop: ShopifyShop, clock: Clock) -> None:
    many = {f"S{number}": 1 for number in range(LINES_PER_PAGE * 2 + 1)}
    large = shop.place(**many)
    shop.fulfil(large, {line.id: 1 for line in large.lines})
    for _ in range(PER_PAGE + 5):
        clock.s += 1
        shop.place(A=1)
    found = sweep_all(shop, sweep(), clock)
    assert len(found) == PER_PAGE + 6
    assert [line.shipped for line in found[0].lines] == [1] * len(many)


def test_what_changed_before_is_left_out_and_the_newest_change_is_told(
    shop: ShopifyShop, clock: Clock
) -> None:
    shop.place(A=1)
    clock.s += 100
    new = shop.place(A=1)
    reading = sweep(START_S + 50)
    assert [order.order for order in sweep_all(shop, reading, clock)] == [str(new.id)]
    assert reading.latest_us == (START_S + 100) * SECOND_US


def test_an_order_that_changes_while_it_is_swept_is_told_again(
    shop: ShopifyShop, clock: Clock
) -> None:
    early, late = shop.place(A=1), shop.place(A=1)
    reading = sweep()
    reading.halve()
    request = reading.request
    assert request is not None
    reading.receive(ask(shop, request))
    for _ in range(200):
        shop.place(A=1)
    clock.s += 5
    shop.cancel(early)
    found = sweep_all(shop, reading, clock)
    assert [o.status for o in found if o.order == str(early.id)][-1] is OrderStatus.CANCELLED
    assert str(late.id) in {order.order for order in found}


def test_an_order_read_a_minute_after_its_change_is_settled(
    shop: ShopifyShop, clock: Clock
) -> None:
    shop.place(A=1)
    for later, settled in ((59, False), (60, True)):
        clock.s = START_S + later
        (found,) = sweep_all(shop, sweep(), clock)
        assert (found.revision % SECOND_US == SETTLED) is settled


def test_who_waits_as_told_is_never_throttled(shop: ShopifyShop, clock: Clock) -> None:
    for _ in range(20):
        shop.place(A=1)
    began_s = clock.s
    assert len(sweep_all(shop, sweep(), clock)) == 20
    assert shop.throttled == 0
    assert clock.s - began_s > 20 * COST_MAX / 2 / RATE - 30


def test_who_is_throttled_is_told_how_long_to_wait_and_loses_nothing(
    shop: ShopifyShop, clock: Clock
) -> None:
    shop.place(A=1)
    shop.left = 0.0
    reading = sweep()
    request = reading.request
    assert request is not None
    with pytest.raises(NotServedError) as caught:
        reading.receive(ask(shop, request))
    assert caught.value.trouble.kind is TroubleKind.LIMITED
    assert reading.request == request
    clock.s += caught.value.trouble.retry_after_s or 0
    assert len(sweep_all(shop, reading, clock)) == 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Failure("timeout", "no answer in time"), TroubleKind.UNAVAILABLE),
        (Response(502, {}, b"<html>"), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b"<html>"), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b"[]"), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b'{"data": null}'), TroubleKind.UNAVAILABLE),
        (Response(200, {}, b'{"errors": "no"}'), TroubleKind.UNAVAILABLE),
        (Response(429, {"retry-after": "2.0"}, b""), TroubleKind.LIMITED),
        (Response(401, {}, b"{}"), TroubleKind.REFUSED),
        (
            Response(200, {}, b'{"errors": [{"extensions": {"code": "ACCESS_DENIED"}}]}'),
            TroubleKind.REFUSED,
        ),
    ],
)
def test_what_is_no_answer_ends_nothing(answer: Any, kind: TroubleKind) -> None:
    reading = sweep()
    before = reading.request
    with pytest.raises(NotServedError) as caught:
        reading.receive(answer)
    assert caught.value.trouble.kind is kind
    assert reading.request == before


def test_an_order_that_cannot_be_read_holds_up_no_other(shop: ShopifyShop, clock: Clock) -> None:
    shop.place(A=1)
    good = shop.place(A=1)
    reading, found, unread = sweep(), [], []
    while (request := reading.request) is not None:
        answer = ask(shop, request)
        if len(shop.asked) == 2:
            body = answer.body.replace(b'"updatedAt": "2', b'"updatedAt": "soon, 2')
            answer = Response(answer.status, answer.headers, body)
        page = reading.receive(answer)
        found += page.orders
        unread += page.unread
        clock.s += reading.pause_s
    assert [order.order for order in found] == [str(good.id)]
    assert [problem.kind for problem in unread] == ["unreadable_order"]


def test_an_order_of_more_parcels_than_are_listed_is_not_told_in_part(
    shop: ShopifyShop, clock: Clock
) -> None:
    large = shop.place(A=300)
    for _ in range(PARTS_MAX):
        shop.fulfil(large, {large.lines[0].id: 1})
    reading, unread = sweep(), []
    while (request := reading.request) is not None:
        page = reading.receive(ask(shop, request))
        assert not page.orders
        unread += page.unread
    assert [problem.kind for problem in unread] == ["unreadable_order"]


def test_an_order_deleted_between_list_and_question_is_left_to_its_webhook(
    shop: ShopifyShop, clock: Clock
) -> None:
    gone, stays = shop.place(A=1), shop.place(A=1)
    reading = sweep()
    request = reading.request
    assert request is not None
    reading.receive(ask(shop, request))
    del shop.orders[gone.id]
    assert [order.order for order in sweep_all(shop, reading, clock)] == [str(stays.id)]
