"""Receipts and inbound (semantics: Receipts; rulings 15, 27, 36)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, days


@pytest.mark.parametrize("condition", ["on_hand", "quality_hold", "damaged"])
def test_goods_received_move_from_the_supplier_to_the_bucket_of_their_condition(
    story: Story, condition: str
) -> None:
    story.receive("A", 5, condition)
    assert story.position()[condition] == 5
    assert story.subject.outside()["supplier"] == -5


def test_only_units_on_hand_can_be_promised(story: Story) -> None:
    story.receive("A", 5).receive("A", 3, "quality_hold").receive("A", 2, "damaged")
    assert story.position()["atp"] == 5


def test_atp_of_a_sku_never_nets_a_negative_shelf_against_stock_elsewhere(story: Story) -> None:
    story.receive("A", 5).ship(3, "B")
    assert story.position("B")["atp"] == -3
    assert story.subject.atp() == 5
    assert story.subject.deficit() == 3


def test_an_inbound_line_is_expected_where_it_says_and_is_not_physical(story: Story) -> None:
    story.expect("PO", "1", 10, location="B")
    assert story.subject.expected() == {("PO", "1"): ("B", 10)}
    assert story.subject.positions() == {}


def test_a_receipt_reduces_its_expected_line_so_that_nothing_counts_twice(story: Story) -> None:
    story.expect("PO", "1", 10).receive("A", 4, inbound="PO", line="1")
    assert story.subject.expected() == {("PO", "1"): ("A", 6)}


def test_over_receipt_is_counted_and_flagged_and_never_expects_less_than_nothing(
    story: Story,
) -> None:
    story.expect("PO", "1", 3).receive("A", 5, inbound="PO", line="1")
    assert story.subject.expected() == {}
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=True) == ["over_receipt"]


def test_a_newer_revision_replaces_the_line_and_restates_all_that_was_ordered(
    story: Story,
) -> None:
    story.expect("PO", "1", 10).receive("A", 4, inbound="PO", line="1")
    story.expect("PO", "1", 6, revision=2, location="B")
    assert story.subject.expected() == {("PO", "1"): ("B", 2)}


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_or_equal_revision_is_ignored(story: Story, revision: int) -> None:
    story.expect("PO", "1", 10, revision=2).expect("PO", "1", 99, revision=revision)
    assert story.subject.expected() == {("PO", "1"): ("A", 10)}
    assert story.subject.exceptions() == []


def test_receipts_told_before_their_line_are_included_in_it(story: Story) -> None:
    story.receive("A", 4, inbound="PO", line="1").expect("PO", "1", 10)
    assert story.subject.expected() == {("PO", "1"): ("A", 6)}


def test_a_revision_below_what_was_received_expects_nothing_more(story: Story) -> None:
    story.expect("PO", "1", 10).receive("A", 8, inbound="PO", line="1")
    story.expect("PO", "1", 5, revision=2)
    assert story.subject.expected() == {}
    story.expect("PO", "1", 9, revision=3)
    assert story.subject.expected() == {("PO", "1"): ("A", 1)}


def test_a_receipt_without_a_line_uses_up_the_earliest_eta_and_undated_lines_last(
    story: Story,
) -> None:
    story.expect("PO", "1", 5).expect("PO", "2", 5, eta=days(2)).expect("PO", "3", 5, eta=days(1))
    story.receive("A", 7, inbound="PO")
    assert story.subject.expected() == {("PO", "1"): ("A", 5), ("PO", "2"): ("A", 3)}
    story.receive("A", 4, inbound="PO")
    assert story.subject.expected() == {("PO", "1"): ("A", 4)}


def test_lines_of_equal_eta_are_used_up_in_the_order_of_their_ids(story: Story) -> None:
    story.expect("PO", "2", 5, eta=days(1)).expect("PO", "1", 5, eta=days(1))
    story.receive("A", 6, inbound="PO")
    assert story.subject.expected() == {("PO", "2"): ("A", 4)}


def test_receipts_of_one_document_touch_no_other(story: Story) -> None:
    story.expect("PO", "1", 5).receive("A", 4, inbound="PO-2").receive("A", 1)
    assert story.subject.expected() == {("PO", "1"): ("A", 5)}


def test_closing_an_inbound_line_ends_what_remains_of_it(story: Story) -> None:
    story.expect("PO", "1", 10).expect("PO", "2", 3).close_inbound("PO", "1")
    assert story.subject.expected() == {("PO", "2"): ("A", 3)}


def test_closing_an_inbound_without_a_line_closes_every_line(story: Story) -> None:
    story.expect("PO", "1", 10).expect("PO", "2", 3).close_inbound("PO")
    assert story.subject.expected() == {}


@pytest.mark.parametrize("line", ["1", None])
def test_an_inbound_closed_before_it_is_known_stays_closed(story: Story, line: str | None) -> None:
    story.close_inbound("PO", line).expect("PO", "1", 10)
    assert story.subject.expected() == {}


@pytest.mark.parametrize("line", ["1", None])
def test_a_newer_revision_reopens_a_closed_line(story: Story, line: str | None) -> None:
    story.close_inbound("PO", line, revision=2).expect("PO", "1", 10, revision=2)
    assert story.subject.expected() == {}
    story.expect("PO", "1", 7, revision=3)
    assert story.subject.expected() == {("PO", "1"): ("A", 7)}


def test_closing_an_older_revision_than_the_current_one_changes_nothing(story: Story) -> None:
    story.expect("PO", "1", 10, revision=3).close_inbound("PO", "1", revision=2)
    assert story.subject.expected() == {("PO", "1"): ("A", 10)}


def test_an_expected_quantity_of_zero_makes_sense(story: Story) -> None:
    story.expect("PO", "1", 10).expect("PO", "1", 0, revision=2)
    assert story.subject.expected() == {}
    assert story.subject.exceptions() == []
