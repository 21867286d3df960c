"""Shipments and cancelled lines (rulings 1, 2, 3, 5, 12, 13, 26)."""

from __future__ import annotations

import pytest
from tests.support.story import Story, minutes


def test_a_shipment_moves_units_to_the_customer_and_shrinks_the_claim_as_much(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 3).ship(2, order="O")
    assert story.has("A", on_hand=3, allocated=1, atp=2)
    assert story.subject.outside()["customer"] == 2


def test_it_happened_even_if_the_shelf_goes_negative_and_is_flagged(story: Story) -> None:
    story.receive("A", 1).ship(3, order="O")
    assert story.has("A", on_hand=-2)
    assert "on_hand_negative" in story.subject.exceptions(folded=True)


def test_a_shipment_by_line_takes_allocated_there_then_allocated_elsewhere(
    story: Story,
) -> None:
    story.receive("A", 9).receive("B", 9)
    story.allocate("LA", "O", 2, "A").allocate("LB", "O", 2, "B").ship(3, "B", order="O")
    assert story.has("A", allocated=1)
    assert story.has("B", allocated=0)


def test_then_reserved_there_then_reserved_elsewhere_in_order_of_preference(
    story: Story,
) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 2)
    story.reserve("R", 6, "CAB", order="O", allow_split=True).ship(5, "B", order="O")
    assert [story.position(p)["reserved"] for p in "CAB"] == [0, 1, 0]
    assert story.line("O") == {"ordered": 6, "reserved": 1, "shipped": 5}


def test_then_what_waits(story: Story) -> None:
    story.reserve("R", 6, order="O", allow_backorder=True).ship(2, "B", order="O")
    assert story.line("O") == {"ordered": 6, "backordered": 4, "shipped": 2}


def test_a_shipment_that_names_an_allocation_takes_that_one_first(story: Story) -> None:
    story.receive("A", 9).allocate("L1", "O", 2).allocate("L2", "O", 2)
    story.ship(2, allocation="L2").deallocate("L2")
    assert story.line("O") == {"unordered": 4, "allocated": 2, "shipped": 2}


def test_a_shipment_that_names_an_allocation_takes_the_rest_like_any_other(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R", 4, order="O").allocate("L", "O", 1).ship(3, allocation="L")
    assert story.line("O") == {"ordered": 4, "reserved": 1, "shipped": 3}


def test_a_shipment_that_names_a_reservation_satisfies_its_line(story: Story) -> None:
    story.receive("A", 9).reserve("R", 4, order="O").ship(3, reservation="R")
    assert story.line("O") == {"ordered": 4, "reserved": 1, "shipped": 3}


def test_a_shipment_from_another_place_frees_the_units_that_were_claimed(story: Story) -> None:
    story.receive("A", 3).receive("B", 3).reserve("R", 3, order="O").ship(3, "B", order="O")
    assert story.has("A", on_hand=3, reserved=0, atp=3)
    assert story.has("B", on_hand=0)


def test_what_shipped_before_or_beyond_an_order_is_unordered(story: Story) -> None:
    story.receive("A", 9).reserve("R", 2, order="O").ship(5, order="O")
    assert story.line("O") == {"ordered": 2, "unordered": 3, "shipped": 5}


def test_shipped_before_allocated_before_reserved_ends_like_the_right_order(
    story: Story,
) -> None:
    story.receive("A", 5).ship(3, order="O").allocate("L", "O", 3).reserve("R", 3, order="O")
    assert story.line("O") == {"ordered": 3, "shipped": 3}
    assert story.has("A", on_hand=2, reserved=0, allocated=0, atp=2)


def test_units_shipped_against_an_unknown_allocation_leave_the_shelf_at_once(
    story: Story,
) -> None:
    story.receive("A", 5).ship(3, allocation="L")
    assert story.has("A", on_hand=2)
    assert story.subject.lines() == {}
    assert story.subject.parked() == [("StockShipped", "allocation", "L")]


def test_units_shipped_against_an_unknown_allocation_are_met_when_it_comes(
    story: Story,
) -> None:
    story.receive("A", 5).reserve("R", 5, order="O").ship(3, allocation="L")
    story.allocate("L", "O", 4)
    assert story.line("O") == {"ordered": 5, "reserved": 1, "allocated": 1, "shipped": 3}
    assert story.subject.parked() == []


def test_units_shipped_against_an_unknown_allocation_do_not_eat_another_one(
    story: Story,
) -> None:
    story.receive("A", 9).allocate("L1", "O", 3).ship(2, allocation="L2").allocate("L2", "O", 2)
    story.deallocate("L1")
    assert story.line("O") == {"unordered": 5, "shipped": 2, "cancelled": 3}


def test_units_shipped_against_an_unknown_reservation_are_met_when_it_comes(
    story: Story,
) -> None:
    story.receive("A", 5).ship(3, reservation="R").reserve("R", 5, order="O")
    assert story.answer("R") == ("confirmed", 2)
    assert story.line("O") == {"ordered": 5, "reserved": 2, "shipped": 3}
    assert story.has("A", on_hand=2, reserved=2, atp=0)


def test_cancelling_a_line_releases_what_it_has_open_and_nothing_else(story: Story) -> None:
    story.receive("A", 5)
    story.reserve("R", 9, order="O", allow_partial=True, allow_backorder=True)
    story.allocate("L", "O", 3).ship(1, order="O").cancel("O")
    assert story.line("O") == {"ordered": 9, "shipped": 1, "cancelled": 8}
    assert story.has("A", on_hand=4, reserved=0, allocated=0, atp=4)
    assert story.subject.backordered() == {}


def test_cancelling_does_not_cancel_again_what_expired_or_was_rejected(story: Story) -> None:
    story.receive("A", 2)
    story.reserve("R", 3, order="O", allow_partial=True, expires_at=minutes(1))
    story.at(minutes(1)).cancel("O")
    assert story.line("O") == {"ordered": 3, "expired": 2, "rejected": 1}


def test_a_cancel_told_again_changes_nothing(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").cancel("O")
    before = story.numbers()
    story.cancel("O")
    assert story.numbers() == before


def test_a_cancel_is_final_and_later_reservations_of_the_line_are_rejected(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R", 3, order="O").cancel("O").reserve("R2", 3, order="O")
    assert story.answer("R2")[0] == "rejected"
    assert story.reason() == "line_cancelled"
    assert story.line("O") == {"ordered": 3, "cancelled": 3}


def test_a_cancel_before_its_line_is_known_is_final_too(story: Story) -> None:
    story.receive("A", 9).cancel("O").reserve("R", 3, order="O")
    assert story.answer("R") == ("rejected", 3)
    assert story.line("O") == {"ordered": 3, "rejected": 3}


def test_a_reservation_beyond_what_was_cancelled_orders_and_rejects_the_rest(
    story: Story,
) -> None:
    story.receive("A", 9).reserve("R", 3, order="O").cancel("O").reserve("R2", 5, order="O")
    assert story.line("O") == {"ordered": 5, "cancelled": 3, "rejected": 2}


def test_another_line_of_the_order_is_not_cancelled(story: Story) -> None:
    story.receive("A", 9).reserve("R", 3, order="O", line="2").cancel("O", "1")
    assert story.line("O", "2") == {"ordered": 3, "reserved": 3}


def test_an_expired_line_that_is_cancelled_is_not_asked_again(story: Story) -> None:
    story.receive("A", 9).reserve("R", 3, order="O", expires_at=minutes(1)).at(minutes(1))
    story.cancel("O").reserve("R", 3, order="O")
    assert story.answer("R")[0] == "rejected"
    story.extend("R", None)
    assert story.answer("R")[0] == "refused"
    assert story.line("O") == {"ordered": 3, "expired": 3}


def test_ship_then_cancel_and_cancel_then_ship_end_alike(story: Story) -> None:
    story.receive("A", 9).reserve("R", 5, order="O").reserve("Q", 5, order="P", allow_partial=True)
    story.ship(3, order="O").cancel("O")
    assert story.line("O") == {"ordered": 5, "shipped": 3, "cancelled": 2}
    story.cancel("P").ship(3, order="P")
    assert story.line("P") == {"ordered": 5, "shipped": 3, "cancelled": 1, "rejected": 1}
    assert story.subject.exceptions(folded=True) == ["shipped_closed"]


@pytest.mark.parametrize("closed", ["cancelled", "expired", "rejected"])
def test_a_shipment_draws_on_closed_units_after_the_claim_and_is_flagged(
    story: Story, closed: str
) -> None:
    if closed != "rejected":
        story.receive("A", 3)
    story.reserve("R", 3, order="O", expires_at=minutes(1))
    if closed == "cancelled":
        story.release("R")
    story.at(minutes(1)).ship(2, order="O")
    assert story.line("O") == {"ordered": 3, "shipped": 2, closed: 1}
    assert "shipped_closed" in story.subject.exceptions(folded=True)


def test_what_ships_beyond_the_closed_units_too_is_unordered(story: Story) -> None:
    story.receive("A", 9).reserve("R", 2, order="O").cancel("O").ship(5, order="O")
    assert story.line("O") == {"ordered": 2, "unordered": 3, "shipped": 5}


def test_a_refund_or_authorization_changes_no_line(story: Story) -> None:
    story.receive("A", 5).reserve("R", 2, order="O").ship(2, order="O")
    before = story.numbers()
    story.tell("ReturnAuthorized", **{"return": "M"}, order="O", line="1", quantity=2)
    assert story.numbers() == before
