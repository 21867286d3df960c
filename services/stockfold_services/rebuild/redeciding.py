"""Deciding history anew: the inputs in the journal's order of causes, through today's ledger.

The production processor decides, with the times that history recorded and the reference data of
today. Inputs that gave no fact are decided before the next cause of their topic, or at the mark
that covers them. What the ledger did by its own clock it does at the same facts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.places import Record as PlaceRecord
from stockfold.contracts.places import Touched, place_record, places_changed
from stockfold.contracts.topics import JOURNAL, Topic
from stockfold.domain.errors import DefectError
from stockfold.domain.times import SECOND_US
from stockfold.ledger.decide import tick, tidy
from stockfold.ledger.facts import Fact
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record, loop_record
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.outputs import BatchOutputs
from stockfold_services.ledger.processor import LedgerProcessor
from stockfold_services.projector.batch import Consumed
from stockfold_services.projector.store import Store
from stockfold_services.projector.writing import write_records
from stockfold_services.rebuild.positions import Folded, Tell, as_rows

AGED = frozenset({"EntitiesForgotten", "ParkedTooLong"})
"""Kinds of facts that age brings, not the clock alone."""


class _NoJournal:
    """The reader of a ledger that has decided nothing yet."""

    def __init__(self, reader: PartitionReader) -> None:
        self._reader = reader

    def stable_end(self, topic: Topic, partition: int) -> int:
        """See ``PartitionReader``."""
        return 0 if topic is JOURNAL else self._reader.stable_end(topic, partition)

    def earliest(self, topic: Topic, partition: int) -> int:
        """See ``PartitionReader``."""
        return self._reader.earliest(topic, partition)

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[Record]]:
        """See ``PartitionReader``: no journal."""
        return iter(()) if topic is JOURNAL else self._reader.read(topic, partition, start, end)


class _Inputs:
    """The input topics of a partition, each read in order, as far as it is asked for."""

    def __init__(self, reader: PartitionReader, topics: list[Topic], partition: int) -> None:
        self._streams = {t.name: _stream(reader, t, partition) for t in topics}
        self._ahead: dict[str, Record | None] = dict.fromkeys(self._streams)
        self.nexts = dict.fromkeys(self._streams, 0)

    def up_to(self, topic: str, offset: int) -> Iterator[Record]:
        """What comes before ``offset`` and has not been given yet."""
        while self.nexts[topic] < offset:
            record = self._ahead[topic] or next(self._streams[topic], None)
            if record is None or record.offset() >= offset:
                self._ahead[topic] = record
                self.nexts[topic] = offset
                return
            self._ahead[topic] = None
            self.nexts[topic] = record.offset() + 1
            yield record


def _stream(reader: PartitionReader, topic: Topic, partition: int) -> Iterator[Record]:
    for batch in reader.read(topic, partition):
        yield from batch


class Redecision(Outputs):
    """One partition, decided anew. It is an ``Outputs``: the ledger's facts come to it."""

    def __init__(self, settings: Settings, reader: PartitionReader, partition: int) -> None:
        self._processor = LedgerProcessor(settings)
        self._processor.recover(partition, cast("PartitionReader", _NoJournal(reader)))
        self._memory = self._processor.partitions[partition]
        self._inputs = _Inputs(reader, list(self._processor.inputs), partition)
        self._parking_us = settings.ledger.parking_limit_s * SECOND_US
        self._movements_us = settings.ledger.movement_horizon_s * SECOND_US
        self._partition = partition
        self._touched: dict[tuple[str, str], Touched] = {}
        self._records: list[Consumed] = []
        self.facts = 0

    @property
    def skus(self) -> int:
        """SKUs that have facts."""
        return len(self._memory.skus)

    def add(self, records: list[Record]) -> list[Consumed]:
        """Follow records of the journal; the facts decided anew meanwhile, as its records."""
        for record in records:
            entry = decode_entry(record.value())
            if isinstance(entry, Mark):
                for topic, offset in entry.next_offsets.items():
                    self._decide(topic, offset, entry.recorded_us)
            elif entry.cause.topic:
                self._decide(entry.cause.topic, entry.cause.offset + 1, entry.recorded_us)
            else:
                self._keep_up(entry)
        found, self._records = self._records, []
        return found

    def _decide(self, topic: str, offset: int, now_us: int) -> None:
        batch = [loop_record(record) for record in self._inputs.up_to(topic, offset)]
        if batch:
            self._processor.process(self._partition, batch, self, now_us)

    def _keep_up(self, fact: Fact) -> None:
        """What the clock, or age, brought to a SKU in history, it brings now."""
        state = self._memory.skus.get(fact.cause.sku)
        if state is None:
            return
        now_us = fact.recorded_us
        facts = (
            tidy(
                state,
                now_us,
                self._memory.window.floor_us,
                now_us - self._parking_us,
                now_us - self._movements_us,
            )
            if fact.kind in AGED
            else tick(state, now_us)
        )
        if facts:
            batch = BatchOutputs(self, self._partition, now_us)
            batch.facts(state, facts)
            batch.write_facts()

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """See ``Outputs``: facts are kept, the rest follows from them."""
        del headers
        if topic is not JOURNAL or key is None or value is None:
            return
        fact = decode_entry(value)
        if isinstance(fact, Mark):
            raise DefectError("a mark has a key", where=f"journal partition {partition}")
        why = Touched(fact.recorded_us, fact.cause.correlation_id, fact.cause.caused_us)
        for place in places_changed(fact):
            self._touched[(fact.cause.sku, place)] = why
        self._records.append(Consumed(JOURNAL.name, partition, self.facts, key, value, 0))
        self.facts += 1

    def records(self) -> Iterator[PlaceRecord]:
        """The record of every place that was changed."""
        for (sku, place), why in self._touched.items():
            yield place_record(self._memory.skus[sku], place, why)

    def close(self) -> None:
        """Let go of what the ledger's processor holds."""
        self._processor.close()


async def redecide_partition(
    settings: Settings,
    store: Store,
    reader: PartitionReader,
    partition: int,
    end: int,
    tell: Tell,
) -> Folded:
    """Decide a partition's history anew; its facts become rows, its places are given back.

    What an earlier run has written of the partition is replaced: a decision needs all before it.
    """
    await store.forget_journal(partition)
    again = Redecision(settings, reader, partition)
    starts = {(JOURNAL.name, partition): 0}
    try:
        for batch in reader.read(JOURNAL, partition, None, end):
            decided = again.add(batch)
            if decided:
                await write_records(store, decided, starts)
            tell(len(batch))
        positions, summaries = as_rows(again.records(), partition)
        return Folded(again.facts, again.skus, positions, summaries)
    finally:
        again.close()
