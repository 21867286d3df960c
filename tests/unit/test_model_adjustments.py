"""Returns, adjustments, status changes and snapshots (rulings 17, 27 to 33)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, days, minutes


def test_a_return_authorized_moves_nothing(story: Story) -> None:
    body = {"return": "RMA-1", "order": None, "line": None, "quantity": 2}
    story.tell("ReturnAuthorized", **body)
    assert story.subject.positions() == {}
    assert story.subject.exceptions() == []


def test_a_return_goes_from_the_customer_to_quality_hold_at_any_location(story: Story) -> None:
    story.receive("A", 5).ship(5, "A").come_back("B", 2)
    assert story.has("B", quality_hold=2, atp=0)
    assert story.subject.outside()["customer"] == 3


@pytest.mark.parametrize("condition", ["on_hand", "damaged"])
def test_a_return_with_a_condition_goes_to_that_bucket(story: Story, condition: str) -> None:
    story.come_back("B", 2, condition)
    assert story.position("B")[condition] == 2


def test_more_returned_than_shipped_is_folded_and_flagged_when_it_names_its_line(
    story: Story,
) -> None:
    story.receive("A", 5).ship(2, order="O").come_back("A", 2, order="O", line="1")
    assert story.subject.exceptions() == []
    story.come_back("A", 1, order="O", line="1")
    assert story.has("A", quality_hold=3)
    assert story.subject.exceptions(folded=True) == ["return_over_shipped"]


def test_a_return_that_names_no_line_cannot_be_compared_with_what_shipped(story: Story) -> None:
    story.come_back("A", 9)
    assert story.subject.exceptions() == []


@pytest.mark.parametrize("bucket", ["on_hand", "damaged"])
def test_a_disposition_moves_held_units_to_their_bucket(story: Story, bucket: str) -> None:
    story.come_back("A", 3).disposition("A", 2, bucket)
    assert story.has("A", quality_hold=1, **{bucket: 2})


def test_a_disposition_to_scrapped_leaves_the_building(story: Story) -> None:
    story.come_back("A", 3).disposition("A", 2, "scrapped")
    assert story.has("A", quality_hold=1)
    assert story.subject.outside()["scrapped"] == 2


def test_a_disposition_before_its_return_is_posted_at_once(story: Story) -> None:
    story.disposition("A", 2, "on_hand")
    assert story.has("A", quality_hold=-2, on_hand=2, atp=2)
    story.come_back("A", 2)
    assert story.has("A", quality_hold=0, on_hand=2)


def test_an_adjustment_is_always_against_the_adjustment_account(story: Story) -> None:
    story.adjust("A", 5).adjust("A", -2).adjust("A", 1, "damaged")
    assert story.has("A", on_hand=3, damaged=1)
    assert story.subject.outside()["adjustment"] == -4


def test_an_adjustment_below_zero_is_folded_and_flagged(story: Story) -> None:
    story.receive("A", 1).adjust("A", -3)
    assert story.has("A", on_hand=-2, atp=-2)
    assert story.subject.exceptions(folded=True) == ["on_hand_negative"]


def test_a_status_change_moves_units_between_buckets_of_a_location(story: Story) -> None:
    story.receive("A", 5).change_status("A", 2, "on_hand", "damaged")
    assert story.has("A", on_hand=3, damaged=2, atp=3)


@pytest.mark.parametrize("account", ["scrapped", "lost"])
def test_a_status_change_may_take_units_out(story: Story, account: str) -> None:
    story.receive("A", 5).change_status("A", 2, "on_hand", account)
    assert story.has("A", on_hand=3)
    assert story.subject.outside()[account] == 2


def test_goods_in_transit_cannot_be_adjusted(story: Story) -> None:
    story.adjust("A", 1, "in_transit")
    assert story.subject.positions() == {}
    assert len(story.subject.exceptions(folded=False)) == 1


def test_goods_in_transit_cannot_change_status(story: Story) -> None:
    story.dispatch("T", "A", "B", 2).change_status("B", 1, "in_transit", "damaged")
    assert story.has("B", in_transit=2, damaged=0)
    assert len(story.subject.exceptions(folded=False)) == 1


def test_goods_in_transit_cannot_be_dispatched(story: Story) -> None:
    story.dispatch("T", "A", "B", 2, bucket="in_transit")
    assert story.subject.positions() == {}


def test_a_snapshot_that_differs_is_a_finding_and_moves_nothing(story: Story) -> None:
    story.receive("A", 5).snapshot("A", 4)
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=True) == ["snapshot_differs"]


def test_a_snapshot_that_agrees_says_nothing(story: Story) -> None:
    story.receive("A", 5).at(minutes(10)).ship(2, order="O")
    story.snapshot("A", 5, as_of=minutes(5))
    assert story.subject.exceptions() == []


def test_what_occurs_in_the_future_occurs_now_and_is_flagged(story: Story) -> None:
    story.receive("A", 5, occurred=days(3))
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=True) == ["occurred_in_future"]
    story.at(minutes(1)).count("A", 5)
    assert story.has("A", on_hand=5)


def test_a_physical_fact_older_than_the_horizon_is_never_folded_blindly(story: Story) -> None:
    story.receive("A", 5, occurred=days(-8))
    assert story.subject.positions() == {}
    assert story.subject.exceptions(folded=False) == ["older_than_horizon"]


def test_a_negative_shelf_and_an_oversold_one_are_different_exceptions(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 4).change_status("A", 3, "on_hand", "damaged")
    assert story.subject.exceptions() == ["oversold"]
    story.ship(3, "B", order="P")
    assert story.subject.exceptions() == ["oversold", "on_hand_negative"]


def test_a_snapshot_row_of_zero_is_compared_like_any_other(story: Story) -> None:
    story.receive("A", 5).snapshot("A", 0)
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions() == ["snapshot_differs"]


def test_reserved_units_beyond_the_shelf_are_a_deficit_and_not_yet_oversold(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 4).change_status("A", 3, "on_hand", "damaged")
    assert story.subject.deficit() == 2
    assert story.subject.exceptions() == []
