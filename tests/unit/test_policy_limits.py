"""Fences, shares, thresholds, ceilings (semantics: Availability per channel; ruling 4)."""

from __future__ import annotations

from tests.support.promise_story import given, shelf


def test_a_channel_may_take_the_pool_less_what_is_granted_to_others() -> None:
    known = given({"BERLIN": 10}, fences={"woo": (4, 0)})
    known.when("shop").then(6).because("4 units are out of reach, kept for other channels: woo (4)")
    known.when("woo").then(10).because()


def test_claims_of_its_own_use_up_a_channels_fence() -> None:
    known = given({"BERLIN": shelf(10, claims={"woo": 3})}, fences={"woo": (4, 0)})
    known.when("shop").then(6)
    known.when("woo").then(7)


def test_claims_beyond_the_fence_free_nothing_more() -> None:
    given({"BERLIN": shelf(10, claims={"woo": 6})}, fences={"woo": (4, 0)}).when("shop").then(4)


def test_fences_are_granted_by_priority_and_shrink_in_reverse_order_when_stock_falls() -> None:
    fences = {"woo": (4, 5), "amazon": (4, 1)}
    for units, woo, amazon, shop in ((10, 6, 6, 2), (6, 4, 2, 0), (3, 3, 0, 0)):
        known = given({"BERLIN": units}, fences=fences)
        known.when("woo").then(woo)
        known.when("amazon").then(amazon)
        known.when("shop").then(shop)


def test_a_fence_may_be_met_by_locations_that_another_channel_cannot_use() -> None:
    known = given({"BERLIN": 5, "ROME": 5}, fences={"woo": (4, 0)})
    known.when("shop", locations=("BERLIN",)).then(5)
    given({"BERLIN": 5, "ROME": 1}, fences={"woo": (4, 0)}).when(
        "shop", locations=("BERLIN",)
    ).then(2)


def test_a_share_is_of_what_no_fence_holds_and_is_rounded_down() -> None:
    given({"BERLIN": 7}).when(share=5_000).then(3).because(
        "this channel gets 50% of 7 units, rounded down"
    )


def test_a_channels_own_fence_is_its_own_whole_and_its_share_is_of_the_rest() -> None:
    known = given({"BERLIN": 30}, fences={"woo": (10, 0)})
    known.when("woo", share=2_500).then(15).because(
        "10 units are kept for this channel; of the rest it gets 25% of 20 units, rounded down"
    )
    known.when("woo", share=0).then(10)
    known.when("shop", share=5_000).then(10)


def test_shares_and_ceilings_may_add_up_to_more_than_the_pool() -> None:
    known = given({"BERLIN": 10})
    known.when("woo", share=8_000, ceiling=8).then(8)
    known.when("shop", share=8_000, ceiling=8).then(8)


def test_a_ceiling_is_the_most_that_is_told() -> None:
    given({"BERLIN": 10}).when(ceiling=4).then(4).because(
        "this channel is never told more than 4 units"
    )
    given({"BERLIN": 3}).when(ceiling=4).then(3).because()
    given({"BERLIN": 3}).when(ceiling=0).then(0, "out_of_stock")


def test_at_or_below_the_threshold_nothing_is_told() -> None:
    given({"BERLIN": 3}).when(publish_zero_at=2).then(3)
    given({"BERLIN": 2}).when(publish_zero_at=2).then(0, "out_of_stock").because(
        "2 units are too few to offer: it is told 0 at 2 or below"
    )


def test_the_limits_act_in_their_order() -> None:
    """Pool, other fences, safety stock, share, threshold, ceiling."""
    known = given({"BERLIN": 100}, fences={"amazon": (20, 0)})
    answer = known.when(safety_stock=10, share=5_000, publish_zero_at=5, ceiling=30)
    answer.then(30)
    assert [(s.what, s.quantity) for s in answer.answer.steps] == [
        ("on_hand", 100),
        ("ring_fences", 80),
        ("safety_stock", 70),
        ("share", 35),
        ("ceiling", 30),
        ("published", 30),
    ]


def test_locations_are_eligible_by_tag_or_by_name() -> None:
    known = given({"BERLIN": 5, "ROME": 3, "OSLO": 1})
    known.when(tags=("store",)).then(3)
    known.when(locations=("OSLO",), tags=("store",)).then(4)
    known.when(tags=("nowhere",)).then(0)


def test_units_on_their_way_count_where_the_policy_says_so() -> None:
    known = given({"BERLIN": shelf(2, in_transit=5), "ROME": shelf(1, in_transit=-2)})
    known.when().then(3)
    known.when(in_transit=True).then(8).because("5 units are on the way there and count as supply")


def test_units_on_their_way_fill_a_deficit_of_their_own_location_first() -> None:
    known = given({"BERLIN": shelf(0, claims={"woo": 3}, in_transit=5), "ROME": 4})
    known.when().then(4)
    known.when(in_transit=True).then(6)


def test_a_percentage_is_exact_and_said_as_it_is() -> None:
    given({"BERLIN": 10**12}).when(share=1).then(10**8).because(
        "this channel gets 0.01% of 1000000000000 units, rounded down"
    )
