"""Repeats, conflicts, sequences, documents and nonsense (rulings 6, 20, 22, 27, 35)."""

from __future__ import annotations

import pytest
from tests.support.bodies import QUANTITY_MAX
from tests.support.story import Story, minutes


def test_a_second_delivery_of_the_same_event_changes_nothing(story: Story) -> None:
    story.receive("A", 5, event_id="e")
    before = story.numbers()
    story.at(minutes(9)).receive("A", 5, event_id="e", occurred=minutes(3))
    assert story.numbers() == before
    assert story.subject.exceptions() == []


def test_the_same_id_of_another_source_is_another_event(story: Story) -> None:
    story.receive("A", 5, event_id="e").receive("A", 5, event_id="e", source="erp")
    assert story.has("A", on_hand=10)


def test_the_same_id_with_another_payload_is_an_exception_and_the_first_stays(
    story: Story,
) -> None:
    story.receive("A", 5, event_id="e").receive("A", 6, event_id="e")
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=False) == ["payload_conflict"]


def test_the_same_id_with_another_event_type_is_an_exception(story: Story) -> None:
    story.receive("A", 5, event_id="e").adjust("A", 5, event_id="e")
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=False) == ["payload_conflict"]


def test_an_id_registers_only_when_its_event_is_accepted(story: Story) -> None:
    story.receive("A", 0, event_id="e").receive("A", 5, event_id="e")
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions() == ["quantity_out_of_range"]


def test_a_refused_command_is_accepted_and_not_decided_again(story: Story) -> None:
    story.tell("MoveReservation", reservation="R", location="B", event_id="e")
    story.receive("A", 3).reserve("R", 3)
    assert story.answer("R")[0] == "refused"
    story.receive("B", 9).tell("MoveReservation", reservation="R", location="B", event_id="e")
    assert story.has("B", reserved=0)


def test_a_repeated_number_with_the_same_payload_is_a_repeat(story: Story) -> None:
    story.receive("A", 5, sequence=1).receive("A", 5, sequence=1)
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions() == []


def test_a_repeated_number_with_another_payload_is_a_conflict(story: Story) -> None:
    story.receive("A", 5, sequence=1).receive("A", 6, sequence=1)
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions(folded=False) == ["payload_conflict"]


def test_a_gap_in_the_numbers_is_reported_and_the_late_one_folded(story: Story) -> None:
    story.receive("A", 1, sequence=1).receive("A", 2, sequence=3)
    assert story.subject.exceptions(folded=True) == ["sequence_gap"]
    story.receive("A", 4, sequence=2)
    assert story.has("A", on_hand=7)
    assert story.subject.exceptions() == ["sequence_gap"]


def test_numbers_of_different_sources_have_nothing_to_do_with_each_other(story: Story) -> None:
    story.receive("A", 5, sequence=1).receive("A", 5, sequence=1, source="erp")
    assert story.has("A", on_hand=10)


NOTE = {"document": "GRN-1", "document_line": "1"}


def test_the_same_movement_told_by_two_sources_folds_once(story: Story) -> None:
    story.receive("A", 5, **NOTE).receive("A", 5, source="erp", **NOTE)
    assert story.has("A", on_hand=5)
    assert story.subject.exceptions() == []


def test_two_sources_that_differ_are_a_finding_and_the_first_quantity_stands(
    story: Story,
) -> None:
    story.receive("A", 5, **NOTE).receive("A", 4, source="erp", **NOTE)
    assert story.has("A", on_hand=5)
    assert len(story.subject.exceptions()) == 1


def test_two_lines_of_a_document_are_two_movements(story: Story) -> None:
    story.receive("A", 5, **NOTE).receive("A", 5, document="GRN-1", document_line="2")
    assert story.has("A", on_hand=10)


def test_a_document_without_a_line_matches_nothing(story: Story) -> None:
    story.receive("A", 5, document="GRN-1").receive("A", 5, document="GRN-1")
    assert story.has("A", on_hand=10)


def test_a_shipment_told_twice_under_its_delivery_note_ships_once(story: Story) -> None:
    story.receive("A", 9).reserve("R", 4, order="O")
    story.ship(2, order="O", **NOTE).ship(2, order="O", source="erp", **NOTE)
    assert story.line("O") == {"ordered": 4, "reserved": 2, "shipped": 2}


NONSENSE = {
    "a receipt": lambda s, n: s.receive("A", n),
    "a dispatch": lambda s, n: s.dispatch("T", "A", "B", n),
    "an arrival": lambda s, n: s.arrive("T", "B", n),
    "a return": lambda s, n: s.come_back("A", n),
    "a disposition": lambda s, n: s.disposition("A", n, "on_hand"),
    "a status change": lambda s, n: s.change_status("A", n, "on_hand", "damaged"),
    "a reservation": lambda s, n: s.reserve("R", n, allow_backorder=True),
    "a release": lambda s, n: s.release("R0", n),
    "an allocation": lambda s, n: s.allocate("L", "O", n),
    "a deallocation": lambda s, n: s.deallocate("L0", n),
    "a shipment": lambda s, n: s.ship(n, order="O"),
    "a line": lambda s, n: s.expect("PO", "1", n),
    "a count": lambda s, n: s.count("A", n),
    "a fence": lambda s, n: s.fence("web", n),
    "a limit": lambda s, n: s.limit("web", n),
    "an adjustment": lambda s, n: s.adjust("A", n),
}
FROM_ZERO = {"a line", "a count", "a fence", "a limit"}


@pytest.mark.parametrize("what", NONSENSE)
def test_more_than_a_million_million_is_nonsense(story: Story, what: str) -> None:
    before = story.receive("A", 5).reserve("R0", 1).allocate("L0", "P", 1).numbers()
    NONSENSE[what](story, QUANTITY_MAX + 1)
    assert story.numbers() == before
    assert story.subject.exceptions(folded=False) == ["quantity_out_of_range"]


@pytest.mark.parametrize("what", sorted(NONSENSE.keys() - {"an adjustment"}))
def test_a_negative_quantity_is_nonsense(story: Story, what: str) -> None:
    before = story.receive("A", 5).reserve("R0", 1).allocate("L0", "P", 1).numbers()
    NONSENSE[what](story, -1)
    assert story.numbers() == before
    assert story.subject.exceptions(folded=False) == ["quantity_out_of_range"]


@pytest.mark.parametrize("what", sorted(NONSENSE.keys() - FROM_ZERO))
def test_zero_is_nonsense(story: Story, what: str) -> None:
    before = story.receive("A", 5).reserve("R0", 1).allocate("L0", "P", 1).numbers()
    NONSENSE[what](story, 0)
    assert story.numbers() == before
    assert story.subject.exceptions(folded=False) == ["quantity_out_of_range"]


@pytest.mark.parametrize("what", sorted(FROM_ZERO))
def test_zero_makes_sense_for_expected_counts_fences_and_limits(story: Story, what: str) -> None:
    NONSENSE[what](story.at(minutes(1)), 0)
    assert story.subject.exceptions() == []


def test_a_million_million_is_the_most_that_makes_sense(story: Story) -> None:
    story.receive("A", QUANTITY_MAX).adjust("A", -QUANTITY_MAX)
    assert story.has("A", on_hand=0)
    assert story.subject.exceptions() == []
