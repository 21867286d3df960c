"""What the real ledger writes for generated histories, as the projector's rows."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from tests.support.histories import Input, histories, seeded

from stockfold.contracts import codec
from stockfold.contracts.envelope import Envelope, build
from stockfold.contracts.topics import INPUT_OF, JOURNAL, POSITIONS, Topic
from stockfold.domain.errors import ContractError
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.processor import LedgerProcessor
from stockfold_services.projector.batch import Batch, Consumed
from stockfold_services.projector.tables import Table

BATCH_INPUTS = 7
COLUMNS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated")


def sent(given: Input, offset: int, value: bytes) -> LoopRecord:
    """An input on its topic."""
    name = "stockfold." + given.event_type
    headers = build(Envelope(given.event_id, given.source, name, given.occurred_us))
    topic, key = INPUT_OF[name].name, given.body["sku"].encode()
    return LoopRecord(topic, 0, offset, given.now_us // 1000, key, value, headers)


class _Nothing:
    def stable_end(self, topic: Topic, partition: int) -> int:
        return 0

    def read(self, topic: Topic, partition: int, start: int | None = None, end: int = 0) -> list:
        return []


class Tables:
    """The tables in memory, filled batch by batch by the projector's own rows."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[tuple, dict]] = {}
        self._next: Counter[str] = Counter()

    def take(self, outputs: list[tuple[Topic, bytes | None, bytes]]) -> Batch:
        batch = Batch({(topic.name, 0): self._next[topic.name] for topic, _, _ in outputs})
        for topic, key, value in outputs:
            if topic.name == "stockfold.reservation-status.v1":
                continue
            batch.add(Consumed(topic.name, 0, self._next[topic.name], key, value, 0))
            self._next[topic.name] += 1
        for table, rows in batch.tables():
            for row in rows:
                self._merge(table, dict(zip(table.columns, row, strict=True)))
        return batch

    def _merge(self, table: Table, row: dict) -> None:
        kept = self.rows.setdefault(table.name, {})
        key = tuple(row[name] for name in table.key)
        assert table.guard or key not in kept
        kept[key] = row


def play(history: list[Input]) -> Tables:
    """Feed a history to the ledger and its outputs to the tables; check after every batch."""
    ledger = LedgerProcessor(Settings.model_validate({"kafka": {"sku_partitions": 1}}))
    ledger.recover(0, _Nothing())
    tables = Tables()
    sums: Counter[tuple[str, str, str]] = Counter()
    for start in range(0, len(history), BATCH_INPUTS):
        inputs = history[start : start + BATCH_INPUTS]
        outputs: list[tuple[Topic, bytes | None, bytes]] = []

        class Out(Outputs):
            def produce(self, topic, partition, key, value, headers=None, into=outputs) -> None:
                into.append((topic, key, value))

        messages = []
        for index, item in enumerate(inputs):
            try:
                value = codec.encode("stockfold." + item.event_type, item.body)
            except ContractError:
                continue
            messages.append(sent(item, start + index, value))
        ledger.process(0, messages, Out(), inputs[-1].now_us)
        check_batch(tables, outputs, sums)
    return tables


def check_batch(tables: Tables, outputs: list, sums: Counter[tuple[str, str, str]]) -> None:
    before = len(tables.rows.get("journal", {}))
    tables.take(outputs)
    assert "unreadable" not in tables.rows
    written = {tuple(key.decode().split("|")) for topic, key, _ in outputs if topic is POSITIONS}
    told = set()
    for topic, _, value in outputs:
        name, record = codec.decode(value)
        if topic is JOURNAL and name.name == "stockfold.JournalFact":
            fact = tables.rows["journal"][record["sku"], record["seq"]]
            told |= {(place, record["sku"]) for place in fact["places"]}
            for delta in record["deltas"]:
                sums[record["sku"], delta["location"], delta["account"]] += delta["quantity"]
    assert told == written
    for (sku, location), row in tables.rows.get("positions", {}).items():
        for column in COLUMNS:
            assert row[column] == sums[sku, location, column], (sku, location, column)
    assert len(tables.rows.get("journal", {})) >= before
    for line in tables.rows.get("demand_lines", {}).values():
        opened = line["reserved"] + line["allocated"] + line["backordered"]
        closed = line["shipped"] + line["cancelled"] + line["expired"] + line["rejected"]
        assert line["ordered"] + line["unordered"] == opened + closed


@pytest.mark.parametrize("seed", range(15))
def test_the_tables_follow_the_ledger_through_a_seeded_history(seed: int) -> None:
    tables = play(seeded(seed))
    assert {"journal", "positions", "demand_lines", "exceptions"} <= tables.rows.keys()


@settings(max_examples=40, deadline=None)
@given(histories(size=40))
def test_the_tables_follow_the_ledger_through_any_history(history: list[Input]) -> None:
    play(history)
