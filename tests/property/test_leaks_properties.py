"""For every generated history: a proposal, sent to the ledger, ends its leak, and only once."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings
from tests.support.bodies import DAY_US
from tests.support.explained import SKU, entries, subject_of
from tests.support.histories import Input, histories
from tests.support.ledger_subject import LedgerSubject

from stockfold.client import events
from stockfold.explain.compensation import Choices, Proposal
from stockfold.explain.leaks import KINDS, Leak, leaks
from stockfold.explain.open_book import Book
from stockfold.ledger.digest import rows


def found(subject: LedgerSubject, now_us: int) -> dict[tuple[str, str, str], Leak]:
    book = Book(SKU)
    for entry in entries(subject):
        book.fold(entry)
    return {
        (leak.kind, leak.name, leak.location): leak
        for leak in leaks(book, now_us, now_us, KINDS, Choices())
    }


def send(subject: LedgerSubject, proposal: Proposal, now_us: int) -> None:
    event = msgspec.convert(proposal.body, getattr(events, proposal.type))
    subject.feed(
        proposal.type,
        event.body(),
        event_id=proposal.event_id,
        source="/stockfold/leaks",
        occurred_us=now_us,
        now_us=now_us,
    )


@settings(max_examples=60, deadline=None)
@given(histories(size=80))
def test_a_proposal_ends_its_leak_and_sent_again_changes_nothing(history: list[Input]) -> None:
    subject = subject_of(history)
    now_us = max((fact.recorded_us for fact in subject.facts), default=0) + 30 * DAY_US
    refused = len(subject.exceptions(folded=False))
    for key, leak in found(subject, now_us).items():
        still = found(subject, now_us).get(key)
        if still is None or still.proposal is None:
            continue
        send(subject, still.proposal, now_us)
        assert key not in found(subject, now_us), leak
        before = rows(subject.state)
        send(subject, still.proposal, now_us)
        assert rows(subject.state) == before
    assert len(subject.exceptions(folded=False)) == refused


@settings(max_examples=40, deadline=None)
@given(histories(size=80))
def test_what_is_open_is_what_the_ledger_has_open(history: list[Input]) -> None:
    subject = subject_of(history)
    book = Book(SKU)
    for entry in entries(subject):
        book.fold(entry)
    state = subject.state
    assert set(book.lines) == {key for key, line in state.lines.items() if line.open_units()} | {
        key for key, line in state.lines.items() if line.live
    }
    in_transit = sum(u for t in book.transfers.values() for _, u in t.entity.posted)
    assert in_transit == sum(u for t in state.transfers.values() for _, u in t.posted)
    awaited = sum(r.entity.awaited for r in book.returns.values())
    assert awaited == sum(max(r.authorized - r.received, 0) for r in state.returns.values())
