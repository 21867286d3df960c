"""A snapshot in the middle of a history changes nothing: the fold goes on as if it had not been."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import fsspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.histories import Input, Options, histories
from tests.support.ledger_process import LedgerProcess
from tests.support.sku_content import content
from tests.support.told_ledger import IDS_MAX, folded, journal, tell

from stockfold.ledger.digest import digest
from stockfold.ledger.state import EMPTY, SkuState
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.snapshots import SnapshotStore
from stockfold_services.snapshotter.rolling_digest import RollingDigest

SKUS = Options(skus=("SKU-1", "SKU-2"))
FOLDER = "snapshots-hold-everything"
_numbers = count()


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    yield
    files = fsspec.filesystem("memory")
    if files.exists(f"/{FOLDER}"):
        files.rm(f"/{FOLDER}", recursive=True)


def new_store() -> SnapshotStore:
    return SnapshotStore(f"memory://{FOLDER}/{next(_numbers)}", keep=1)


def through_a_snapshot(memory: Partition) -> Partition:
    store = new_store()
    store.save(memory, memory.last[0] + 1)
    found = store.newest(0)
    assert found is not None
    return found.restore(verify=True)


def assert_same(left: Partition, right: Partition) -> None:
    assert list(left.skus) == list(right.skus)
    for sku, state in left.skus.items():
        assert content(state) == content(right.skus[sku])
    assert digest(left.skus.values()) == digest(right.skus.values())
    assert left.window.generations() == right.window.generations()
    assert left.window.floor_us == right.window.floor_us
    assert [list(ids) for ids, _ in left.window.generations()] == [
        list(ids) for ids, _ in right.window.generations()
    ]
    assert (left.next_offsets, left.facts, left.last) == (
        right.next_offsets,
        right.facts,
        right.last,
    )


@settings(max_examples=40, deadline=None)
@given(histories(size=60, options=SKUS), st.floats(0, 1))
def test_folding_through_a_snapshot_equals_folding_whole(events: list[Input], share: float) -> None:
    ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
    tell(ledger, events)
    records = journal(ledger)
    split = int(share * len(records))
    if not split:
        return
    whole = folded(records)
    restored = through_a_snapshot(folded(records[:split]))
    assert_same(restored, folded(records[:split]))
    parts = folded(records[split:], restored)
    assert_same(parts, whole)
    for memory in (parts, whole):
        memory.watch_all()
    assert (parts.expiries, parts.parked) == (whole.expiries, whole.parked)


@settings(max_examples=40, deadline=None)
@given(histories(size=60, options=SKUS), st.floats(0, 1), st.floats(0, 1))
def test_a_ledger_restored_from_a_snapshot_decides_what_comes_next_identically(
    events: list[Input], first: float, second: float
) -> None:
    at, then = sorted((int(first * len(events)), int(second * len(events))))
    plain = LedgerProcess(dedupe_events_max=IDS_MAX)
    restored = LedgerProcess(dedupe_events_max=IDS_MAX, snapshots=new_store())
    for ledger in (plain, restored):
        tell(ledger, events[:at])
        if ledger.snapshots is not None and journal(ledger):
            ledger.snapshots.save(folded(journal(ledger)), journal(ledger)[-1].offset() + 1)
        tell(ledger, events[at:then])
        ledger.restart()
        tell(ledger, events[then:])
    assert {
        topic: [(m.key(), m.value()) for m in records]
        for topic, records in restored.log.records.items()
    } == {
        topic: [(m.key(), m.value()) for m in records]
        for topic, records in plain.log.records.items()
    }


@given(histories(size=40, options=SKUS))
@settings(max_examples=20, deadline=None)
def test_a_table_that_is_empty_costs_nothing_after_restoring(events: list[Input]) -> None:
    ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
    tell(ledger, events)
    if not journal(ledger):
        return
    restored = through_a_snapshot(folded(journal(ledger)))
    for state in restored.skus.values():
        for name in SkuState.__slots__:
            table = getattr(state, name)
            assert not isinstance(table, dict) or table or table is EMPTY


@given(histories(size=60, options=SKUS), st.integers(1, 30))
@settings(max_examples=30, deadline=None)
def test_a_digest_that_follows_what_changes_is_the_digest_of_the_whole(
    events: list[Input], size: int
) -> None:
    ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
    tell(ledger, events)
    records = journal(ledger)
    memory = Partition(0, IDS_MAX)
    rolling = RollingDigest()
    rolling.begin(memory, None, proven=False)
    for at in range(0, len(records), size):
        batch = records[at : at + size]
        rolling.before(memory, batch)
        folded(batch, memory)
        if at % 2 or at + size >= len(records):  # Asked now and then, as snapshots are made.
            assert rolling.value(memory) == digest(memory.skus.values())
