"""Allocations and deallocations (rulings 1, 2, 3, 10, 14, 18, 26)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, minutes


def test_an_allocation_turns_reserved_units_into_allocated_ones_in_one_step(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 2, reservation="R")
    assert story.has("A", reserved=1, allocated=2, atp=2)
    assert story.line("O") == {"ordered": 3, "reserved": 1, "allocated": 2}


def test_without_a_reservation_id_it_finds_its_reservation_by_order_and_line(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 3)
    assert story.has("A", reserved=0, allocated=3, atp=2)


def test_with_no_reservation_it_claims_directly_and_is_unordered(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3)
    assert story.has("A", allocated=3, atp=2)
    assert story.line("O") == {"unordered": 3, "allocated": 3}


def test_an_allocation_is_never_refused_for_want_of_stock(story: Story) -> None:
    story.allocate("L", "O", 3)
    assert story.has("A", allocated=3, atp=-3)
    assert story.subject.deficit() == 3


def test_what_an_allocation_takes_beyond_its_reservation_claims_directly(story: Story) -> None:
    story.receive("A", 9).reserve("R", 3, order="O").allocate("L", "O", 5)
    assert story.line("O") == {"ordered": 3, "unordered": 2, "allocated": 5}


def test_an_allocation_takes_reserved_units_of_its_location_first(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).reserve("R", 4, "AB", order="O", allow_split=True)
    story.allocate("L", "O", 2, "B")
    assert story.has("A", reserved=2)
    assert story.has("B", reserved=0, allocated=2)


def test_an_allocation_takes_reserved_units_of_elsewhere_in_order_of_preference(
    story: Story,
) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 9)
    story.reserve("R", 4, "BA", order="O", allow_split=True).allocate("L", "O", 3, "C")
    assert [story.position(p)["reserved"] for p in "ABC"] == [1, 0, 0]
    assert story.has("C", allocated=3)


def test_an_allocation_after_its_units_shipped_claims_nothing(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").ship(3, order="O").allocate("L", "O", 3)
    assert story.has("A", on_hand=2, reserved=0, allocated=0, atp=2)
    assert story.line("O") == {"ordered": 3, "shipped": 3}


def test_units_shipped_out_of_an_allocation_are_not_met_by_another(story: Story) -> None:
    story.receive("A", 9).allocate("L1", "O", 3).ship(3, order="O").allocate("L2", "O", 2)
    assert story.line("O") == {"unordered": 5, "shipped": 3, "allocated": 2}


def test_shipped_units_are_met_once(story: Story) -> None:
    story.receive("A", 9).ship(3, order="O").allocate("L1", "O", 2).allocate("L2", "O", 2)
    assert story.line("O") == {"unordered": 4, "shipped": 3, "allocated": 1}


def test_an_allocation_on_a_cancelled_line_claims_nothing_and_is_an_exception(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").cancel("O").allocate("L", "O", 3)
    assert story.has("A", allocated=0, atp=5)
    assert story.line("O") == {"ordered": 3, "cancelled": 3}
    assert story.subject.exceptions() == ["line_cancelled"]


def test_an_allocation_on_a_cancelled_line_still_meets_what_shipped(story: Story) -> None:
    story.receive("A", 5).ship(3, order="O").cancel("O").allocate("L", "O", 3)
    assert story.line("O") == {"unordered": 3, "shipped": 3}
    assert story.subject.exceptions() == []


def test_an_allocation_takes_waiting_units_of_its_line_before_it_claims_directly(
    story: Story,
) -> None:
    story.reserve("R", 3, order="O", allow_backorder=True).allocate("L", "O", 4)
    assert story.line("O") == {"ordered": 3, "unordered": 1, "allocated": 4}
    assert story.subject.backordered() == {}


def test_an_allocation_re_claims_expired_units_before_it_claims_directly(story: Story) -> None:
    story.receive("A", 9).reserve("R", 3, order="O", expires_at=minutes(1)).at(minutes(1))
    story.allocate("L", "O", 5)
    assert story.line("O") == {"ordered": 3, "unordered": 2, "allocated": 5}


def test_erp_and_shop_never_claim_one_order_twice(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3).reserve("R", 3, order="O")
    assert story.has("A", reserved=0, allocated=3, atp=2)
    assert story.line("O") == {"ordered": 3, "allocated": 3}


def test_the_same_allocation_told_again_under_a_new_id_changes_nothing(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3)
    before = story.numbers()
    story.allocate("L", "O", 3)
    assert story.numbers() == before
    assert story.subject.exceptions() == []


def test_the_same_allocation_with_another_payload_is_an_exception(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3)
    before = story.numbers()
    story.allocate("L", "O", 2)
    assert story.numbers() == before
    assert story.subject.exceptions(folded=False) == ["payload_conflict"]


def test_a_deallocation_gives_units_back_to_the_reservation_at_the_same_place(
    story: Story,
) -> None:
    story.receive("A", 5).receive("B", 5).reserve("R", 3, order="O").allocate("L", "O", 3, "B")
    story.deallocate("L", 2)
    assert story.has("A", reserved=0)
    assert story.has("B", reserved=2, allocated=1)


def test_a_deallocation_without_a_quantity_gives_up_all_that_is_open(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 3)
    story.ship(1, allocation="L").deallocate("L")
    assert story.line("O") == {"ordered": 3, "shipped": 1, "reserved": 2}


def test_a_deallocation_to_free_counts_as_cancelled(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 3)
    story.deallocate("L", 2, "free")
    assert story.line("O") == {"ordered": 3, "allocated": 1, "cancelled": 2}
    assert story.subject.atp() == 4


def test_a_deallocation_without_an_open_reservation_is_always_free(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3).deallocate("L")
    assert story.line("O") == {"unordered": 3, "cancelled": 3}
    assert story.subject.atp() == 5


def test_a_deallocation_after_its_reservation_expired_is_free(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O", expires_at=minutes(1))
    story.allocate("L", "O", 2).at(minutes(1)).tick().deallocate("L")
    assert story.line("O") == {"ordered": 3, "expired": 1, "cancelled": 2}


def test_a_deallocation_beyond_what_is_open_gives_up_what_is_open(story: Story) -> None:
    story.receive("A", 5).allocate("L", "O", 3).deallocate("L", 9)
    assert story.line("O") == {"unordered": 3, "cancelled": 3}


@pytest.mark.parametrize("to", ["reserved", "free"])
def test_a_deallocation_before_its_allocation_is_parked(story: Story, to: str) -> None:
    story.receive("A", 5).deallocate("L", 1, to)
    assert story.subject.parked() == [("StockDeallocated", "allocation", "L")]
    story.allocate("L", "O", 3)
    assert story.line("O") == {"unordered": 3, "allocated": 2, "cancelled": 1}
    assert story.subject.parked() == []


def test_what_the_floor_does_to_a_line_is_told_to_its_reservation(story: Story) -> None:
    story.receive("A", 9).reserve("R", 6, order="O").allocate("L", "O", 3).deallocate("L", 1)
    story.ship(2, order="O").cancel("O")
    assert [(a.reservation, a.status, a.quantity) for a in story.subject.answers()] == [
        ("R", "confirmed", 6),
        ("R", "allocated", 3),
        ("R", "deallocated", 1),
        ("R", "shipped", 2),
        ("R", "cancelled", 4),
    ]
