"""Feeds of the Walmart adapter: when one is made, how it is followed, what overtakes it."""

from __future__ import annotations

from typing import Any

from tests.support.walmart import Talk, sent_json

from stockfold.channels import Outcome, OutcomeKind, Purpose, Request, Response, StockUpdate
from stockfold.channels.conformance import Fault
from stockfold.channels.walmart.fake import WalmartSubject

POLL_S = 60.0


def selling(count: int, nodes: dict[str, str] | None = None, **options: object) -> Talk:
    """An adapter that has seen so many SKUs, which show 1 each."""
    talk = Talk(WalmartSubject(nodes or {}), feed_from=10, list_from=10, **options)
    for number in range(count):
        talk.subject.list(f"S{number}", 1)
    talk.until_told(updates(count, 1))
    talk.asked.clear()
    return talk


def updates(count: int, quantity: int, version: int = 1) -> list[StockUpdate]:
    return [StockUpdate(f"S{number}", quantity, version) for number in range(count)]


def is_over(outcome: Outcome) -> bool:
    return outcome.kind is not OutcomeKind.ACCEPTED


def feeds_of(talk: Talk) -> list[Any]:
    return [sent_json(one) for one in talk.asked if one.method == "POST"]


def asked(talk: Talk) -> list[tuple[Purpose, str]]:
    return [(one.purpose, one.method) for one in talk.asked]


def accepted(talk: Talk, due: list[StockUpdate]) -> Request:
    """The feed that these go out with."""
    answer = talk.turn(due)
    assert {one.kind for one in answer.outcomes} == {OutcomeKind.ACCEPTED}
    assert {one.retry_after_s for one in answer.outcomes} == {POLL_S}
    return talk.asked[-1]


def test_many_at_once_go_by_one_feed_and_are_told_as_applied_when_it_is_over() -> None:
    talk = selling(30)
    due = updates(30, 5, 2)
    accepted(talk, due)
    assert talk.subject.shows("S0") == 1
    assert {one.kind for one in talk.turn(due).outcomes} == {OutcomeKind.ACCEPTED}
    talk.subject.advance(600.0)
    told = talk.until_told(due, is_over)
    assert {one.kind for one in told.values()} == {OutcomeKind.APPLIED}
    assert talk.subject.shows("S29") == 5
    assert [(one.quantity, one.written) for one in talk.answers[-1].observed] == [(5, 5)] * 30
    assert asked(talk) == [(Purpose.WRITE, "POST"), *[(Purpose.FOLLOW, "GET")] * 2]


def test_few_are_written_singly() -> None:
    talk = selling(9)
    talk.until_told(updates(9, 5, 2))
    assert asked(talk) == [(Purpose.WRITE, "PUT")] * 9


def test_a_report_is_read_page_by_page() -> None:
    talk = selling(70, feed_page=20)
    due = updates(70, 5, 2)
    accepted(talk, due)
    talk.subject.advance(600.0)
    talk.until_told(due, is_over)
    offsets = [dict(one.params)["offset"] for one in talk.asked if one.purpose is Purpose.FOLLOW]
    assert offsets == ["0", "20", "40", "60"]


def test_a_feed_has_no_more_items_and_bytes_than_are_allowed() -> None:
    talk = selling(60)
    request = talk.adapter.next_request(updates(60, 5, 2), 25)
    assert request is not None
    assert len(request.updates) == 25
    small = selling(60, feed_bytes_max=1_000)
    accepted(small, updates(60, 5, 2))
    (content,) = feeds_of(small)
    assert 10 <= len(content["Inventory"]) < 20
    smaller = selling(60, feed_bytes_max=300)
    assert smaller.turn(updates(60, 5, 2)).outcomes[0].kind is OutcomeKind.APPLIED


def test_nodes_go_by_the_feed_of_nodes() -> None:
    talk = selling(10, {"east": "1000005050", "west": "2000005050"}, undivided_node="1000005050")
    due = [
        StockUpdate(f"S{number}", 5, 2, locations=(("east", 2), ("west", 3)))
        for number in range(10)
    ]
    accepted(talk, due)
    talk.subject.advance(600.0)
    talk.until_told(due, is_over)
    assert talk.subject.shows_at("S3") == {"1000005050": 2, "2000005050": 3}


def test_one_feed_at_a_time_and_none_beyond_the_budget() -> None:
    talk = selling(90)
    request = talk.adapter.next_request(updates(30, 5, 2), 30)
    assert request is not None
    talk.sent(request)
    other = talk.adapter.next_request(updates(90, 5, 2)[30:], 30)
    assert other is not None
    assert (request.method, other.method) == ("POST", "PUT")
    talk.adapter.receive(request, talk.send(request))
    assert talk.turn(updates(90, 5, 2)[30:]).outcomes[0].kind is OutcomeKind.APPLIED
    talk.subject.advance(800.0)
    talk.turn(updates(90, 6, 3)[89:])
    accepted(talk, updates(90, 5, 2)[40:80])


def test_an_item_that_a_feed_refuses_is_written_singly_which_tells_why() -> None:
    talk = selling(30)
    talk.subject.unlist("S3")
    talk.subject.spoil("S4")
    due = updates(30, 5, 2)
    accepted(talk, due)
    talk.subject.advance(600.0)
    told = talk.until_told(due, is_over)
    assert told["S3"].kind is told["S4"].kind is OutcomeKind.RETRYABLE
    assert "DATA_ERROR" in told["S3"].detail
    again = talk.until_told([due[3], due[4]])
    assert again["S3"].kind is OutcomeKind.UNMAPPED
    assert again["S4"].kind is OutcomeKind.REJECTED


def test_a_newer_quantity_waits_for_the_feed_and_is_written_after_it() -> None:
    talk = selling(30)
    accepted(talk, updates(30, 5, 2))
    newer = StockUpdate("S0", 8, 3)
    waits = talk.turn([newer])
    assert [one.kind for one in waits.outcomes] == [OutcomeKind.ACCEPTED]
    talk.subject.advance(600.0)
    assert not talk.turn([newer]).outcomes
    assert talk.until_told([newer])["S0"].kind is OutcomeKind.APPLIED
    assert talk.subject.shows("S0") == 8


def test_a_zero_overtakes_the_feed_and_is_written_again_after_it() -> None:
    talk = selling(30)
    accepted(talk, updates(30, 5, 2))
    zero = StockUpdate("S0", 0, 3)
    (first,) = talk.turn([zero]).outcomes
    assert first.kind is OutcomeKind.ACCEPTED
    assert talk.subject.shows("S0") == 0
    assert [one.kind for one in talk.turn([zero]).outcomes] == [OutcomeKind.ACCEPTED]
    talk.subject.advance(600.0)
    assert talk.subject.shows("S0") == 5, "the feed has undone it"
    assert talk.until_told([zero])["S0"].kind is OutcomeKind.APPLIED
    assert talk.subject.shows("S0") == 0


def test_after_a_restart_feeds_of_before_are_waited_for() -> None:
    talk = selling(30)
    accepted(talk, updates(30, 5, 2))
    talk.restarted()
    newer = [StockUpdate("S0", 8, 3)]
    zero = [StockUpdate("S1", 0, 3)]
    assert talk.turn(newer).outcomes == ()
    assert [one.kind for one in talk.turn(newer).outcomes] == [OutcomeKind.ACCEPTED]
    talk.until_told(zero)
    assert talk.subject.shows("S1") == 0, "an urgent one is written at once"
    talk.subject.advance(600.0)
    assert talk.until_told(newer, is_over)["S0"].kind is OutcomeKind.APPLIED
    assert talk.until_told(zero, is_over)["S1"].kind is OutcomeKind.APPLIED
    assert (talk.subject.shows("S0"), talk.subject.shows("S1")) == (8, 0)


def test_what_shows_zero_already_is_zero_only_once_no_feed_of_before_can_undo_it() -> None:
    talk = selling(30)
    accepted(talk, updates(30, 5, 2))
    talk.subject.list("S1", 0)
    talk.restarted()
    zero = [StockUpdate("S1", 0, 3)]
    assert talk.until_told(zero)["S1"].kind is OutcomeKind.ACCEPTED
    talk.subject.advance(600.0)
    assert talk.subject.shows("S1") == 5
    assert talk.until_told(zero, is_over)["S1"].kind is OutcomeKind.APPLIED
    assert talk.subject.shows("S1") == 0


def test_a_feed_whose_answer_got_lost_is_looked_for_and_waited_for() -> None:
    talk = selling(30)
    talk.subject.fail(Fault.LOST)
    lost = talk.turn(updates(30, 5, 2))
    assert {one.kind for one in lost.outcomes} == {OutcomeKind.RETRYABLE}
    newer = [StockUpdate("S0", 8, 3)]
    assert talk.turn(newer).outcomes == ()
    assert [one.kind for one in talk.turn(newer).outcomes] == [OutcomeKind.ACCEPTED]
    talk.subject.advance(600.0)
    talk.until_told(newer, is_over)
    assert talk.subject.shows("S0") == 8


def test_a_feed_that_is_never_over_is_given_up_after_so_many_questions() -> None:
    talk = selling(30, feed_polls_max=3)
    due = updates(30, 5, 2)
    accepted(talk, due)
    kinds = [talk.turn(due).outcomes[0].kind for _ in range(4)]
    assert kinds == [*[OutcomeKind.ACCEPTED] * 3, OutcomeKind.RETRYABLE]
    talk.restarted()
    talk.turn(due[:1])
    kinds = [one.kind for _ in range(4) for one in talk.turn(due[:1]).outcomes]
    assert kinds == [OutcomeKind.ACCEPTED] * 3, "of others it is no longer waited for"


def test_a_feed_that_walmart_cannot_read_is_written_singly() -> None:
    talk = selling(30, feed_version="9.9")
    due = updates(30, 5, 2)
    accepted(talk, due)
    told = talk.until_told(due, is_over)
    assert {one.kind for one in told.values()} == {OutcomeKind.RETRYABLE}
    assert "failed as a whole" in told["S0"].detail
    assert talk.turn(due).outcomes[0].kind is OutcomeKind.APPLIED


def test_a_feed_that_walmart_does_not_know_any_more_is_made_anew() -> None:
    talk = selling(30)
    due = updates(30, 5, 2)
    request = accepted(talk, due)
    talk.subject.jobs.forget()
    assert talk.turn(due).outcomes == ()
    talk.subject.advance(400.0)
    talk.turn([StockUpdate("S0", 0, 3)])
    assert accepted(talk, due[1:]).method == request.method


def test_a_feed_that_is_too_large_is_made_half_as_large() -> None:
    talk = selling(40)
    request = talk.adapter.next_request(updates(40, 5, 2), 40)
    assert request is not None
    assert talk.adapter.receive(request, Response(413, {}, b"")).outcomes == ()
    talk.subject.advance(400.0)
    talk.turn([StockUpdate("S0", 0, 3)])
    assert len(accepted(talk, updates(40, 5, 2)[1:]).updates) == 20


def test_what_failed_as_a_whole_goes_in_smaller_company() -> None:
    talk = selling(40)
    due = [StockUpdate(f"S{number}", 5, 2, 1) for number in range(40)]
    request = talk.adapter.next_request(due, 40)
    assert request is not None
    assert (request.method, len(request.updates)) == ("POST", 20)
    poison = [StockUpdate(f"S{number}", 5, 2, 2) for number in range(40)]
    alone = talk.adapter.next_request(poison, 39)
    assert alone is not None
    assert alone.method == "PUT"
