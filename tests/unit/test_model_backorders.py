"""Backorders: who is served when stock comes (rulings 9, 11, 19)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, minutes


def test_a_receipt_confirms_who_waits_before_anybody_else_can_ask(story: Story) -> None:
    story.reserve("R", 3, allow_backorder=True).receive("A", 3)
    assert story.answer() == ("backorder_confirmed", 3)
    assert story.has("A", on_hand=3, reserved=3, atp=0)
    assert story.subject.backordered() == {}


@pytest.mark.parametrize(
    "rise",
    [
        lambda s: s.receive("A", 2),
        lambda s: s.adjust("A", 2),
        lambda s: s.count("A", 6),
        lambda s: s.come_back("A", 2, "on_hand"),
        lambda s: s.come_back("A", 2).disposition("A", 2, "on_hand"),
        lambda s: s.arrive("T", "A", 2),
        lambda s: s.release("first", 2),
        lambda s: s.cancel("order of first"),
        lambda s: s.allocate("L", "order of first", 2).deallocate("L", to="free"),
        lambda s: s.receive("B", 4).move("first", "B"),
        lambda s: s.at(minutes(10)).tick(),
    ],
)
def test_whatever_makes_atp_rise_confirms_who_waits(story: Story, rise) -> None:
    story.receive("A", 4).reserve("first", 4, expires_at=minutes(10))
    rise(story.reserve("R", 2, allow_backorder=True).at(minutes(1)))
    assert story.answer("R") == ("backorder_confirmed", 2)


def test_from_minus_one_to_zero_is_no_rise_above_zero(story: Story) -> None:
    story.ship(1, "A").reserve("R", 1, allow_backorder=True).receive("A", 1)
    assert story.has("A", on_hand=0, reserved=0)
    assert story.subject.backordered() == {"web": 1}


def test_the_higher_priority_is_served_first(story: Story) -> None:
    story.reserve("low", 2, allow_backorder=True)
    story.reserve("high", 2, allow_backorder=True, priority=9).receive("A", 2)
    assert story.line("order of high")["reserved"] == 2
    assert story.line("order of low")["backordered"] == 2


def test_at_equal_priority_who_waits_longer_is_served_first(story: Story) -> None:
    story.reserve("z", 2, allow_backorder=True).reserve("a", 2, allow_backorder=True)
    story.receive("A", 2)
    assert story.line("order of z")["reserved"] == 2
    assert story.line("order of a")["backordered"] == 2


def test_one_that_waits_as_a_whole_and_does_not_fit_is_passed_over(story: Story) -> None:
    story.reserve("big", 5, allow_backorder=True, priority=9)
    story.reserve("small", 2, allow_backorder=True).receive("A", 3)
    assert story.line("order of small")["reserved"] == 2
    assert story.line("order of big")["backordered"] == 5


def test_with_allow_partial_a_backorder_takes_what_there_is(story: Story) -> None:
    story.reserve("R", 5, allow_backorder=True, allow_partial=True).receive("A", 3)
    assert story.answer() == ("backorder_confirmed", 3)
    assert story.line("order of R") == {"ordered": 5, "reserved": 3, "backordered": 2}


def test_a_backorder_is_served_from_its_listed_locations_only(story: Story) -> None:
    story.reserve("R", 2, "AB", allow_backorder=True).receive("C", 9)
    assert story.subject.backordered() == {"web": 2}
    story.receive("B", 2)
    assert story.has("B", reserved=2)


def test_a_line_without_allow_split_stays_where_it_holds_a_part(story: Story) -> None:
    story.receive("A", 2)
    story.reserve("R", 5, "AB", allow_partial=True, allow_backorder=True).receive("B", 9)
    assert story.line("order of R") == {"ordered": 5, "reserved": 2, "backordered": 3}
    story.receive("A", 3)
    assert story.has("A", reserved=5)


def test_a_split_line_is_served_from_any_of_its_locations(story: Story) -> None:
    story.receive("A", 2)
    flags = {"allow_partial": True, "allow_backorder": True, "allow_split": True}
    story.reserve("R", 5, "AB", **flags).receive("B", 9)
    assert story.has("B", reserved=3)


def test_a_backorder_limit_rejects_a_whole_line_that_would_go_beyond_it(story: Story) -> None:
    story.limit("web", 4).reserve("R1", 3, allow_backorder=True)
    story.reserve("R2", 2, allow_backorder=True)
    assert story.answer() == ("rejected", 2)
    assert story.subject.backordered() == {"web": 3}


def test_with_allow_partial_only_the_rest_beyond_the_limit_is_rejected(story: Story) -> None:
    story.receive("A", 1).limit("web", 2)
    story.reserve("R", 5, allow_backorder=True, allow_partial=True)
    assert story.line("order of R") == {
        "ordered": 5,
        "reserved": 1,
        "backordered": 2,
        "rejected": 2,
    }


def test_a_limit_is_per_channel_and_null_lifts_it(story: Story) -> None:
    story.limit("web", 0).reserve("R1", 1, channel="shop", allow_backorder=True)
    assert story.answer() == ("backordered", 1)
    story.limit("web", None, revision=2).reserve("R2", 9, allow_backorder=True)
    assert story.answer() == ("backordered", 9)


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_or_equal_revision_of_a_limit_is_ignored(story: Story, revision: int) -> None:
    story.limit("web", 2, revision=2).limit("web", 0, revision=revision)
    story.reserve("R", 2, allow_backorder=True)
    assert story.answer() == ("backordered", 2)


def test_a_limit_lowered_below_what_waits_takes_nothing_back(story: Story) -> None:
    story.reserve("R", 5, allow_backorder=True).limit("web", 1)
    assert story.subject.backordered() == {"web": 5}
    story.reserve("R2", 1, allow_backorder=True)
    assert story.answer() == ("rejected", 1)


def test_who_expired_and_asks_again_waits_behind_those_who_kept_waiting(story: Story) -> None:
    story.reserve("a", 2, allow_backorder=True, expires_at=minutes(1))
    story.reserve("b", 2, allow_backorder=True).at(minutes(1))
    story.reserve("a", 2, allow_backorder=True).receive("A", 2)
    assert story.line("order of b") == {"ordered": 2, "reserved": 2}
    assert story.line("order of a") == {"ordered": 2, "backordered": 2}
