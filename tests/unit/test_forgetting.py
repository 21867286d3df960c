"""Finished entities leave memory by a journalled fact; parked commands surface."""

from __future__ import annotations

from hypothesis import given, settings
from tests.support.histories import MINUTE_US, histories
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story, minutes

from stockfold.ledger.decide import tidy
from stockfold.ledger.forgetting import OLD_MOVES_MIN

SKU = "SKU-1"


def tidy_up(
    subject: LedgerSubject,
    now_us: int,
    floor_us: int,
    parked_before_us: int = 0,
    moved_before_us: int = 0,
) -> list:
    facts = tidy(subject.state, now_us, floor_us, parked_before_us, moved_before_us)
    subject.fold(facts)
    return facts


def served_line(story: Story) -> None:
    line = {"order": "O", "line": "1", "quantity": 2}
    story.receive("A", 5)
    story.tell("ReserveStock", **line, reservation="R", channel="web", locations=["A"])
    story.tell("StockAllocated", **line, allocation="AL", location="A")
    story.tell("StockShipped", **line, shipment="S", allocation="AL", location="A")


def test_a_served_line_leaves_memory_once_the_floor_has_passed_it() -> None:
    subject = LedgerSubject(SKU)
    story = Story(subject)
    served_line(story)
    assert tidy_up(subject, minutes(1), minutes(0) - 1) == []
    (fact,) = tidy_up(subject, minutes(1), minutes(0))
    assert fact.kind == "EntitiesForgotten"
    state = subject.state
    assert (state.lines, state.reservations, state.allocations) == ({}, {}, {})
    assert subject.positions()["A"]["on_hand"] == 3


def test_what_is_open_stays() -> None:
    subject = LedgerSubject(SKU)
    story = Story(subject)
    story.receive("A", 5)
    story.tell(
        "ReserveStock",
        order="O",
        line="1",
        quantity=2,
        reservation="R",
        channel="web",
        locations=["A"],
    )
    assert tidy_up(subject, minutes(1), minutes(0)) == []


def test_movements_that_no_count_may_reach_back_to_leave_memory_when_they_are_many() -> None:
    subject = LedgerSubject(SKU)
    story = Story(subject)
    for minute in range(OLD_MOVES_MIN + 10):
        story.at(minutes(minute)).receive("A", 1)
    through_us = minutes(OLD_MOVES_MIN - 1)
    assert tidy_up(subject, minutes(60), 1, moved_before_us=through_us - 1) == []
    times = [through_us, through_us + 1, minutes(OLD_MOVES_MIN), minutes(OLD_MOVES_MIN + 5)]
    later = [subject.state.moved_after("A", 0, at_us) for at_us in times]
    assert later == [10, 10, 9, 4]
    (fact,) = tidy_up(subject, minutes(60), 1, moved_before_us=through_us)
    assert fact.change.forget.moves_through_us == through_us
    state = subject.state
    assert len(state.moves) == 3 * 10
    assert [state.moved_after("A", 0, at_us) for at_us in times] == later
    assert state.moves_floor_us == through_us
    assert subject.positions()["A"]["on_hand"] == OLD_MOVES_MIN + 10


def test_a_command_that_waits_too_long_is_reported_once() -> None:
    subject = LedgerSubject(SKU)
    story = Story(subject)
    story.tell("MoveReservation", reservation="R", location="A")
    assert tidy_up(subject, minutes(1), 0, parked_before_us=minutes(0) - 1) == []
    (fact,) = tidy_up(subject, minutes(2), 0, parked_before_us=minutes(0))
    assert fact.flags == ("parked_too_long",)
    assert tidy_up(subject, minutes(3), 0, parked_before_us=minutes(2)) == []
    assert subject.parked() == [("MoveReservation", "reservation", "R")]


@settings(max_examples=60, deadline=None)
@given(histories(size=60))
def test_forgetting_changes_no_number_and_a_follower_forgets_the_same(history) -> None:
    subject = LedgerSubject(SKU)
    for event in history:
        subject.feed(
            event.event_type,
            event.body,
            event_id=event.event_id,
            source=event.source,
            occurred_us=event.occurred_us,
            now_us=event.now_us,
        )
        before = (subject.positions(), subject.claims(), subject.backordered(), subject.atp())
        expected = {key: row for key, row in subject.expected().items() if row[1]}
        aged_us = event.now_us - 5 * MINUTE_US
        tidy_up(subject, event.now_us, aged_us, moved_before_us=aged_us)
        assert before == (
            subject.positions(),
            subject.claims(),
            subject.backordered(),
            subject.atp(),
        )
        assert {key: row for key, row in subject.expected().items() if row[1]} == expected
