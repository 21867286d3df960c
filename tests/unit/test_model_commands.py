"""Release, move, and commands before their reservation (rulings 24, 25, 26, 34)."""

from __future__ import annotations

from tests.support.story import Story, minutes

BOTH = {"allow_partial": True, "allow_backorder": True}


def test_a_release_gives_units_back_and_counts_as_cancelled(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").release("R", 1)
    assert story.answer() == ("released", 1)
    assert story.has("A", reserved=2, atp=3)
    assert story.line("O") == {"ordered": 3, "reserved": 2, "cancelled": 1}


def test_a_release_without_a_quantity_gives_everything_back(story: Story) -> None:
    story.receive("A", 2).reserve("R", 5, order="O", **BOTH).release("R")
    assert story.answer() == ("released", 5)
    assert story.line("O") == {"ordered": 5, "cancelled": 5}


def test_a_partial_release_takes_what_waits_first(story: Story) -> None:
    story.receive("A", 2).reserve("R", 5, order="O", **BOTH).release("R", 2)
    assert story.line("O") == {"ordered": 5, "reserved": 2, "backordered": 1, "cancelled": 2}


def test_a_partial_release_then_takes_from_the_last_preference(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 2)
    story.reserve("R", 6, "CAB", allow_split=True).release("R", 3)
    assert [story.position(p)["reserved"] for p in "CAB"] == [2, 1, 0]


def test_a_location_that_is_not_listed_is_the_last_preference(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 9)
    story.reserve("R", 4, "AB", order="O", allow_split=True).allocate("L", "O", 2, "C")
    story.deallocate("L").release("R", 1)
    assert story.has("C", reserved=1)
    assert story.has("B", reserved=2)


def test_a_release_beyond_what_is_open_releases_what_is_open(story: Story) -> None:
    story.receive("A", 5).reserve("R", 3, order="O").allocate("L", "O", 1).release("R", 9)
    assert story.answer() == ("released", 2)
    assert story.line("O") == {"ordered": 3, "allocated": 1, "cancelled": 2}


def test_a_move_takes_all_reserved_units_to_one_location_in_one_step(story: Story) -> None:
    story.receive("A", 2).receive("B", 2).receive("C", 4)
    story.reserve("R", 4, "AB", allow_split=True).move("R", "C")
    assert story.answer() == ("moved", 4)
    assert [story.position(p)["reserved"] for p in "ABC"] == [0, 0, 4]


def test_a_move_that_the_target_cannot_take_is_refused_and_changes_nothing(
    story: Story,
) -> None:
    story.receive("A", 3).receive("B", 2).reserve("R", 3)
    before = story.numbers()
    story.move("R", "B")
    assert story.answer()[0] == "refused"
    assert story.numbers() == before


def test_units_that_are_at_the_target_already_need_no_room_there(story: Story) -> None:
    story.receive("A", 2).receive("B", 4).reserve("R", 5, "AB", allow_split=True).move("R", "B")
    assert story.answer()[0] == "refused"
    story.receive("B", 1).move("R", "B")
    assert story.has("B", reserved=5)


def test_a_move_with_nothing_reserved_is_refused(story: Story) -> None:
    story.reserve("R", 3, allow_backorder=True).receive("B", 9).move("R", "B")
    assert story.answer()[0] == "refused"
    assert story.subject.backordered() == {"web": 3}


def test_a_backorder_keeps_its_list_when_the_held_part_moves(story: Story) -> None:
    story.receive("A", 2).receive("C", 9)
    story.reserve("R", 5, "AB", order="O", allow_split=True, **BOTH).move("R", "C")
    assert story.has("C", reserved=2)
    story.receive("C", 9)
    assert story.line("O")["backordered"] == 1
    story.receive("B", 1)
    assert story.has("B", reserved=1)


def test_a_release_before_its_reservation_is_parked_and_applied_when_it_comes(
    story: Story,
) -> None:
    story.receive("A", 5).release("R", 1)
    assert story.subject.parked() == [("ReleaseReservation", "reservation", "R")]
    story.reserve("R", 3, order="O")
    assert story.line("O") == {"ordered": 3, "reserved": 2, "cancelled": 1}
    assert story.subject.parked() == []


def test_an_extension_before_its_reservation_is_parked(story: Story) -> None:
    story.receive("A", 5).extend("R", minutes(30)).reserve("R", 3, expires_at=minutes(10))
    story.at(minutes(20)).tick()
    assert story.has("A", reserved=3)


def test_a_move_before_its_reservation_is_parked(story: Story) -> None:
    story.receive("A", 5).receive("B", 5).move("R", "B").reserve("R", 3)
    assert story.has("B", reserved=3)


def test_parked_commands_are_applied_in_the_order_they_came(story: Story) -> None:
    story.receive("A", 5).receive("B", 2).release("R", 1).move("R", "B").reserve("R", 3)
    assert [a.status for a in story.subject.answers()] == ["confirmed", "released", "moved"]


def test_what_was_parked_comes_before_who_waits(story: Story) -> None:
    story.receive("A", 3).reserve("first", 4, allow_backorder=True).release("R")
    story.reserve("R", 3).receive("A", 1)
    statuses = [(a.reservation, a.status) for a in story.subject.answers()]
    assert statuses == [
        ("first", "backordered"),
        ("R", "confirmed"),
        ("R", "released"),
        ("first", "backorder_confirmed"),
    ]


def test_facts_of_one_decision_are_expiries_its_own_then_who_waits(story: Story) -> None:
    story.receive("A", 3).reserve("old", 3, expires_at=minutes(10))
    story.reserve("waits", 2, allow_backorder=True).at(minutes(10)).receive("A", 1)
    statuses = [(a.reservation, a.status) for a in story.subject.answers()][2:]
    assert statuses == [("old", "expired"), ("waits", "backorder_confirmed")]


def test_units_deallocated_to_a_reservation_past_its_time_expire_in_the_same_decision(
    story: Story,
) -> None:
    story.receive("A", 3).reserve("R", 3, order="O", expires_at=minutes(10))
    story.allocate("L", "O", 3).at(minutes(10)).deallocate("L")
    assert story.line("O") == {"ordered": 3, "expired": 3}
    assert story.has("A", atp=3)


def test_what_expires_is_there_for_the_input_before_it_is_for_who_waits(story: Story) -> None:
    """Ruling 34 in its letter: backorders come after the input's own."""
    story.receive("A", 3).reserve("old", 3, expires_at=minutes(10))
    story.reserve("waits", 3, allow_backorder=True).at(minutes(10)).reserve("new", 3)
    assert story.answer("new") == ("confirmed", 3)
    assert story.subject.backordered() == {"web": 3}
