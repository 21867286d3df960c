"""A SKU with thousands of open reservations decides each event by looking at few of them."""

from __future__ import annotations

import pytest
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story, minutes

from stockfold.ledger import decide
from stockfold.ledger.decide import tick

MANY = 300


def reserve(story: Story, number: int, **more) -> None:
    story.tell(
        "ReserveStock",
        reservation=f"R-{number:04d}",
        order=f"O-{number:04d}",
        line="1",
        channel="web",
        quantity=1,
        locations=["A"],
        **more,
    )


@pytest.fixture
def looked_at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Orders that were looked at, to be served or to lapse."""
    found: list[str] = []
    confirm, expire = decide.confirm_backorder, decide.expire

    def confirmed(state, line):
        found.append(line.order)
        return confirm(state, line)

    def expired(line):
        found.append(line.order)
        return expire(line)

    monkeypatch.setattr(decide, "confirm_backorder", confirmed)
    monkeypatch.setattr(decide, "expire", expired)
    return found


def test_of_those_who_wait_only_those_that_stock_allows_are_looked_at(looked_at: list[str]) -> None:
    story = Story(LedgerSubject("SKU-1"))
    for number in range(MANY):
        reserve(story, number, allow_backorder=True)
    assert looked_at == []
    story.receive("A", 2)
    assert looked_at == ["O-0000", "O-0001"]
    story.receive("A", 1)
    assert looked_at == ["O-0000", "O-0001", "O-0002"]


def test_of_those_that_lapse_only_those_that_are_due_are_looked_at(looked_at: list[str]) -> None:
    subject = LedgerSubject("SKU-1")
    story = Story(subject).receive("A", MANY)
    for number in range(MANY):
        reserve(story, number, expires_at=minutes(10 + MANY - number))
    facts = tick(subject.state, minutes(12))
    assert looked_at == [f"O-{MANY - 1:04d}", f"O-{MANY - 2:04d}"]
    assert [fact.kind for fact in facts] == ["ReservationExpired"] * 2
    assert subject.state.next_expiry_us == minutes(13)
