"""Ring-fences (rulings 4, 11, 18)."""

from __future__ import annotations

import pytest
from tests.support.story import Story


def test_another_channel_may_not_take_fenced_units(story: Story) -> None:
    story.receive("A", 5).fence("shop", 3).reserve("R", 3)
    assert story.answer() == ("rejected", 3)
    story.reserve("R2", 2)
    assert story.answer() == ("confirmed", 2)


def test_the_channel_of_the_fence_may_take_its_units_and_the_free_ones(story: Story) -> None:
    story.receive("A", 5).fence("web", 3).reserve("R", 5)
    assert story.answer() == ("confirmed", 5)


def test_a_fence_is_used_up_by_its_channels_own_claims(story: Story) -> None:
    story.receive("A", 5).fence("shop", 3).reserve("R1", 2, channel="shop").reserve("R2", 2)
    assert story.answer() == ("confirmed", 2)
    story.reserve("R3", 1)
    assert story.answer() == ("rejected", 1)


def test_a_fence_above_the_pool_is_granted_only_what_there_is(story: Story) -> None:
    story.receive("A", 5).fence("shop", 99).reserve("R", 1)
    assert story.answer() == ("rejected", 1)
    story.reserve("R2", 5, channel="shop")
    assert story.answer() == ("confirmed", 5)


def test_fences_are_granted_in_priority_order_out_of_what_is_left(story: Story) -> None:
    story.receive("A", 5).fence("shop", 4, priority=1).fence("amazon", 4, priority=2)
    story.reserve("R", 2, channel="shop")
    assert story.answer() == ("rejected", 2)
    story.reserve("R2", 1, channel="shop").reserve("R3", 4, channel="amazon")
    assert story.answer("R2") == ("confirmed", 1)
    assert story.answer("R3") == ("confirmed", 4)


def test_fences_of_equal_priority_are_granted_by_the_name_of_their_channel(story: Story) -> None:
    story.receive("A", 5).fence("shop", 4).fence("amazon", 4)
    story.reserve("R", 4, channel="amazon")
    assert story.answer() == ("confirmed", 4)


def test_the_pool_is_all_locations_and_a_fence_lies_at_none(story: Story) -> None:
    story.receive("A", 3).receive("B", 2).fence("shop", 2).reserve("R", 3, "A")
    assert story.answer() == ("confirmed", 3)
    story.reserve("R2", 1, "B")
    assert story.answer() == ("rejected", 1)


def test_a_negative_location_makes_the_pool_no_smaller(story: Story) -> None:
    story.receive("A", 3).ship(9, "B").fence("shop", 1).reserve("R", 2)
    assert story.answer() == ("confirmed", 2)


def test_a_split_in_all_may_not_reach_into_a_fence(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).fence("shop", 2)
    story.reserve("R", 4, "AB", allow_split=True, allow_partial=True)
    assert story.answer() == ("partially_confirmed", 2)


def test_a_lower_fence_confirms_who_waits(story: Story) -> None:
    story.receive("A", 3).fence("shop", 3).reserve("R", 2, allow_backorder=True)
    assert story.answer() == ("backordered", 2)
    story.fence("shop", 1, revision=2)
    assert story.answer() == ("backorder_confirmed", 2)


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_or_equal_revision_of_a_fence_is_ignored(story: Story, revision: int) -> None:
    story.receive("A", 3).fence("shop", 3, revision=2).fence("shop", 0, revision=revision)
    story.reserve("R", 1)
    assert story.answer() == ("rejected", 1)


def test_waiting_units_do_not_use_up_a_fence(story: Story) -> None:
    story.reserve("R", 3, "B", channel="shop", allow_backorder=True).fence("shop", 3)
    story.receive("A", 3).reserve("R2", 1)
    assert story.answer("R2") == ("rejected", 1)


def test_a_direct_claim_with_a_channel_uses_up_its_fence(story: Story) -> None:
    story.receive("A", 5).fence("shop", 3).allocate("L", "O", 3, channel="shop")
    story.reserve("R", 2)
    assert story.answer("R") == ("confirmed", 2)
    assert story.subject.claims() == {("A", "shop"): (0, 3), ("A", "web"): (2, 0)}


def test_a_direct_claim_belongs_to_no_channel_until_it_is_known(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3)
    assert story.subject.claims() == {("A", ""): (0, 3)}
    story.reserve("R", 3, order="O", channel="shop")
    assert story.subject.claims() == {("A", "shop"): (0, 3)}


def test_an_allocation_of_reserved_units_belongs_to_the_reservations_channel(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3, order="O", channel="shop").allocate("L", "O", 2)
    assert story.subject.claims() == {("A", "shop"): (1, 2)}


def test_a_fence_of_zero_makes_sense(story: Story) -> None:
    story.receive("A", 1).fence("shop", 0).reserve("R", 1)
    assert story.answer() == ("confirmed", 1)
    assert story.subject.exceptions() == []
