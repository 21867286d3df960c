"""The ledger's processor without Kafka: records go in as lists, what it produces is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, cast

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import EXCEPTIONS, JOURNAL, POSITIONS, RESERVATION_STATUS, Topic
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.settings import Settings
from stockfold_services.ledger.processor import LedgerProcessor

KEPT = (POSITIONS, EXCEPTIONS, RESERVATION_STATUS, JOURNAL)
NOW_US = 1_800_000_000_000_000


class _EmptyReader:
    def stable_end(self, *_: Any) -> int:
        return 0

    def read(self, *_: Any, **__: Any) -> Iterator[list[Any]]:
        return iter(())


class LedgerInMemory(Outputs):
    """One partition that serves every SKU."""

    def __init__(self, **ledger: Any) -> None:
        settings = Settings.model_validate({"kafka": {"sku_partitions": 1}, "ledger": ledger})
        self._processor = LedgerProcessor(settings)
        self._processor.recover(0, cast("PartitionReader", _EmptyReader()))
        self._offsets: Counter[str] = Counter()
        self.positions: dict[tuple[str, str], dict[str, Any]] = {}
        self.summaries: dict[str, dict[str, Any]] = {}
        self.produced: dict[str, list[dict[str, Any]]] = {topic.name: [] for topic in KEPT}

    def take(self, messages: Sequence[tuple[Topic, bytes, bytes, list[tuple[str, bytes]]]]) -> None:
        """Process (topic, key, value, headers) in this order, as one batch."""
        batch = []
        for topic, key, value, headers in messages:
            offset = self._offsets[topic.name]
            batch.append(LoopRecord(topic.name, 0, offset, NOW_US // 1000, key, value, headers))
            self._offsets[topic.name] += 1
        self._processor.process(0, batch, self, NOW_US)

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Keep what the processor writes."""
        del partition, key, headers
        schema, record = decode(value)
        if topic is POSITIONS and schema.name == "stockfold.Position":
            self.positions[record["sku"], record["location"]] = record
        elif topic is POSITIONS:
            self.summaries[record["sku"]] = record
        elif schema.name != "stockfold.InputsRead":
            self.produced[topic.name].append(record)
