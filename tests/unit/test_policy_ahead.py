"""Preorder against dated inbound, and capped backorder (semantics: Availability per channel)."""

from __future__ import annotations

from tests.support.promise_story import TODAY, given, shelf

from stockfold.availability.policy import Backorder, Preorder

BACKORDERS = (Backorder(20), Backorder(5, category="food"), Backorder(0, sku="SKU-9"))
DUE = shelf(due=[(3, 10, 90), (5, 30, 50)])


def test_when_nothing_is_in_stock_a_capped_number_may_wait() -> None:
    known = given({"BERLIN": 0}, waiting={"woo": 6, "shop": 9})
    known.when(backorders=BACKORDERS).then(14, "backorder").because(
        "nothing is left to sell now, but 14 units may be ordered and wait"
    )


def test_when_something_is_in_stock_nothing_waits() -> None:
    given({"BERLIN": 1}).when(backorders=BACKORDERS).then(1, "in_stock")


def test_the_most_specific_cap_counts() -> None:
    given({"BERLIN": 0}, category="food/tea").when(backorders=BACKORDERS).then(5)
    given({"BERLIN": 0}, sku="SKU-9", category="food").when(backorders=BACKORDERS).then(
        0, "out_of_stock"
    )


def test_no_more_may_wait_than_the_ledger_would_take() -> None:
    given({"BERLIN": 0}, limits={"woo": 3}).when(backorders=BACKORDERS).then(3, "backorder")
    given({"BERLIN": 0}, limits={"woo": None}).when(backorders=BACKORDERS).then(20)


def test_a_full_backorder_is_out_of_stock() -> None:
    known = given({"BERLIN": 0}, waiting={"woo": 21})
    known.when(backorders=BACKORDERS).then(0, "out_of_stock")


def test_dated_inbound_of_enough_confidence_is_sold_ahead() -> None:
    answer = given({"BERLIN": DUE}).when(preorder=Preorder(80)).then(10, "preorder").answer
    assert answer.next_available == TODAY + 3


def test_inbound_below_the_confidence_is_not_counted() -> None:
    given({"BERLIN": DUE}).when(preorder=Preorder(50)).then(40, "preorder")
    given({"BERLIN": DUE}).when(preorder=Preorder(95)).then(0, "out_of_stock")


def test_overdue_and_undated_inbound_is_not_counted() -> None:
    late = shelf(due=[(-1, 10, 100), (None, 10, 100), (0, 2, 100)])
    given({"BERLIN": late}).when(preorder=Preorder()).then(2, "preorder")


def test_inbound_later_than_the_window_is_not_counted() -> None:
    given({"BERLIN": DUE}).when(preorder=Preorder(0, within_days=4)).then(10)


def test_while_no_time_was_told_nothing_is_known_to_be_on_time() -> None:
    given({"BERLIN": DUE}, now_us=0).when(preorder=Preorder()).then(0, "out_of_stock")


def test_a_location_that_is_not_eligible_brings_nothing() -> None:
    given({"ROME": DUE, "BERLIN": 0}).when(preorder=Preorder(), locations=("BERLIN",)).then(0)


def test_orders_that_wait_are_served_first_of_whichever_channel() -> None:
    known = given({"BERLIN": DUE}, waiting={"shop": 12})
    answer = known.when(preorder=Preorder()).then(28, "preorder").answer
    assert answer.next_available == TODAY + 5


def test_what_arrives_fills_the_deficit_of_its_location_first() -> None:
    short = shelf(-2, claims={"woo": 2}, due=[(1, 10, 100)])
    given({"BERLIN": short}).when(preorder=Preorder()).then(6, "preorder")


def test_the_limits_apply_to_what_arrives_too() -> None:
    known = given({"BERLIN": shelf(1, due=[(1, 10, 100)])}, fences={"shop": (4, 0)})
    answer = known.when(preorder=Preorder(), safety_stock=3, share=5_000).then(2, "preorder")
    assert answer.sentences[-5:] == [
        "nothing is left to sell now, but 10 units are due 2026-02-17: with these",
        "4 units are out of reach, kept for other channels: shop (4)",
        "3 units are kept back as safety stock",
        "this channel gets 50% of 4 units, rounded down",
        "this channel may sell 2 units",
    ]


def test_a_preorder_waits_too_and_so_is_bounded_by_what_may_wait() -> None:
    known = given({"BERLIN": DUE})
    known.when(preorder=Preorder(), backorders=BACKORDERS).then(20, "preorder")


def test_when_no_inbound_is_left_backorder_takes_over() -> None:
    known = given({"BERLIN": DUE}, waiting={"shop": 50})
    known.when(preorder=Preorder(), backorders=BACKORDERS).then(20, "backorder")


def test_the_ceiling_bounds_what_is_sold_ahead() -> None:
    given({"BERLIN": 0}).when(backorders=BACKORDERS, ceiling=7).then(7, "backorder")


def test_lead_times_go_with_the_status() -> None:
    rules = {"backorders": BACKORDERS, "lead_time_days": 2, "backorder_lead_time_days": 14}
    assert given({"BERLIN": 1}).when(**rules).answer.lead_time_days == 2
    assert given({"BERLIN": 0}).when(**rules).answer.lead_time_days == 14
    assert given({"BERLIN": 0}).when(lead_time_days=2).answer.lead_time_days is None


def test_the_day_is_that_of_the_channels_zone() -> None:
    """Due at 12:00 UTC, which is the next day in Auckland."""
    answer = given({"BERLIN": DUE}).when(preorder=Preorder(80), zone="Pacific/Auckland").answer
    assert answer.next_available == TODAY + 4


def test_what_is_sold_ahead_is_at_no_location() -> None:
    given({"BERLIN": 0}).when(backorders=BACKORDERS, per_location=True).then(20).at(BERLIN=0)
