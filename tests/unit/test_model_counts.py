"""Counts and late movements (semantics: StockCounted; rulings 16, 17)."""

from __future__ import annotations

from tests.support.story import Story, days, minutes


def test_a_count_is_absolute_at_its_time_against_the_adjustment_account(story: Story) -> None:
    story.receive("A", 5).at(minutes(1)).count("A", 8)
    assert story.has("A", on_hand=8)
    assert story.subject.outside()["adjustment"] == -3


def test_a_movement_before_the_count_that_arrives_later_is_already_in_it(story: Story) -> None:
    story.at(minutes(5)).count("A", 100, as_of=minutes(3)).ship(2, occurred=minutes(2))
    assert story.has("A", on_hand=100)
    assert story.subject.outside()["customer"] == 2
    assert story.subject.outside()["adjustment"] == -102
    story.ship(1, occurred=minutes(4))
    assert story.has("A", on_hand=99)


def test_movements_after_the_count_that_came_first_are_added_to_it(story: Story) -> None:
    story.receive("A", 10).at(minutes(5)).ship(2, occurred=minutes(2)).ship(1)
    story.count("A", 100, as_of=minutes(3))
    assert story.has("A", on_hand=99)


def test_occurred_after_is_strict(story: Story) -> None:
    story.at(minutes(5)).receive("A", 4, occurred=minutes(3)).count("A", 7, as_of=minutes(3))
    assert story.has("A", on_hand=7)
    story.receive("A", 4, occurred=minutes(3))
    assert story.has("A", on_hand=7)


def test_a_count_touches_its_own_bucket_and_no_claim(story: Story) -> None:
    story.receive("A", 5).receive("A", 2, "damaged").reserve("R", 4).at(minutes(1)).count("A", 1)
    assert story.has("A", on_hand=1, damaged=2, reserved=4, atp=-3)


def test_a_count_in_the_future_would_swallow_movements_and_is_an_exception(story: Story) -> None:
    story.receive("A", 5).count("A", 9, as_of=minutes(1))
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=False) == ["count_in_future"]


def test_the_newest_count_rules_and_an_older_one_is_an_exception(story: Story) -> None:
    story.at(minutes(9)).count("A", 5, as_of=minutes(3)).count("A", 7, as_of=minutes(2))
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=False) == ["count_superseded"]


def test_a_second_count_of_the_same_time_is_accepted(story: Story) -> None:
    story.at(minutes(9)).count("A", 5, as_of=minutes(3)).count("A", 7, as_of=minutes(3))
    assert story.has("A", on_hand=7)


def test_an_older_count_of_another_bucket_or_location_is_accepted(story: Story) -> None:
    story.at(minutes(9)).count("A", 5, as_of=minutes(3))
    story.count("A", 6, as_of=minutes(2), bucket="damaged").count("B", 7, as_of=minutes(2))
    assert story.has("A", on_hand=5, damaged=6)
    assert story.has("B", on_hand=7)


def test_a_count_older_than_the_movement_horizon_is_an_exception(story: Story) -> None:
    story.count("A", 5, as_of=days(-8))
    assert story.subject.positions() == {}
    assert len(story.subject.exceptions(folded=False)) == 1


def test_goods_in_transit_cannot_be_counted(story: Story) -> None:
    story.count("A", 5, bucket="in_transit")
    assert story.subject.positions() == {}
    assert len(story.subject.exceptions(folded=False)) == 1


def test_a_count_of_zero_makes_sense(story: Story) -> None:
    story.receive("A", 5).at(minutes(1)).count("A", 0)
    assert story.has("A", on_hand=0)
    assert story.subject.exceptions() == []


def test_a_later_count_starts_from_its_own_time(story: Story) -> None:
    story.at(minutes(9)).count("A", 10, as_of=minutes(1)).ship(2, occurred=minutes(3))
    story.receive("A", 5, occurred=minutes(5)).count("A", 20, as_of=minutes(4))
    assert story.has("A", on_hand=25)
    story.ship(1, occurred=minutes(4))
    assert story.has("A", on_hand=25)


def test_both_legs_of_a_late_movement_look_at_their_own_count(story: Story) -> None:
    story.receive("A", 5).at(minutes(5)).count("A", 3, as_of=minutes(4))
    story.change_status("A", 2, "on_hand", "damaged", occurred=minutes(3))
    assert story.has("A", on_hand=3, damaged=2)


def test_a_late_receipt_of_a_transfer_still_leaves_transit_when_it_is_in_the_count(
    story: Story,
) -> None:
    story.dispatch("T", "A", "B", 5).at(minutes(5)).count("B", 5, as_of=minutes(4))
    story.arrive("T", "B", 5, occurred=minutes(3))
    assert story.has("B", on_hand=5, in_transit=0)


def test_a_claim_satisfied_by_a_shipment_that_is_in_the_count_shrinks_all_the_same(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 2, order="O").at(minutes(5)).count("A", 3)
    story.ship(2, order="O", occurred=minutes(4))
    assert story.has("A", on_hand=3, reserved=0, atp=3)
