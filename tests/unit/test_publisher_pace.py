"""How many requests at once, and how many items in each."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from stockfold.channels import Outcome, OutcomeKind, Shown, StockUpdate
from stockfold.runtime.shop_pace_settings import ShopPaceSettings
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.pace import Limits, Pace
from stockfold_services.publisher.wanted import Wanted


class ShopOf:
    """A shop of so many workers: what a batch of 100 takes with so many at once."""

    def __init__(self, workers: int, item_s: float = 0.02) -> None:
        self.workers = workers
        self.item_s = item_s
        self.now_s = 0.0

    def write(self, pace: Pace, batches: int) -> None:
        """So many batches of a long backlog."""
        for _ in range(batches):
            took_s = 100 * self.item_s * max(1.0, pace.in_flight / self.workers)
            self.now_s += took_s
            pace.written(100, took_s, pace.in_flight, self.now_s)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_as_many_are_under_way_as_gain_something(workers: int) -> None:
    pace, shop = Pace(Limits(1, 8)), ShopOf(workers)
    shop.write(pace, 60)
    assert pace.in_flight == workers


def test_the_settings_are_a_bound_whatever_would_gain() -> None:
    pace, shop = Pace(Limits(2, 3)), ShopOf(8)
    shop.write(pace, 60)
    assert pace.in_flight == 3


def test_what_gained_nothing_is_tried_again_later() -> None:
    pace, shop = Pace(Limits(1, 8)), ShopOf(1)
    shop.write(pace, 30)
    assert pace.in_flight == 1
    shop.workers = 2
    shop.write(pace, 3)
    assert pace.in_flight == 1, "not at once"
    shop.now_s += 700
    shop.write(pace, 30)
    assert pace.in_flight == 2


def test_trouble_halves_it_and_it_grows_again_after_a_minute() -> None:
    pace, shop = Pace(Limits(4, 4)), ShopOf(4)
    shop.write(pace, 3)
    pace.troubled(shop.now_s)
    assert pace.in_flight == 2
    pace.troubled(shop.now_s)
    pace.troubled(shop.now_s)
    assert pace.in_flight == 1
    shop.write(pace, 9)
    assert pace.in_flight == 1
    shop.now_s += 60
    shop.write(pace, 30)
    assert pace.in_flight == 4


def test_small_writes_say_nothing_about_the_shop() -> None:
    pace = Pace(Limits(1, 2))
    for _ in range(20):
        pace.written(2, 0.1, 1, 0.0)
    assert pace.in_flight == 1


@pytest.mark.parametrize(("due", "items"), [(1, 20), (79, 20), (81, 21), (200, 50), (1_000, 100)])
def test_a_batch_is_as_large_as_the_backlog_deserves(due: int, items: int) -> None:
    assert Pace(Limits(2, 2)).items_max(due) == items


def test_of_a_slow_shop_fewer_items_go_into_a_batch() -> None:
    pace = Pace(Limits(1, 1, batch_s=4.0))
    for _ in range(30):
        pace.written(50, 10.0, 1, 0.0)
    assert pace.items_max(1_000) == 20
    for _ in range(30):
        pace.written(20, 200.0, 1, 0.0)
    assert pace.items_max(1_000) == 5


def test_a_limit_of_requests_a_second_is_kept() -> None:
    pace = Pace(Limits(requests_per_s=2.0))
    assert pace.wait_s(100.0) == 0
    pace.began(100.0)
    assert pace.wait_s(100.1) == pytest.approx(0.4)
    pace.began(100.5)
    assert pace.wait_s(100.5) == pytest.approx(0.5)
    assert pace.wait_s(200.0) == 0


def test_more_to_begin_with_than_at_most_is_refused() -> None:
    with pytest.raises(ValidationError, match="in_flight_start"):
        ShopPaceSettings(in_flight_start=3, in_flight_max=2)


def test_a_version_is_given_up_when_its_retry_window_is_over_and_the_next_has_its_own() -> None:
    backlog = Backlog(lambda u: Shown(u.quantity), lambda _: 1.0, 1_000, window_s=900.0)

    def fail(now_s: float) -> list[OutcomeKind]:
        due = backlog.due(now_s, 1)
        backlog.claim(due, 1)
        failed = Outcome(due[0], OutcomeKind.RETRYABLE, "http_500")
        return [one.kind for one in backlog.land(failed, now_s, 1)]

    backlog.offer(Wanted("A", 5, 1, 0, 0), 1)
    assert [fail(now_s) for now_s in (100.0, 500.0, 999.0)] == [[], [], []]
    assert fail(1_000.0) == [OutcomeKind.GAVE_UP]
    assert backlog.due(5_000.0, 1) == []
    backlog.offer(Wanted("A", 6, 2, 0, 1), 1)
    assert fail(5_000.0) == []
    assert backlog.due(5_100.0, 1) == [StockUpdate("A", 6, 2)]
