"""ReserveStock: sourcing, its line and its answers (rulings 1, 2, 5, 8, 9, 23, 27, 36)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, minutes


def test_a_reservation_is_sourced_at_once_and_its_units_cannot_be_promised_again(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3)
    assert story.answer() == ("confirmed", 3)
    assert story.has("A", on_hand=5, reserved=3, atp=2)
    assert story.line("order of R") == {"ordered": 3, "reserved": 3}


def test_with_many_buyers_for_the_last_unit_exactly_one_is_confirmed(story: Story) -> None:
    story.receive("A", 1)
    for buyer in range(5):
        story.reserve(f"R{buyer}", 1)
    statuses = [a.status for a in story.subject.answers()]
    assert statuses == ["confirmed"] + ["rejected"] * 4


def test_the_first_listed_location_that_can_take_it_whole_holds_it(story: Story) -> None:
    story.receive("A", 2).receive("B", 9).receive("C", 9).reserve("R", 3, "ACB")
    assert story.has("C", reserved=3)


def test_a_location_that_is_not_listed_is_never_used(story: Story) -> None:
    story.receive("A", 2).receive("B", 9).reserve("R", 3, "A")
    assert story.answer() == ("rejected", 3)
    assert story.line("order of R") == {"ordered": 3, "rejected": 3}


def test_a_negative_location_lends_nothing_and_takes_nothing_from_others(story: Story) -> None:
    story.ship(4, "B").receive("A", 3).reserve("R", 3, "BA")
    assert story.answer() == ("confirmed", 3)
    assert story.has("A", reserved=3)


def test_without_allow_split_no_two_locations_share_a_line(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).reserve("R", 4, "AB")
    assert story.answer() == ("rejected", 4)


def test_with_allow_split_the_locations_share_it_in_order(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 2)
    story.reserve("R", 5, "CAB", allow_split=True)
    assert story.answer() == ("confirmed", 5)
    assert [story.position(p)["reserved"] for p in "CAB"] == [2, 2, 1]


def test_a_single_location_that_takes_all_comes_before_a_split(story: Story) -> None:
    story.receive("A", 2).receive("B", 3).reserve("R", 3, "AB", allow_split=True)
    assert story.has("A", reserved=0)
    assert story.has("B", reserved=3)


def test_without_allow_partial_a_line_is_reserved_whole_or_not_at_all(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).reserve("R", 5, "AB", allow_split=True)
    assert story.answer() == ("rejected", 5)
    assert story.subject.atp() == 4


def test_without_allow_partial_a_line_that_may_wait_waits_as_a_whole(story: Story) -> None:
    story.receive("A", 2).reserve("R", 5, allow_backorder=True)
    assert story.answer() == ("backordered", 5)
    assert story.has("A", reserved=0)
    assert story.subject.backordered() == {"web": 5}


def test_with_allow_partial_what_there_is_is_held_and_the_rest_rejected(story: Story) -> None:
    story.receive("A", 2).reserve("R", 5, allow_partial=True)
    assert story.answer() == ("partially_confirmed", 2)
    assert story.line("order of R") == {"ordered": 5, "reserved": 2, "rejected": 3}


def test_with_both_flags_what_there_is_is_held_and_the_rest_waits(story: Story) -> None:
    story.receive("A", 2).reserve("R", 5, allow_partial=True, allow_backorder=True)
    assert story.answer() == ("partially_confirmed", 2)
    assert story.line("order of R") == {"ordered": 5, "reserved": 2, "backordered": 3}


def test_with_allow_partial_and_nothing_there_all_of_it_waits(story: Story) -> None:
    story.reserve("R", 5, allow_partial=True, allow_backorder=True)
    assert story.answer() == ("backordered", 5)


def test_a_part_without_allow_split_is_held_where_most_can_be_taken(story: Story) -> None:
    story.receive("A", 1).receive("B", 3).receive("C", 2)
    story.reserve("R", 5, "ABC", allow_partial=True)
    assert [story.position(p)["reserved"] for p in "ABC"] == [0, 3, 0]


def test_of_locations_that_can_take_the_same_part_the_first_listed_holds_it(
    story: Story,
) -> None:
    story.receive("A", 2).receive("B", 2).reserve("R", 5, "BA", allow_partial=True)
    assert story.has("B", reserved=2)


def test_a_part_with_allow_split_is_held_in_order(story: Story) -> None:
    story.receive("A", 1).receive("B", 3)
    story.reserve("R", 5, "AB", allow_partial=True, allow_split=True)
    assert [story.position(p)["reserved"] for p in "AB"] == [1, 3]


def test_repeating_a_reservation_repeats_the_answer_and_changes_nothing(story: Story) -> None:
    story.receive("A", 3).reserve("R", 3)
    before = story.numbers()
    story.reserve("R", 3)
    assert [(a.status, a.quantity) for a in story.subject.answers()] == [("confirmed", 3)] * 2
    assert story.numbers() == before


def test_repeating_a_rejected_reservation_repeats_the_rejection(story: Story) -> None:
    story.reserve("R", 3).receive("A", 9).reserve("R", 3)
    assert story.answer() == ("rejected", 3)
    assert story.has("A", reserved=0)


@pytest.mark.parametrize(
    "other", [{"quantity": 2}, {"order": "P"}, {"line": "2"}, {"channel": "shop"}]
)
def test_the_same_reservation_with_another_payload_is_an_exception_and_changes_nothing(
    story: Story, other: dict
) -> None:
    story.receive("A", 9).reserve("R", 3, order="O")
    before = story.numbers()
    story.reserve("R", **{"quantity": 3, "order": "O", **other})
    assert story.numbers() == before
    assert story.subject.exceptions(folded=False) == ["payload_conflict"]


def test_a_second_reservation_of_a_line_is_refused_while_the_first_is_open(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R1", 3, order="O")
    before = story.numbers()
    story.reserve("R2", 3, order="O")
    assert story.answer("R2") == ("refused", 0)
    assert story.reason() == "line_reserved_by_another"
    assert story.numbers() == before


def test_a_second_reservation_is_refused_while_units_of_the_first_are_allocated(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R1", 3, order="O").allocate("L", "O", 3)
    story.reserve("R2", 3, order="O")
    assert story.answer("R2") == ("refused", 0)


def test_a_second_reservation_asks_again_what_is_closed(story: Story) -> None:
    story.reserve("R1", 3, order="O").receive("A", 9).reserve("R2", 3, order="O")
    assert story.answer("R2") == ("confirmed", 3)
    assert story.line("O") == {"ordered": 3, "reserved": 3}


def test_a_second_reservation_reopens_cancelled_then_expired_then_rejected_units(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R1", 6, order="O", allow_partial=True).release("R1", 2)
    story.release("R1")
    assert story.line("O") == {"ordered": 6, "cancelled": 5, "rejected": 1}
    story.reserve("R2", 5, order="O")
    assert story.line("O") == {"ordered": 6, "reserved": 5, "rejected": 1}


def test_a_second_reservation_for_more_than_was_closed_orders_the_rest(story: Story) -> None:
    story.receive("A", 9).reserve("R1", 3, order="O").release("R1").reserve("R2", 5, order="O")
    assert story.line("O") == {"ordered": 5, "reserved": 5}


def test_a_reservation_asks_only_what_its_line_does_not_have_allocated(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 2).reserve("R", 5, order="O")
    assert story.answer("R") == ("confirmed", 3)
    assert story.line("O") == {"ordered": 5, "allocated": 2, "reserved": 3}


def test_a_reservation_asks_only_what_its_line_has_not_shipped(story: Story) -> None:
    story.receive("A", 5).ship(5, order="O").reserve("R", 5, order="O")
    assert story.answer("R") == ("confirmed", 0)
    assert story.line("O") == {"ordered": 5, "shipped": 5}
    assert story.has("A", on_hand=0, atp=0)


def test_a_reservation_smaller_than_what_the_floor_did_leaves_the_rest_unordered(
    story: Story,
) -> None:
    story.receive("A", 5).ship(4, order="O").reserve("R", 3, order="O")
    assert story.line("O") == {"ordered": 3, "unordered": 1, "shipped": 4}


def test_a_reservation_without_locations_makes_no_sense(story: Story) -> None:
    story.receive("A", 5).reserve("R", 1, "")
    assert story.subject.lines() == {}
    assert len(story.subject.exceptions(folded=False)) == 1


def test_the_line_adds_up_through_everything_that_can_happen_to_it(story: Story) -> None:
    story.receive("A", 9).reserve("R", 9, order="O").allocate("L", "O", 5).ship(2, order="O")
    story.deallocate("L", 1, "free").release("R", 1).cancel("O").ship(2, order="O")
    assert story.line("O") == {"ordered": 9, "shipped": 4, "cancelled": 5}


def test_needed_on_dates_the_demand_only_and_the_units_are_held_today(story: Story) -> None:
    story.receive("A", 5).reserve(
        "R", 3, needed_on=30_000, supply_line={"inbound": "PO", "line": "1"}
    )
    assert story.answer() == ("confirmed", 3)
    assert story.has("A", reserved=3)


def test_a_reservation_that_was_rejected_whole_keeps_its_line_for_nobody(story: Story) -> None:
    story.reserve("R1", 5, order="O").receive("A", 9).allocate("L", "O", 2)
    story.reserve("R2", 5, order="O")
    assert story.answer("R2") == ("confirmed", 3)


def test_a_reservation_whose_line_has_nothing_open_left_is_over(story: Story) -> None:
    story.receive("A", 9).reserve("R1", 2, order="O").ship(2, order="O").allocate("L", "O", 3)
    story.allocate("L2", "O", 2).reserve("R2", 6, order="O")
    assert story.answer("R2") == ("confirmed", 1)


def test_a_reservation_whose_line_another_took_over_only_repeats_its_answer(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R1", 5, order="O", expires_at=minutes(1)).at(minutes(1))
    story.reserve("R2", 3, order="O").reserve("R1", 5, order="O")
    assert story.answer("R1") == ("confirmed", 5)
    assert story.line("O") == {"ordered": 5, "reserved": 3, "expired": 2}


def test_a_repeated_reservation_asks_no_more_than_its_own_quantity(story: Story) -> None:
    story.receive("A", 9).reserve("R1", 5, order="O", expires_at=minutes(1)).at(minutes(1))
    story.reserve("R2", 3, order="O", expires_at=minutes(2)).at(minutes(2))
    story.reserve("R2", 3, order="O")
    assert story.answer("R2") == ("confirmed", 3)
    assert story.line("O") == {"ordered": 5, "reserved": 3, "expired": 2}
