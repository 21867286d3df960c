"""Expiry, and commands after it (ruling 10)."""

from __future__ import annotations

from tests.support.story import Story, minutes


def expired(story: Story) -> Story:
    """Five at A; R asked three of them until minute 10, and it is minute 10."""
    story.receive("A", 5).reserve("R", 3, order="O", expires_at=minutes(10))
    return story.at(minutes(10))


def test_a_reservation_expires_when_now_reaches_its_time(story: Story) -> None:
    expired(story).at(minutes(10) - 1).tick()
    assert story.has("A", reserved=3)
    story.at(minutes(10)).tick()
    assert story.has("A", reserved=0, atp=5)
    assert story.answer() == ("expired", 3)
    assert story.line("O") == {"ordered": 3, "expired": 3}


def test_expiry_is_due_before_each_input_whatever_it_is(story: Story) -> None:
    expired(story).reserve("R2", 5)
    assert story.answer() == ("confirmed", 5)


def test_a_reservation_that_is_born_expired_ends_in_the_same_decision(story: Story) -> None:
    story.receive("A", 5).at(minutes(5)).reserve("R", 3, order="O", expires_at=minutes(5))
    assert [a.status for a in story.subject.answers()] == ["confirmed", "expired"]
    assert story.has("A", reserved=0)


def test_expiry_ends_what_waits_too(story: Story) -> None:
    story.reserve("R", 3, order="O", allow_backorder=True, expires_at=minutes(10))
    story.at(minutes(10)).receive("A", 9)
    assert story.subject.backordered() == {}
    assert story.line("O") == {"ordered": 3, "expired": 3}


def test_expiry_never_ends_what_is_allocated(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O", expires_at=minutes(10))
    story.allocate("L", "O", 2).at(minutes(10)).tick()
    assert story.answer() == ("expired", 1)
    assert story.line("O") == {"ordered": 3, "allocated": 2, "expired": 1}


def test_a_reservation_without_an_expiry_never_expires(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3).at(minutes(10**6)).tick()
    assert story.has("A", reserved=3)


def test_expired_units_go_to_who_waits_in_the_same_decision(story: Story) -> None:
    story.receive("A", 3).reserve("R1", 3, expires_at=minutes(10))
    story.reserve("R2", 3, allow_backorder=True).at(minutes(10)).tick()
    assert story.answer("R2") == ("backorder_confirmed", 3)


def test_repeating_an_expired_reservation_asks_again_against_todays_stock(story: Story) -> None:
    expired(story).reserve("R", 3, order="O", expires_at=minutes(20))
    assert story.answer() == ("confirmed", 3)
    assert story.line("O") == {"ordered": 3, "reserved": 3}
    story.at(minutes(20)).tick()
    assert story.line("O") == {"ordered": 3, "expired": 3}


def test_a_repeated_reservation_may_be_rejected_today(story: Story) -> None:
    expired(story).reserve("R2", 4).reserve("R", 3, order="O")
    assert story.answer("R") == ("rejected", 3)
    assert story.line("O") == {"ordered": 3, "rejected": 3}


def test_a_repeated_reservation_uses_its_new_locations(story: Story) -> None:
    expired(story).receive("B", 3).reserve("R", 3, "B", order="O")
    assert story.has("B", reserved=3)


def test_a_repeated_reservation_asks_expired_units_and_not_released_ones(story: Story) -> None:
    story.receive("A", 5).reserve("R", 5, order="O", expires_at=minutes(10)).release("R", 2)
    story.at(minutes(10)).reserve("R", 5, order="O")
    assert story.line("O") == {"ordered": 5, "cancelled": 2, "reserved": 3}


def test_extending_before_expiry_moves_it(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, expires_at=minutes(10)).extend("R", minutes(20))
    assert story.answer() == ("extended", 3)
    story.at(minutes(19)).tick()
    assert story.has("A", reserved=3)
    story.at(minutes(20)).tick()
    assert story.has("A", reserved=0)


def test_extending_to_never_holds_for_ever(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, expires_at=minutes(10)).extend("R", None)
    story.at(minutes(99)).tick()
    assert story.has("A", reserved=3)


def test_extending_to_the_past_expires_at_once(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3).at(minutes(5)).extend("R", minutes(1))
    assert story.has("A", reserved=0)


def test_extending_after_expiry_asks_the_expired_units_again(story: Story) -> None:
    expired(story).extend("R", minutes(20))
    assert story.has("A", reserved=3)
    assert story.line("O") == {"ordered": 3, "reserved": 3}


def test_extending_after_expiry_may_be_rejected_today(story: Story) -> None:
    expired(story).reserve("R2", 4).extend("R", minutes(20))
    assert story.answer("R")[0] == "rejected"
    assert story.line("O") == {"ordered": 3, "rejected": 3}


def test_moving_after_expiry_is_refused(story: Story) -> None:
    expired(story).receive("B", 9).move("R", "B")
    assert story.answer()[0] == "refused"
    assert story.has("B", reserved=0)


def test_releasing_after_expiry_releases_nothing(story: Story) -> None:
    expired(story).release("R")
    assert story.line("O") == {"ordered": 3, "expired": 3}


def test_an_allocation_re_claims_expired_units_without_asking(story: Story) -> None:
    expired(story).reserve("R2", 5).allocate("L", "O", 3)
    assert story.line("O") == {"ordered": 3, "allocated": 3}
    assert story.has("A", reserved=5, allocated=3, atp=-3)


def test_a_second_reservation_may_ask_what_expired(story: Story) -> None:
    expired(story).reserve("R2", 3, order="O")
    assert story.answer("R2") == ("confirmed", 3)
    assert story.line("O") == {"ordered": 3, "reserved": 3}
