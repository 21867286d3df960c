"""The real ledger against the independent model, over generated histories."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.support.histories import histories, seeded
from tests.support.ledger_subject import LedgerSubject
from tests.support.model import Model

SKU = "SKU-1"
# The model flags every fact that leaves a shelf negative, the ledger only the crossing; and the
# ledger calls an allocation repeated when line, location and quantity are the same.
DIFFERENT_BY_CHOICE = {"payload_conflict"}


def without_zeros(table: dict) -> dict:
    def empty(value) -> bool:
        parts = value.values() if isinstance(value, dict) else value
        return not any(parts) if isinstance(value, dict | tuple) else not value

    return {key: value for key, value in table.items() if not empty(value)}


def assert_equal_all_along(history) -> None:
    model, ledger = Model(SKU), LedgerSubject(SKU)
    for step, event in enumerate(history):
        for subject in (model, ledger):
            subject.feed(
                event.event_type,
                event.body,
                event_id=event.event_id,
                source=event.source,
                occurred_us=event.occurred_us,
                now_us=event.now_us,
            )
        where = f"after step {step}: {event}"
        for number in ("positions", "outside", "claims", "backordered", "lines"):
            expected = without_zeros(getattr(model, number)())
            assert without_zeros(getattr(ledger, number)()) == expected, f"{number} {where}"
        open_lines = {key: row for key, row in model.expected().items() if row[1]}
        assert {k: row for k, row in ledger.expected().items() if row[1]} == open_lines, where
        assert (ledger.atp(), ledger.deficit()) == (model.atp(), model.deficit()), where
    assert answers_of(ledger) == answers_of(model)
    assert refusals_of(ledger) == refusals_of(model)


def answers_of(subject) -> list[tuple[str, str]]:
    return [(told.reservation, told.status) for told in subject.answers()]


def refusals_of(subject) -> list[str]:
    kinds = subject.exceptions(folded=False)
    return [kind for kind in kinds if kind not in DIFFERENT_BY_CHOICE]


@pytest.mark.parametrize("first", range(0, 400, 50))
def test_seeded_histories_of_fifty_to_two_hundred_inputs_end_alike(first: int) -> None:
    for seed in range(first, first + 50):
        assert_equal_all_along(seeded(seed))


@settings(max_examples=150, deadline=None)
@given(histories(size=80))
def test_generated_histories_end_alike(history) -> None:
    assert_equal_all_along(history)
