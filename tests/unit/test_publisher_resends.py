"""Sending a listing once more: only what had its outcome, and nothing older than what is known."""

from __future__ import annotations

import pytest

from stockfold.channels import Observed, Outcome, OutcomeKind, Shown, StockUpdate
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.sold_there import SoldThere
from stockfold_services.publisher.wanted import Wanted


def wanted(version: int, quantity: int = 5) -> Wanted:
    return Wanted("A", quantity, version, 0, version)


@pytest.fixture
def backlog() -> Backlog:
    return Backlog(lambda update: Shown(update.quantity), lambda _: 1.0, 3)


def due(backlog: Backlog) -> list[tuple[int, int]]:
    return [(update.version, update.quantity) for update in backlog.due(0.0, 10)]


def write(backlog: Backlog, kind: OutcomeKind = OutcomeKind.APPLIED) -> StockUpdate:
    """Send what is due and land it."""
    (update,) = backlog.due(0.0, 1)
    backlog.claim([update], 0)
    backlog.land(Outcome(update, kind), 0.0, 0)
    return update


@pytest.mark.parametrize("kind", [OutcomeKind.APPLIED, OutcomeKind.REJECTED, OutcomeKind.UNMAPPED])
def test_what_had_its_outcome_is_sent_once_more(backlog: Backlog, kind: OutcomeKind) -> None:
    backlog.offer(wanted(1), 0)
    write(backlog, kind)
    assert backlog.again(wanted(1), 0) == []
    assert due(backlog) == [(1, 5)]
    write(backlog)
    assert due(backlog) == []


def test_what_is_in_hand_or_older_than_what_is_known_is_left_alone(backlog: Backlog) -> None:
    backlog.offer(wanted(1), 0)
    assert backlog.again(wanted(1), 0) == []
    (update,) = backlog.due(0.0, 1)
    backlog.claim([update], 0)
    assert backlog.again(wanted(1), 0) == []
    backlog.land(Outcome(update, OutcomeKind.APPLIED), 0.0, 0)
    backlog.offer(wanted(2, 6), 0)
    write(backlog)
    assert backlog.again(wanted(1), 0) == []
    assert due(backlog) == []


def test_what_was_not_read_since_the_start_is_taken_as_it_is(backlog: Backlog) -> None:
    backlog.again(wanted(4, 9), 0)
    assert due(backlog) == [(4, 9)]
    (superseded,) = backlog.offer(wanted(4, 9), 0)
    assert superseded.kind is OutcomeKind.SUPERSEDED


def test_in_shadow_it_is_recorded_and_not_sent() -> None:
    backlog = Backlog(lambda u: Shown(u.quantity), lambda _: 1.0, 3, lambda _: False)
    (finished,) = backlog.again(wanted(1), 0)
    assert finished.kind is OutcomeKind.SHADOW
    assert due(backlog) == []


def test_what_was_found_to_be_wrong_is_read_again_and_is_no_sale() -> None:
    sold = SoldThere()
    sold.observed(Observed("A", 10, written=10), 0.0)
    sold.observed(Observed("A", 7), 1.0)
    sold.weigh("A", 1.0)
    assert sold.unseen("A", 1) == 3, "as if a till had sold them"
    sold.forget("A")
    assert (sold.unseen("A", 1), sold.seen_s("A")) == (0, None)
    sold.observed(Observed("A", 7), 2.0)
    sold.weigh("A", 2.0)
    assert sold.unseen("A", 1) == 0
