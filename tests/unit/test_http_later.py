"""The HTTP channel: what is shown already, and what was accepted and is done later."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.http_channel import (
    adapter,
    ask,
    body_of,
    kinds,
    publish,
    reply,
    updates,
    written,
)

from stockfold.channels import (
    OutcomeKind,
    Promise,
    Purpose,
    StockUpdate,
    TroubleKind,
)
from stockfold.channels.http.fake import LATER_FROM, HttpReceiver

NAMES = [f"SKU-{number}" for number in range(LATER_FROM)]


# What is shown before.


def test_what_is_shown_is_asked_before_a_sku_is_written_for_the_first_time() -> None:
    channel, receiver = adapter(reads=True, items_max=2), HttpReceiver()
    for name, units in (("A", 7), ("B", 0), ("C", 1)):
        receiver.list(name, units)
    due = updates("A", "B", "C")
    asked = written(channel, *due)
    assert asked.purpose is Purpose.LOOK_UP
    assert body_of(asked) == {
        "type": "stockfold.listings.v1",
        "data": {"channel": "own", "skus": ["A", "B"]},
    }
    answer = ask(channel, asked, receiver)
    assert answer.outcomes == ()
    assert [(one.sku, one.quantity, one.written) for one in answer.observed] == [
        ("A", 7, None),
        ("B", 0, None),
    ]
    first = written(channel, *due)
    assert first.purpose is Purpose.WRITE
    assert [update.sku for update in first.updates] == ["A", "B"]
    assert written(channel, *due[2:]).purpose is Purpose.LOOK_UP


def test_what_is_not_listed_is_not_written_and_asked_for_when_it_is_wanted_again() -> None:
    channel, receiver = adapter(reads=True), HttpReceiver()
    assert publish(channel, receiver, *updates("A")) == {"A": OutcomeKind.UNMAPPED}
    assert receiver.writes == ()
    receiver.list("A")
    assert publish(channel, receiver, *updates("A", version=2)) == {"A": OutcomeKind.APPLIED}


@pytest.mark.parametrize(
    "body", [None, {"results": []}, {"results": [{"sku": "A", "outcome": "shown"}]}]
)
def test_a_receiver_need_not_know_what_it_shows(body: Any) -> None:
    channel = adapter(reads=True)
    answer = channel.receive(written(channel, *updates("A")), reply(200, body))
    assert (answer.outcomes, answer.observed, answer.trouble) == ((), (), None)
    assert written(channel, *updates("A")).purpose is Purpose.WRITE


@pytest.mark.parametrize("status", [400, 422])
def test_a_receiver_that_does_not_take_the_question_says_what_to_set(status: int) -> None:
    channel = adapter(reads=True)
    answer = channel.receive(written(channel, *updates("A")), reply(status, b"what?"))
    assert answer.outcomes == ()
    assert answer.trouble is not None
    assert (answer.trouble.kind, answer.trouble.code) == (TroubleKind.REFUSED, "not_told")
    assert "set the option reads to false" in answer.trouble.detail


def test_too_many_to_ask_for_are_asked_for_in_smaller_messages() -> None:
    channel = adapter(reads=True)
    answer = channel.receive(written(channel, *updates(*NAMES)), reply(413))
    assert (answer.outcomes, answer.trouble) == ((), None)
    smaller = written(channel, *updates(*NAMES))
    assert (smaller.purpose, len(smaller.updates)) == (Purpose.LOOK_UP, len(NAMES) // 2)


def test_a_read_tells_what_is_shown_and_judges_nothing() -> None:
    channel, receiver = adapter(), HttpReceiver()
    receiver.list("A", 3)
    answer = ask(channel, channel.read(updates("A", "B")), receiver)
    assert [(one.sku, one.quantity) for one in answer.observed] == [("A", 3)]
    assert answer.outcomes == ()


# What is done later.


def test_what_was_accepted_is_asked_for_by_its_ticket_until_it_is_done() -> None:
    channel, receiver = adapter(), HttpReceiver()
    for name in NAMES:
        receiver.list(name)
    due = updates(*NAMES)
    accepted = ask(channel, written(channel, *due), receiver)
    assert {kind for _, kind, _ in kinds(accepted)} == {OutcomeKind.ACCEPTED}
    follow = written(channel, *due)
    assert follow.purpose is Purpose.FOLLOW
    assert body_of(follow)["data"] == {"channel": "own", "ticket": "job-1"}
    again = ask(channel, follow, receiver)
    assert {kind for _, kind, _ in kinds(again)} == {OutcomeKind.ACCEPTED}
    receiver.advance(again.outcomes[0].retry_after_s or 0.0)
    done = ask(channel, written(channel, *due), receiver)
    assert {kind for _, kind, _ in kinds(done)} == {OutcomeKind.APPLIED}
    assert {receiver.shows(name) for name in NAMES} == {5}
    assert written(channel, *due).purpose is Purpose.WRITE


def test_a_newer_version_does_not_wait_and_the_older_one_comes_to_nothing() -> None:
    channel, receiver = adapter(), HttpReceiver()
    for name in NAMES:
        receiver.list(name)
    ask(channel, written(channel, *updates(*NAMES)), receiver)
    newer = StockUpdate(NAMES[0], 0, 2)
    assert written(channel, newer).purpose is Purpose.WRITE
    assert publish(channel, receiver, newer) == {NAMES[0]: OutcomeKind.APPLIED}
    receiver.advance(60)
    assert (receiver.shows(NAMES[0]), receiver.shows(NAMES[1])) == (0, 5)


def test_another_quantity_of_the_same_version_is_written_over_what_was_accepted() -> None:
    channel, receiver = adapter(), HttpReceiver()
    for name in NAMES:
        receiver.list(name)
    ask(channel, written(channel, *updates(*NAMES)), receiver)
    receiver.advance(1)
    zeroed = StockUpdate(NAMES[0], 0, 1, promise=Promise("out_of_stock"))
    assert publish(channel, receiver, zeroed) == {NAMES[0]: OutcomeKind.APPLIED}
    receiver.advance(60)
    assert receiver.shows(NAMES[0]) == 0


def test_a_ticket_that_the_receiver_has_forgotten_is_written_anew() -> None:
    channel, receiver, other = adapter(), HttpReceiver(), HttpReceiver()
    for name in NAMES:
        receiver.list(name)
        other.list(name)
    due = updates(*NAMES)
    ask(channel, written(channel, *due), receiver)
    answer = ask(channel, written(channel, *due), other)
    assert {code for _, _, code in kinds(answer)} == {"not_told"}
    assert written(channel, *due).purpose is Purpose.WRITE
