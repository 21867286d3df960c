"""Transfers (semantics: Transfers; rulings 7, 30)."""

from __future__ import annotations

from itertools import permutations

import pytest
from tests.support.model import Model
from tests.support.story import Story
from tests.support.subject import SKU


def test_a_dispatch_moves_units_from_the_shelf_into_transit_towards_the_target(
    story: Story,
) -> None:
    story.receive("A", 5).dispatch("T", "A", "B", 3)
    assert story.has("A", on_hand=2, in_transit=0)
    assert story.has("B", on_hand=0, in_transit=3, atp=0)


def test_a_dispatch_takes_units_of_another_bucket_when_it_says_so(story: Story) -> None:
    story.receive("A", 5, "damaged").dispatch("T", "A", "B", 3, bucket="damaged")
    assert story.has("A", on_hand=0, damaged=2)


def test_a_receipt_moves_units_from_transit_to_the_bucket_of_their_condition(
    story: Story,
) -> None:
    story.dispatch("T", "A", "B", 5).arrive("T", "B", 2).arrive("T", "B", 1, "damaged")
    assert story.has("B", on_hand=2, damaged=1, in_transit=2)


def test_units_received_before_their_dispatch_are_there_at_once_and_it_owes_only_the_rest(
    story: Story,
) -> None:
    story.receive("A", 5).arrive("T", "B", 2)
    assert story.has("B", on_hand=2, atp=2, in_transit=-2)
    story.dispatch("T", "A", "B", 5)
    assert story.has("A", on_hand=0)
    assert story.has("B", on_hand=2, in_transit=3)
    assert story.subject.exceptions() == []


def test_units_received_elsewhere_are_taken_from_the_planned_place(story: Story) -> None:
    story.dispatch("T", "A", "B", 5).arrive("T", "C", 2)
    assert story.has("B", in_transit=3)
    assert story.has("C", on_hand=2, in_transit=0)


def test_units_received_elsewhere_before_the_dispatch_end_at_the_same_numbers(
    story: Story,
) -> None:
    story.arrive("T", "C", 2).dispatch("T", "A", "B", 5)
    assert story.has("B", in_transit=3)
    assert story.has("C", on_hand=2, in_transit=0)


def test_over_receipt_of_a_transfer_is_folded_signed_and_flagged(story: Story) -> None:
    story.receive("A", 2).dispatch("T", "A", "B", 2).arrive("T", "B", 2)
    assert story.subject.exceptions() == []
    story.arrive("T", "B", 1)
    assert story.has("B", on_hand=3, in_transit=-1)
    assert story.subject.exceptions(folded=True).count("transfer_over_receipt") == 1


def test_closing_a_transfer_as_lost_moves_the_rest_to_lost(story: Story) -> None:
    story.dispatch("T", "A", "B", 5).arrive("T", "B", 3).close_transfer("T")
    assert story.has("B", on_hand=3, in_transit=0)
    assert story.subject.outside()["lost"] == 2


def test_closing_a_transfer_as_returned_moves_the_rest_back_to_its_source(story: Story) -> None:
    story.receive("A", 5).dispatch("T", "A", "B", 5).arrive("T", "B", 3)
    story.close_transfer("T", "returned_to_source")
    assert story.has("A", on_hand=2)
    assert story.has("B", on_hand=3, in_transit=0)


def test_the_rest_goes_back_to_the_bucket_that_it_left(story: Story) -> None:
    story.receive("A", 5, "damaged").dispatch("T", "A", "B", 5, bucket="damaged")
    story.close_transfer("T", "returned_to_source")
    assert story.has("A", damaged=5, on_hand=0)


def test_a_receipt_after_the_close_takes_its_units_back_out_of_lost(story: Story) -> None:
    story.dispatch("T", "A", "B", 5).close_transfer("T").arrive("T", "B", 2)
    assert story.has("B", on_hand=2, in_transit=0)
    assert story.subject.outside()["lost"] == 3


def test_a_dispatch_after_the_close_of_a_returned_transfer_leaves_the_shelf_as_it_was(
    story: Story,
) -> None:
    story.receive("A", 5).close_transfer("T", "returned_to_source").dispatch("T", "A", "B", 3)
    assert story.has("A", on_hand=5)
    assert story.has("B", in_transit=0)


def test_an_over_received_transfer_closes_with_a_negative_rest(story: Story) -> None:
    story.dispatch("T", "A", "B", 2).arrive("T", "B", 3).close_transfer("T")
    assert story.has("B", on_hand=3, in_transit=0)
    assert story.subject.outside()["lost"] == -1


def test_closing_a_transfer_again_changes_nothing(story: Story) -> None:
    story.dispatch("T", "A", "B", 5).close_transfer("T")
    before = story.numbers()
    story.close_transfer("T")
    assert story.numbers() == before


def test_dispatches_of_one_transfer_add_up(story: Story) -> None:
    story.receive("A", 9).dispatch("T", "A", "B", 2).dispatch("T", "A", "B", 3)
    story.arrive("T", "B", 5)
    assert story.has("A", on_hand=4)
    assert story.has("B", on_hand=5, in_transit=0)


@pytest.mark.parametrize("remainder", ["lost", "returned_to_source"])
def test_a_transfer_ends_the_same_in_whatever_order_it_is_told(remainder: str) -> None:
    ends = []
    for order in permutations(range(4)):
        story = Story(Model(SKU))
        tell = [
            lambda s: s.dispatch("T", "A", "B", 5),
            lambda s: s.arrive("T", "B", 2),
            lambda s: s.arrive("T", "C", 1, "damaged"),
            lambda s: s.close_transfer("T", remainder),
        ]
        for index in order:
            tell[index](story)
        ends.append((story.subject.positions(), story.subject.outside()))
    assert all(end == ends[0] for end in ends)
