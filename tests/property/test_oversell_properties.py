"""Deficits of every generated history are exactly where the ledger's ATP is below zero."""

from __future__ import annotations

from hypothesis import given, settings
from tests.support.explained import SKU, entries, subject_of
from tests.support.histories import Input, histories

from stockfold.explain.explanation import fold
from stockfold.explain.oversell import deficits


@settings(max_examples=40, deadline=None)
@given(histories(size=80))
def test_a_location_has_a_deficit_exactly_while_its_atp_is_below_zero(
    history: list[Input],
) -> None:
    subject = subject_of(history)
    told = entries(subject)
    open_now = {deficit.location: deficit.units for deficit in deficits(SKU, told)}
    missing = {place: -subject.state.atp(place) for place in subject.state.locations}
    assert open_now == {place: units for place, units in missing.items() if units > 0}
    for deficit in deficits(SKU, told, past=True):
        before = fold(SKU, told[: deficit.began.seq - 1]).atp(deficit.location)
        after = fold(SKU, told[: deficit.began.seq]).atp(deficit.location)
        assert before >= 0 > after
        assert deficit.sentence
        assert deficit.prevention
