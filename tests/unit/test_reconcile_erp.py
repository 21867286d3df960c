"""What an ERP says against what the ledger says: why a figure differs."""

from __future__ import annotations

import pytest
from tests.support.explained import SKU, story
from tests.support.reconciled import CATALOGUE, book, compared, cut, says
from tests.support.story import Story, minutes

from stockfold.reconcile.compare import Known, Waiting, compare, unknown_locations
from stockfold.reconcile.corrections import corrections
from stockfold.reconcile.findings import Finding, Kind

SHELF = ("A", "on_hand")


def only(told: Story | None, theirs: int, at: float, **named) -> Finding:
    return compared(told, {SHELF: theirs}, cut(at, **named))[SHELF]


def ship(told: Story, quantity: int, occurred: float) -> Story:
    return told.tell(
        "StockShipped",
        shipment=f"S-{told.told}",
        location="A",
        quantity=quantity,
        occurred=minutes(occurred),
    )


def test_equal_figures_agree() -> None:
    assert only(story().receive("A", 8), 8, 30).kind is Kind.AGREES


def test_a_shipment_told_afterwards_is_late_and_names_itself() -> None:
    told = ship(story().receive("A", 8).at(minutes(60)), 3, 20)
    found = only(told, 8, 30)
    assert (found.kind, found.ours, found.then, found.difference) == (Kind.LATE, 5, 8, 3)
    assert [m.units for m in found.movements] == [-3]
    assert only(told, 5, 30).kind is Kind.AGREES


def test_what_is_known_at_a_time_leaves_later_knowledge_out() -> None:
    told = ship(story().receive("A", 8).at(minutes(60)), 3, 20)
    assert only(told, 8, 30, known=40).kind is Kind.AGREES


def test_a_movement_just_before_the_time_may_be_booked_there_after_it() -> None:
    told = ship(story().receive("A", 8).at(minutes(25)), 3, 25)
    found = only(told, 8, 30)
    assert (found.kind, [m.units for m in found.movements]) == (Kind.TIMING, [-3])
    assert "after the time" in found.why
    assert only(told, 8, 60).kind is Kind.UNEXPLAINED


def test_a_movement_just_after_the_time_may_be_booked_there_before_it() -> None:
    told = ship(story().receive("A", 8).at(minutes(35)), 3, 35)
    found = only(told, 5, 30)
    assert (found.kind, "before the time" in found.why) == (Kind.TIMING, True)


def test_a_count_afterwards_that_made_the_same_correction_explains_a_figure() -> None:
    told = story().receive("A", 8).at(minutes(400))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=6, as_of=minutes(300))
    found = only(told, 6, 30)
    assert (found.kind, found.counted_since) == (Kind.IN_COUNT_WINDOW, True)
    assert corrections([found], minutes(30), [Kind.IN_COUNT_WINDOW])[0] == []


def test_a_figure_near_a_count_is_not_judged() -> None:
    told = story().receive("A", 8).at(minutes(40))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=6, as_of=minutes(35))
    assert only(told, 99, 30).kind is Kind.IN_COUNT_WINDOW
    assert only(told, 99, 60).kind is Kind.UNEXPLAINED


def test_units_that_have_moved_there_between_two_places_are_not_here_yet() -> None:
    told = story().receive("A", 8).dispatch("T", "A", "B", 3)
    found = compared(told, {("B", "on_hand"): 3, ("B", "in_transit"): 0}, cut(100))
    assert {one.kind for one in found.values()} == {Kind.NOT_HERE_YET}
    assert "moved 3 units from in transit at B to on hand at B" in found["B", "on_hand"].why


def test_an_expected_line_of_as_many_units_is_a_receipt_that_is_not_here_yet() -> None:
    waiting = {(SKU, SHELF): [Waiting(4, "4 units of PO-1 are expected", "Send the receipt.")]}
    known = Known({SKU: []}, waiting=waiting)
    found = compared(story().receive("A", 8), {SHELF: 12}, cut(100), known)[SHELF]
    assert (found.kind, found.why) == (Kind.NOT_HERE_YET, "4 units of PO-1 are expected")


def test_figures_that_are_equal_in_another_unit_are_told_as_that() -> None:
    known = Known({SKU: [("case", 12, 1)]})
    found = compared(story().receive("A", 48), {SHELF: 4}, cut(100), known)[SHELF]
    assert (found.kind, found.why) == (Kind.UNIT_OF_MEASURE, "4 case are 48 units")


def test_a_sku_that_nobody_knows_is_a_mapping_and_one_of_the_catalogue_is_missing_here() -> None:
    assert only(None, 4, 30).kind is Kind.MISSING_HERE
    strange = compared(None, {SHELF: 4}, cut(30), Known())[SHELF]
    assert strange.kind is Kind.MAPPING_UNKNOWN
    assert compared(None, {SHELF: 0}, cut(30), Known())[SHELF].kind is Kind.AGREES


def test_a_location_that_nobody_knows_is_a_mapping() -> None:
    found = compared(story().receive("A", 8), {("Z", "on_hand"): 4}, cut(30))
    (one,) = unknown_locations((f for f in found.values() if f.location == "Z"), frozenset({"A"}))
    assert (one.kind, one.why) == (Kind.MAPPING_UNKNOWN, "no location here is called 'Z'")


def test_places_that_the_file_does_not_speak_of_are_not_compared() -> None:
    told = story().receive("A", 8).receive("A", 2, "damaged")
    assert set(compared(told, {SHELF: 8}, cut(30))) == {SHELF}


@pytest.mark.parametrize("complete", [False, True])
def test_what_a_file_does_not_list_is_zero_only_when_it_is_complete(complete: bool) -> None:
    of = cut(30)
    other = says({SHELF: 1}, complete=complete, sku="SKU-2")
    (found,) = compare(SKU, book(story().receive("A", 8), of), other, of, CATALOGUE)
    assert found.kind is (Kind.UNEXPLAINED if complete else Kind.MISSING_THERE)
    assert found.theirs == (0 if complete else None)


def test_lost_units_are_compared_by_sku_since_the_ledger_keeps_no_place_for_them() -> None:
    told = story().receive("A", 8).dispatch("T", "A", "B", 3)
    told.tell("TransferClosed", transfer="T", remainder="lost", document=None, document_line=None)
    found = compared(told, {("B", "lost"): 2, ("A", "lost"): 1}, cut(30))
    assert found["", "lost"].kind is Kind.AGREES


def test_corrections_are_counts_of_shelves_with_ids_that_follow_from_both_figures() -> None:
    found = only(story().receive("A", 8), 5, 100)
    (first,), withheld = corrections([found], minutes(100))
    (again,), _ = corrections([only(story().receive("A", 8), 5, 100)], minutes(100))
    (other,), _ = corrections([only(story().receive("A", 8), 6, 100)], minutes(100))
    assert (first.counted, first.bucket, first.event_id) == (5, "on_hand", again.event_id)
    assert first.event_id != other.event_id
    assert withheld == []


def test_what_is_in_transit_or_below_zero_cannot_be_counted() -> None:
    found = compared(story().receive("A", 8), {("A", "in_transit"): 5, SHELF: -2}, cut(100))
    made, withheld = corrections(found.values(), minutes(100))
    assert made == []
    assert [one.reason.split(":")[0] for one in withheld] == [
        "in transit cannot be counted",
        "a shelf cannot be counted below zero",
    ]


def test_explained_differences_are_corrected_only_when_asked() -> None:
    found = [only(ship(story().receive("A", 8).at(minutes(60)), 3, 20), 8, 30)]
    assert corrections(found, minutes(30)) == ([], [])
    assert len(corrections(found, minutes(30), [Kind.LATE])[0]) == 1
