"""The ledger's processor in memory: records in, records out, and a restart from what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.reference import encode_record, topic_of
from stockfold.contracts.topics import CATALOG, EXCEPTIONS, INPUT_OF, JOURNAL, REFERENCE, Topic
from stockfold.domain.reference import Record, key_of
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold_services.ledger.processor import LedgerProcessor

from .bodies import START_US

SKU = "BEANS"


class Log(Outputs):
    """Topics of one partition: written by the processor and the test, read on recovery."""

    def __init__(self) -> None:
        self.records: dict[str, list[LoopRecord]] = {}
        self._offsets: dict[str, int] = {}

    def append(
        self,
        topic: Topic,
        key: bytes | None,
        value: bytes | None,
        at_ms: int = 0,
        headers: list[tuple[str, bytes | None]] | None = None,
    ) -> LoopRecord:
        offset = self._offsets.get(topic.name, 0)
        self._offsets[topic.name] = offset + 1
        message = LoopRecord(topic.name, 0, offset, at_ms, key, value, headers or [])
        self.records.setdefault(topic.name, []).append(message)
        return message

    def compact(self, topic: Topic) -> None:
        """Keep the newest record of each key, as the broker does."""
        newest = {message.key(): message for message in self.records.get(topic.name, ())}
        self.records[topic.name] = sorted(newest.values(), key=LoopRecord.offset)

    def stable_end(self, topic: Topic, partition: int) -> int:
        """See ``PartitionReader.stable_end``."""
        return self._offsets.get(topic.name, 0)

    def earliest(self, topic: Topic, partition: int) -> int:
        """See ``PartitionReader.earliest``."""
        found = self.records.get(topic.name)
        return found[0].offset() if found else self.stable_end(topic, partition)

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[LoopRecord]]:
        """See ``PartitionReader.read``."""
        found = [
            m
            for m in self.records.get(topic.name, ())
            if (start or 0) <= m.offset() and (end is None or m.offset() < end)
        ]
        if found:
            yield found

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes,
        headers: Any = None,
    ) -> None:
        """See ``Outputs.produce``."""
        self.append(topic, key, value)


class ReferenceTopic:
    """The reference topic as the processor follows it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._next = 0

    def read_whole(self, reader: object) -> Iterator[Sequence[LoopRecord]]:
        yield self.poll()

    def poll(self) -> Sequence[LoopRecord]:
        found = self._log.records.get(REFERENCE.name, [])[self._next :]
        self._next += len(found)
        return found

    def close(self) -> None:
        """Nothing is held."""


class LedgerProcess:
    """One ledger over one partition."""

    def __init__(self, snapshots: SnapshotStore | None = None, **ledger: Any) -> None:
        self.settings = Settings(kafka={"sku_partitions": 1}, ledger=ledger)
        self.snapshots = snapshots
        self.log = Log()
        self.now_us = START_US
        self.told = 0
        self.restart()

    def restart(self, *, behind_mark: bool = True) -> None:
        """Start anew from the log alone, then take the catalogue's records behind the mark."""
        self.processor = LedgerProcessor(self.settings, ReferenceTopic(self.log), self.snapshots)
        starts = self.processor.recover(0, self.log)
        for message in self.log.records.get(CATALOG.name, ()):
            if behind_mark and message.offset() >= starts.get(CATALOG.name, 0):
                self._process(message)

    def know(self, *records: Record) -> LedgerProcess:
        """Publish reference data, and let the ledger take it in."""
        for message in self.publish(*records):
            if message.topic() == CATALOG.name:
                self._process(message)
        self._poll()
        return self

    def publish(self, *records: Record) -> list[LoopRecord]:
        """Publish reference data while the ledger is not listening."""
        return [
            self.log.append(topic_of(record), key_of(record).encode(), encode_record(record))
            for record in records
        ]

    def forget(self, record: Record) -> LedgerProcess:
        """Withdraw a record by a tombstone."""
        message = self.log.append(topic_of(record), key_of(record).encode(), None)
        if message.topic() == CATALOG.name:
            self._process(message)
        self._poll()
        return self

    def _poll(self) -> None:
        self.now_us += 1_000_000
        self.processor.tick_due(self.now_us)

    def tell(
        self,
        kind: str,
        *,
        source: str = "wms",
        sku: str = SKU,
        event_id: str | None = None,
        occurred_us: int | None = None,
        sequence: int | None = None,
        **body: Any,
    ) -> LedgerProcess:
        """One event."""
        self.told += 1
        name = f"stockfold.{kind}"
        at_us = self.now_us if occurred_us is None else occurred_us
        event = envelope.Envelope(
            event_id or f"e-{self.told}", source, name, at_us, sequence=sequence
        )
        value = codec.encode(name, {"sku": sku, **body})
        self._process(
            self.log.append(
                INPUT_OF[name], sku.encode(), value, self.now_us // 1000, envelope.build(event)
            )
        )
        return self

    def raw_item(self, key: bytes, value: bytes | None) -> LedgerProcess:
        """Any bytes on the catalogue topic."""
        self._process(self.log.append(CATALOG, key, value))
        return self

    def _process(self, message: LoopRecord) -> None:
        self.processor.process(0, [message], self.log, self.now_us)

    # --- what came of it ----------------------------------------------------------------------

    def state(self, sku: str = SKU) -> SkuState:
        """The SKU's state; empty when the ledger has none."""
        return self.processor.partitions[0].skus.get(sku) or SkuState(sku)

    def on_hand(self, location: str = "DC", sku: str = SKU) -> int:
        return self.state(sku).number(location, 0)

    def facts(self) -> list[Fact]:
        found = []
        for message in self.log.records.get(JOURNAL.name, ()):
            entry = decode_entry(message.value())
            if not isinstance(entry, Mark):
                found.append(entry)
        return found

    def exceptions(self) -> list[dict[str, Any]]:
        return [codec.decode(m.value())[1] for m in self.log.records.get(EXCEPTIONS.name, ())]

    def refused(self) -> list[str]:
        """Kinds of what was not folded."""
        return [raised["kind"] for raised in self.exceptions() if not raised["folded"]]

    def findings(self) -> list[str]:
        """Kinds of what was folded and flagged."""
        return [raised["kind"] for raised in self.exceptions() if raised["folded"]]
