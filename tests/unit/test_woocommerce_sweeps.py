"""A sweep reads every order that changed, whatever happens to them meanwhile."""

from __future__ import annotations

import pytest
from tests.support.woo_adapter import reply
from tests.support.woo_orders import TERMS
from tests.support.woo_shop import Shop
from tests.support.woo_talk import ask, converse, sweep_all

from stockfold.channels import Failure, TroubleKind
from stockfold.channels.orders import SETTLED, OrderStatus
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.channels.woocommerce.orders import read_order
from stockfold.channels.woocommerce.sweeps import BEGINNINGS_MAX, OrderSweep, look_up, not_shown

START_S = 1_795_600_800
SECOND_US = 1_000_000


class Clock:
    def __init__(self) -> None:
        self.s = START_S

    def __call__(self) -> float:
        return self.s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(clock: Clock) -> Shop:
    shop = Shop(now_s=clock)
    shop.add_products(["A"], 1_000)
    return shop


def sweep(after_s: int = START_S, per_page: int = 100) -> OrderSweep:
    return OrderSweep(TERMS, after_s * SECOND_US, per_page)


def ids(found: list) -> list[int]:
    return [int(told.order) for told in found]


def test_every_order_of_the_second_of_the_limit_is_read_again(shop: Shop, clock: Clock) -> None:
    clock.s = START_S - 1
    shop.sell("A")
    clock.s = START_S
    shop.sell("A")
    clock.s = START_S + 1
    shop.sell("A")
    assert ids(sweep_all(shop, sweep())) == [2, 3]


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 6, 7, 25])
def test_pages_overlap_by_one_order_and_none_is_missing(shop: Shop, count: int) -> None:
    for _ in range(count):
        shop.sell("A")
    assert sorted(set(ids(sweep_all(shop, sweep(per_page=3))))) == list(range(1, count + 1))


def test_orders_in_the_bin_are_read_too(shop: Shop, clock: Clock) -> None:
    shop.sell("A")
    clock.s += 5
    shop.orders.trash(1, shop.now_us())
    (told,) = sweep_all(shop, sweep())
    assert told.status is OrderStatus.DELETED


def test_an_order_that_moves_up_while_pages_are_read_is_not_missed(shop: Shop) -> None:
    for _ in range(9):
        shop.sell("A")
    reading = sweep(per_page=3)
    first = reading.receive(ask(shop, reading.request))
    assert ids(list(first.orders)) == [1, 2, 3]
    shop.orders.delete(1)
    shop.orders.delete(2)
    shop.orders.delete(3)
    found = set(ids(sweep_all(shop, reading)))
    assert found >= {4, 5, 6, 7, 8, 9}


def test_orders_that_come_in_while_pages_are_read_push_nothing_out(
    shop: Shop, clock: Clock
) -> None:
    clock.s = START_S - 100
    for _ in range(4):
        shop.sell("A")
    clock.s = START_S
    for _ in range(6):
        shop.sell("A")
    reading = sweep(per_page=3)
    found = set(ids(list(reading.receive(ask(shop, reading.request)).orders)))
    clock.s = START_S + 1
    for order in (1, 2, 3):
        shop.orders.set_status(order, "completed", shop.now_us())
    found |= set(ids(sweep_all(shop, reading)))
    assert found >= set(range(5, 11))


def test_a_page_that_the_shop_could_not_serve_is_asked_for_in_smaller_ones(shop: Shop) -> None:
    for _ in range(60):
        shop.sell("A")
    reading = sweep(per_page=40)
    found = ids(list(reading.receive(ask(shop, reading.request)).orders))
    for _ in range(5):
        with pytest.raises(NotServedError):
            reading.receive(Failure("timeout", "no answer in time"))
        reading.halve()
    assert dict(reading.request.params)["per_page"] == "5"
    assert sorted({*found, *ids(sweep_all(shop, reading))}) == list(range(1, 61))


def test_a_shop_that_loses_orders_for_ever_is_left_for_the_next_sweep(shop: Shop) -> None:
    rows = [shop.show_order(shop.sell("A").id) for _ in range(8)]
    reading = sweep(per_page=2)
    for _ in range(BEGINNINGS_MAX - 1):
        reading.receive(reply(rows[:2]))
        assert reading.receive(reply(rows[4:6])).orders == ()
    reading.receive(reply(rows[:2]))
    with pytest.raises(NotServedError):
        reading.receive(reply(rows[4:6]))


def test_the_newest_change_is_told_in_the_shops_own_time(shop: Shop, clock: Clock) -> None:
    clock.s = START_S + 70
    shop.sell("A")
    reading = sweep()
    sweep_all(shop, reading)
    assert reading.latest_us == (START_S + 70) * SECOND_US


def test_an_order_read_a_minute_after_its_change_is_settled(shop: Shop, clock: Clock) -> None:
    shop.sell("A")
    for later, settled in ((59, False), (60, True)):
        clock.s = START_S + later
        (told,) = sweep_all(shop, sweep())
        assert (told.revision % SECOND_US == SETTLED) is settled


def test_an_order_that_cannot_be_read_does_not_hold_up_the_page(shop: Shop) -> None:
    good = shop.show_order(shop.sell("A").id)
    page = sweep().receive(reply([{**good, "id": 7, "date_modified_gmt": "soon"}, good]))
    assert ids(list(page.orders)) == [1]
    (problem,) = page.unread
    assert "order 7" in problem.where


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Failure("timeout", "no answer in time"), TroubleKind.UNAVAILABLE),
        (reply(b"<html>502</html>", 502), TroubleKind.UNAVAILABLE),
        (
            reply({"code": "woocommerce_rest_cannot_view", "message": "no"}, 401),
            TroubleKind.REFUSED,
        ),
        (reply(b"slower", 429, retry_after="7"), TroubleKind.LIMITED),
        (reply(b"<html>hello</html>"), TroubleKind.UNAVAILABLE),
        (reply({"orders": []}), TroubleKind.UNAVAILABLE),
        (reply([{"no": "id"}]), TroubleKind.UNAVAILABLE),
    ],
)
def test_what_is_no_page_of_orders_ends_nothing(answer: object, kind: TroubleKind) -> None:
    reading = sweep()
    before = reading.request
    with pytest.raises(NotServedError) as caught:
        reading.receive(answer)
    assert caught.value.trouble.kind is kind
    assert reading.request == before


def test_an_order_looked_up_is_as_the_shop_has_it_now(shop: Shop, clock: Clock) -> None:
    shop.sell("A")
    assert converse(shop, look_up("1", TERMS)).status is OrderStatus.PROCESSING
    shop.orders.trash(1, shop.now_us())
    assert converse(shop, look_up("1", TERMS)).status is OrderStatus.DELETED
    shop.orders.delete(1)
    clock.s += 3
    gone = converse(shop, look_up("1", TERMS))
    assert (gone.status, gone.revision) == (OrderStatus.DELETED, clock.s * SECOND_US + SETTLED)


def test_an_order_deleted_in_the_second_of_its_last_change_is_gone(shop: Shop) -> None:
    placed = read_order(shop.show_order(shop.sell("A", status="completed").id), TERMS)
    shop.orders.delete(1)
    assert converse(shop, look_up("1", TERMS)).revision > placed.revision


def test_of_many_orders_those_that_the_shop_shows_no_more_are_found(shop: Shop) -> None:
    numbers = [str(shop.sell("A").id) for _ in range(150)]
    shop.orders.delete(7)
    shop.orders.trash(149, shop.now_us())
    assert converse(shop, not_shown([*numbers, "900", "no number"])) == ["7", "149", "900"]


@pytest.mark.parametrize("body", [b"<html>not found</html>", b'{"code":"rest_no_route"}'])
def test_a_404_that_is_not_the_shops_own_deletes_nothing(body: bytes) -> None:
    asked = look_up("1", TERMS)
    next(asked)
    with pytest.raises(NotServedError):
        asked.send(reply(body, 404, date="Wed, 25 Nov 2026 10:00:00 GMT"))
