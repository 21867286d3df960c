"""What holds of every reconciliation, whatever happened and whatever the file says."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bodies import MINUTE_US
from tests.support.explained import SKU, entries, subject_of
from tests.support.histories import Input, histories
from tests.support.ledger_subject import LedgerSubject
from tests.support.reconciled import CATALOGUE, book, says

from stockfold.explain.as_of import as_of
from stockfold.ledger.accounts import IN_TRANSIT, NAMES, STRIDE
from stockfold.reconcile.book import Cut
from stockfold.reconcile.compare import compare
from stockfold.reconcile.corrections import CORRECTABLE, corrections
from stockfold.reconcile.findings import Finding, Kind
from stockfold.reconcile.totals import Totals

MOMENTS = st.floats(0, 1)


def cut_of(subject: LedgerSubject, part: float, window_us: int = 30 * MINUTE_US) -> Cut:
    """A time within the history."""
    times = sorted({e.fact.recorded_us for e in entries(subject)}) or [0]
    return Cut(times[int(part * (len(times) - 1))], times[-1], window_us)


@settings(max_examples=40, deadline=None)
@given(histories(size=80), MOMENTS)
def test_both_readings_of_a_time_are_those_of_as_of(history: list[Input], part: float) -> None:
    subject = subject_of(history)
    of = cut_of(subject, part)
    found = book(entries(subject), of)
    picture = as_of(SKU, entries(subject), of.at_us, of.known_us)
    for name, pictured in (("then", picture.known_then), ("later", picture.known_later)):
        said = {p.location: p for p in pictured.positions}
        for (location, account), place in found.places.items():
            if account in NAMES[:STRIDE]:
                one = said.get(location)
                assert getattr(place, name) == (getattr(one, account) if one else 0)
            elif account == "backordered":
                assert getattr(place, name) == pictured.backordered


@settings(max_examples=40, deadline=None)
@given(histories(size=60), MOMENTS)
def test_accounts_of_goods_sum_to_zero_at_every_time(history: list[Input], part: float) -> None:
    subject = subject_of(history)
    found = book(entries(subject), cut_of(subject, part))
    claims = NAMES[IN_TRANSIT + 1 : STRIDE + 1]
    for name in ("then", "later"):
        goods = [
            getattr(place, name) for (_, account), place in found.places.items()
            if account not in claims
        ]  # fmt: skip
        assert sum(goods) == 0


@settings(max_examples=60, deadline=None)
@given(histories(size=60), MOMENTS, st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_totals_balance_to_the_file_and_explanations_are_exact(
    history: list[Input], part: float, errors: list[int]
) -> None:
    subject = subject_of(history)
    of = cut_of(subject, part)
    ours = book(entries(subject), of)
    theirs = {
        place: held.later + errors[at % len(errors)]
        for at, (place, held) in enumerate(sorted(ours.places.items()))
    }
    statement = says(theirs)
    found = compare(SKU, ours, statement, of, CATALOGUE)
    totals = Totals()
    totals.add(found)
    closed = totals.close(statement)
    assert {(t.location, t.account): t.theirs for t in closed} == theirs
    assert all(total.balances for total in closed)
    assert sum(totals.kinds.values()) == len(found) == len(theirs)
    assert sum(t.difference for t in closed) == sum(one.difference or 0 for one in found)
    for one in found:
        assert (one.kind is Kind.AGREES) == (one.difference == 0)
        if one.kind is Kind.LATE:
            assert one.theirs == one.then
        if one.kind is Kind.TIMING and len(one.movements) < 5:
            assert abs(sum(m.units for m in one.movements)) == abs(one.difference or 0)


@settings(max_examples=40, deadline=None)
@given(histories(size=60), st.lists(st.integers(-3, 3), min_size=1, max_size=30))
def test_after_corrections_what_was_corrected_agrees_and_again_nothing_changes(
    history: list[Input], errors: list[int]
) -> None:
    subject = subject_of(history)
    now_us = max((e.fact.recorded_us for e in entries(subject)), default=0)
    of = Cut(now_us - 5 * MINUTE_US, now_us, 0)
    theirs = {
        place: held.later + errors[at % len(errors)]
        for at, (place, held) in enumerate(sorted(book(entries(subject), of).places.items()))
    }
    made = _told(subject, theirs, of)
    after = Cut(of.at_us, now_us + 1, 0)
    again = {(f.location, f.account): f for f in _found(subject, theirs, after)}
    folded = {fact.cause.event_id for fact in subject.facts}
    for one in made:
        if one.event_id in folded:
            assert again[one.location, one.bucket].kind is Kind.AGREES
    count = len(subject.facts)
    _told(subject, theirs, of, made)
    assert [fact for fact in subject.facts[count:] if fact.deltas] == []


def _found(subject: LedgerSubject, theirs: dict, of: Cut) -> list[Finding]:
    return compare(SKU, book(entries(subject), of), says(theirs), of, CATALOGUE)


def _told(subject: LedgerSubject, theirs: dict, of: Cut, made: list | None = None) -> list:
    """Send what would correct the differences, or those same corrections again."""
    if made is None:
        made, _ = corrections(_found(subject, theirs, of), of.at_us, CORRECTABLE)
    for one in made:
        subject.feed(
            "StockCounted",
            {
                "sku": SKU,
                "location": one.location,
                "bucket": one.bucket,
                "counted": one.counted,
                "as_of": of.at_us,
            },
            event_id=one.event_id,
            source="erp",
            occurred_us=of.known_us + 1,
            now_us=of.known_us + 1,
        )
    return made
