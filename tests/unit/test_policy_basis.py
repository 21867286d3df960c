"""Net and gross numbers (channels.md, "Basis")."""

from __future__ import annotations

from tests.support.promise_story import given, shelf

WALMART = shelf(100, claims={"walmart": 5, "woo": 3})


def test_net_is_what_may_still_be_sold() -> None:
    given({"BERLIN": WALMART}).when("walmart").then(92)


def test_gross_adds_what_the_channel_itself_still_counts_as_open() -> None:
    """Walmart's own example: told 100 of which 5 are sold and not yet shipped, it sells 95."""
    answer = given({"BERLIN": shelf(100, claims={"walmart": 5})}).when("walmart", basis="gross")
    answer.then(100).because(
        "5 units are promised to orders already",
        "5 units of its own open orders are added, as this channel takes them off again",
    )


def test_orders_of_other_channels_stay_taken_off() -> None:
    given({"BERLIN": WALMART}).when("walmart", basis="gross").then(97)


def test_a_channel_without_locations_counts_its_orders_wherever_they_are_and_those_that_wait() -> (
    None
):
    known = given({"BERLIN": 4, "ROME": shelf(5, claims={"walmart": 5})}, waiting={"walmart": 2})
    known.when("walmart", basis="gross", locations=("BERLIN",)).then(11)


def test_the_status_is_of_what_may_still_be_sold() -> None:
    known = given({"BERLIN": shelf(5, claims={"walmart": 5})})
    known.when("walmart", basis="gross", low_stock=2).then(5, "out_of_stock")


def test_a_channel_short_of_its_own_orders_is_told_less_than_these() -> None:
    """Told 3 while it counts 5 open, it sells nothing, also after one of them is cancelled."""
    known = given({"BERLIN": shelf(5, claims={"walmart": 5})})
    known.when("walmart", basis="gross", safety_stock=2).then(3, "out_of_stock")


def test_a_channel_with_locations_is_told_gross_at_each() -> None:
    known = given({"BERLIN": shelf(9, claims={"shopify": 3}), "ROME": shelf(4, claims={"woo": 1})})
    rules = {"basis": "gross", "per_location": True}
    known.when("shopify", **rules).then(12).at(BERLIN=9, ROME=3)
    known.when("shopify", **rules, ceiling=4).then(7).at(BERLIN=4, ROME=3)


def test_short_of_its_own_orders_a_location_is_told_less_than_these() -> None:
    known = given({"BERLIN": shelf(5, claims={"shopify": 5}), "ROME": 0})
    known.when("shopify", basis="gross", per_location=True, safety_stock=2).then(3).at(
        BERLIN=3, ROME=0
    )
