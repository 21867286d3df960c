"""Deciding history anew, and rebuilding from snapshots, of what a real ledger has decided."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from tests.support.command_line import stockfold_json
from tests.support.histories import Options, seeded
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.read_model import project_all
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import INPUTS, JOURNAL
from stockfold.domain.errors import ContractError, SettingsError
from stockfold.ledger import decide
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store

pytestmark = pytest.mark.integration

SKUS = tuple(f"SKU-{i}" for i in range(6))


@pytest.fixture(scope="module")
def settings(new_environment, postgres: str) -> Iterator[Settings]:
    """An environment in which a ledger has decided a history of every kind."""
    settings = new_environment(postgres={"dsn": postgres})
    senders = {source: Sender(settings, source) for source in ("erp", "wms")}
    with ledger(settings):
        for item in seeded(11, size=300, options=Options(skus=SKUS)):
            with suppress(ContractError):
                senders[item.source].event(
                    item.event_type, event_id=item.event_id, flush=False, **item.body
                )
        for sender in senders.values():
            sender.flush()
        wait_for("the last input", lambda: decided(settings) == given(settings))
    project_all(settings)
    return settings


def given(settings: Settings) -> dict[tuple[int, str], int]:
    """The end of each input topic that has any input, by partition."""
    reader = PartitionReader(settings)
    ends = {
        (partition, topic.name): reader.settled_end(topic, partition)
        for topic in INPUTS
        for partition in range(settings.kafka.sku_partitions)
    }
    return {place: end for place, end in ends.items() if end}


def decided(settings: Settings) -> dict[tuple[int, str], int]:
    """What the newest marks cover."""
    marks = [read.record for read in committed(settings, JOURNAL) if read.name == "InputsRead"]
    return {
        (mark["partition"], row["topic"]): row["next_offset"]
        for mark in marks
        for row in mark["inputs"]
    }


def test_history_decided_anew_by_the_same_rules_is_the_same(settings: Settings) -> None:
    report = stockfold_json(settings, "rebuild", "again", "--redecide", "--yes")
    assert report["facts"] > 100
    assert report["differs"] == {}
    assert stockfold_json(settings, "diff", "live", "again")["equal"]
    live = stockfold_json(settings, "digest", "live")["partitions"]
    anew = stockfold_json(settings, "digest", "again")["partitions"]
    for partition, told in anew.items():
        assert told["rows"] == live[partition]["rows"]
    with pytest.raises(SettingsError, match="not what the journal says today"):
        stockfold_json(settings, "cutover", "again", "--yes")


def test_a_changed_rule_is_told_by_the_first_fact_that_it_changes(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    received = decide.DECISIONS["GoodsReceived"]

    def one_more(state: SkuState, given: Input) -> Fact:
        fact = received(state, given)
        fact.deltas = [(a, place, c, u + (1 if u > 0 else -1)) for a, place, c, u in fact.deltas]
        return fact

    monkeypatch.setitem(decide.DECISIONS, "GoodsReceived", one_more)
    report = stockfold_json(settings, "rebuild", "changed", "--redecide", "--yes")
    assert {"journal", "positions"} <= report["differs"].keys()
    found = stockfold_json(settings, "diff", "live", "changed", "--limit", "3", exit_code=1)
    assert found["first"]["kind"] == "GoodsReceived"
    assert len(found["page"]) == 3
    following = stockfold_json(
        settings, "diff", "live", "changed", "--limit", "3", "--after", "2", exit_code=1
    )
    assert following["page"][0] == found["page"][2]


def test_a_rebuild_from_a_snapshot_and_its_digest_equal_the_whole_fold(settings: Settings) -> None:
    store = open_store(settings)
    reader = PartitionReader(settings)
    stands = {}
    for partition in range(settings.kafka.sku_partitions):
        records = [r for batch in reader.read(JOURNAL, partition) for r in batch]
        memory = Partition(partition, 10_000)
        for record in records[: len(records) // 2]:
            memory.fold(record.value(), record.offset())
        stands[partition] = records[len(records) // 2].offset()
        store.save(memory, stands[partition])
    until = ",".join(f"{partition}:{offset}" for partition, offset in stands.items())
    snapshot = stockfold_json(settings, "digest", "--snapshot")
    journal = stockfold_json(settings, "digest", "--journal", "--until", until)
    assert snapshot["digest"] == journal["digest"]
    assert snapshot["partitions"] == journal["partitions"]
    only = stockfold_json(settings, "digest", "--journal", "--until", until, "--partition", "1")
    assert only["partitions"] == {"1": journal["partitions"]["1"]}
    report = stockfold_json(settings, "rebuild", "tail", "--from-snapshot", "--yes")
    assert report["source"] == "snapshot"
    assert stockfold_json(settings, "diff", "live", "tail")["equal"]
