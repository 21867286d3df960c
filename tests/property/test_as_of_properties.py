"""Both times of every generated history agree with folds of the ledger itself."""

from __future__ import annotations

from hypothesis import given, settings
from tests.support.explained import SKU, entries, subject_of
from tests.support.histories import Input, histories

from stockfold.explain.as_of import Picture, as_of, known_at, valid_at
from stockfold.explain.entry import History
from stockfold.explain.explanation import fold
from stockfold.ledger.accounts import NAMES


def same_as_state(picture: Picture, history: History) -> None:
    state = fold(SKU, history)
    assert {p.location for p in picture.positions} == set(state.locations)
    for position in picture.positions:
        row = state.row(position.location)
        assert [getattr(position, name) for name in NAMES[: len(row)]] == list(row)
        assert position.atp == state.atp(position.location)
    assert (picture.atp, picture.deficit) == (state.pool(), state.deficit())
    assert picture.backordered == sum(state.backordered.values())
    assert picture.last_seq == state.seq


@settings(max_examples=40, deadline=None)
@given(histories(size=70))
def test_now_as_known_now_is_the_state(history: list[Input]) -> None:
    told = entries(subject_of(history))
    now_us = max((entry.fact.recorded_us for entry in told), default=0)
    found = as_of(SKU, told, now_us, now_us)
    same_as_state(found.known_then, told)
    same_as_state(found.known_later, told)
    assert found.learned_facts == 0


@settings(max_examples=25, deadline=None)
@given(histories(size=60))
def test_at_every_recorded_time_what_was_known_is_the_fold_of_that_prefix(
    history: list[Input],
) -> None:
    told = entries(subject_of(history))
    for us in sorted({entry.fact.recorded_us for entry in told}):
        prefix = [entry for entry in told if entry.fact.recorded_us <= us]
        assert list(known_at(told, us)) == prefix
        same_as_state(as_of(SKU, told, us, told[-1].fact.recorded_us).known_then, prefix)


@settings(max_examples=40, deadline=None)
@given(histories(size=80))
def test_a_bucket_at_the_time_of_its_newest_count_is_what_was_counted(
    history: list[Input],
) -> None:
    subject = subject_of(history)
    told = entries(subject)
    for (location, bucket), as_of_us in subject.state.counts.items():
        counts = [
            entry
            for entry in told
            if entry.fact.kind == "StockCounted"
            and entry.fact.change is not None
            and entry.fact.change.count == (location, bucket, as_of_us)
        ]
        # Counted twice as of the same moment, the one told last stands.
        expected = counts[-1].fact.cause.body["counted"]
        picture = valid_at(told, as_of_us)
        found = {p.location: getattr(p, NAMES[bucket]) for p in picture.positions}
        assert found.get(location, 0) == expected


@settings(max_examples=40, deadline=None)
@given(histories(size=80))
def test_no_claim_is_below_zero_at_any_time_as_known_now(history: list[Input]) -> None:
    told = entries(subject_of(history))
    times = {entry.fact.occurred_us for entry in told} | {e.fact.recorded_us for e in told}
    for us in sorted(times)[:: max(len(times) // 25, 1)]:
        picture = valid_at(told, us)
        assert picture.backordered >= 0
        assert all(p.reserved >= 0 and p.allocated >= 0 for p in picture.positions)
