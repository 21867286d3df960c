"""For every generated history: the facts of a number sum to the number, and the proof holds."""

from __future__ import annotations

from hypothesis import given, settings
from tests.support.explained import SKU, entries, subject_of
from tests.support.histories import Input, histories

from stockfold.explain.describe import describe
from stockfold.explain.explanation import explain, fold
from stockfold.explain.numbers import PLACED
from stockfold.ledger.digest import rows


@settings(max_examples=60, deadline=None)
@given(histories(size=80))
def test_the_facts_of_every_number_sum_to_the_number(history: list[Input]) -> None:
    subject = subject_of(history)
    state = subject.state
    told = entries(subject)
    outside = subject.outside()
    whole = {
        "atp": state.pool(),
        "deficit": state.deficit(),
        "backordered": sum(state.backordered.values()),
        "received": -outside["supplier"],
        "adjusted": -outside["adjustment"],
        "shipped": outside["customer"],
        "lost": outside["lost"],
        "scrapped": outside["scrapped"],
        "expected": sum(row[2] for rows_ in state.expected.values() for row in rows_),
    }
    for place, positions in {None: whole, **subject.positions()}.items():
        numbers = {n.number: n for n in explain(SKU, told, 0, place, last=None).numbers}
        assert place is None or set(numbers) == set(PLACED)
        for name, value in positions.items():
            number = numbers[name]
            assert number.value == value, (place, name)
            assert (number.opening, number.earlier) == (0, 0)
            running = 0
            for step in number.steps:
                running += step.delta
                assert step.value == running
            assert running == value


@settings(max_examples=40, deadline=None)
@given(histories(size=60))
def test_an_opening_line_and_the_last_facts_sum_to_the_same(history: list[Input]) -> None:
    told = entries(subject_of(history))
    for number in explain(SKU, told, 0, last=3).numbers:
        assert number.opening + sum(step.delta for step in number.steps) == number.value
        assert len(number.steps) <= 3


@settings(max_examples=40, deadline=None)
@given(histories(size=60))
def test_conservation_is_proved_and_every_fact_has_words(history: list[Input]) -> None:
    subject = subject_of(history)
    told = entries(subject)
    found = explain(SKU, told, 0)
    assert found.proof.holds
    assert rows(fold(SKU, told)) == rows(subject.state)
    assert all(describe(entry.fact) for entry in told)
    assert found.paragraph.startswith("SKU SKU-1")
