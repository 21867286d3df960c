"""SKUs that rest as rows of bytes: nothing of them is lost, and nobody sees which of them do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.histories import Input, Options, histories
from tests.support.ledger_process import LedgerProcess
from tests.support.sku_content import content
from tests.support.told_ledger import IDS_MAX, folded, journal, tell

from stockfold.contracts.resting_rows import is_plain, pack, rare_in, unpack
from stockfold.ledger.digest import digest
from stockfold.runtime import resting_skus

SKUS = Options(skus=("SKU-1", "SKU-2", "SKU-3"))


def told(events: list[Input], awake_max: int, heavy: int = resting_skus.HEAVY) -> LedgerProcess:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resting_skus, "AWAKE_MAX", awake_max)
        patch.setattr(resting_skus, "HEAVY", heavy)
        ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
        tell(ledger, events)
    return ledger


@settings(max_examples=25, deadline=None)
@given(histories(size=60, options=SKUS))
def test_a_sku_that_was_packed_and_unpacked_is_the_same(events: list[Input]) -> None:
    memory = told(events, awake_max=resting_skus.AWAKE_MAX).processor.partitions.get(0)
    for sku, state in memory.skus.items() if memory is not None else ():
        row = pack(state)
        again = unpack(sku, row)
        assert content(again) == content(state)
        assert pack(again) == row
        rare = rare_in(row)
        assert is_plain(row) == (rare is None)
        if rare is None:
            assert not any((state.lines, state.documents, state.next_expiry_us, state.parked))
        else:
            assert rare.next_expiry_us == state.next_expiry_us
            assert bool(rare.parked) == bool(state.parked)


@settings(max_examples=25, deadline=None)
@given(histories(size=80, options=SKUS), st.integers(0, 2), st.sampled_from((1, 3, 100)))
def test_a_ledger_whose_skus_rest_after_every_batch_writes_the_same(
    events: list[Input], awake_max: int, heavy: int
) -> None:
    awake, resting = told(events, awake_max=1_000), told(events, awake_max, heavy)
    assert {
        topic: [(m.key(), m.value()) for m in records]
        for topic, records in resting.log.records.items()
    } == {
        topic: [(m.key(), m.value()) for m in records]
        for topic, records in awake.log.records.items()
    }


@settings(max_examples=10, deadline=None)
@given(histories(size=60, options=SKUS))
def test_a_follower_whose_skus_rest_after_every_mark_folds_the_same(events: list[Input]) -> None:
    records = journal(told(events, awake_max=1_000))
    awake = folded(records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resting_skus, "AWAKE_MAX", 0)
        resting = folded(records)
    assert digest(resting.skus.values()) == digest(awake.skus.values())
    assert list(resting.skus.rows()) == list(awake.skus.rows())
    for memory in (resting, awake):
        memory.watch_all()
    assert (resting.expiries, resting.parked) == (awake.expiries, awake.parked)
