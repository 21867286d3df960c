"""What runs inside the exactly-once loop, and where it puts its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stockfold.contracts.topics import Topic
from stockfold.runtime.clients import LogProducer
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Keyed, LoopRecord
from stockfold.runtime.telemetry.tracing import Headers


class Outputs(Protocol):
    """Where a processor puts its records; visible to readers only after the commit."""

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """Add a record to the open transaction; without a value, its key is given up."""
        ...

    def produce_all(self, topic: Topic, partition: int, records: Sequence[Keyed]) -> None:
        """Add many of one partition, in their order."""
        for key, value, headers in records:
            self.produce(topic, partition, key, value, headers)


class Processor(Protocol):
    """What runs inside the loop. All of its inputs are co-partitioned."""

    name: str
    """Consumer group and transactional id, such as ``ledger``."""
    inputs: Sequence[Topic]
    """Input topics in their order at equal timestamps: facts before commands."""

    def recover(self, partition: int, reader: PartitionReader) -> dict[str, int] | None:
        """Rebuild a partition's memory; next offset per input topic, or None for the group's."""
        ...

    def process(
        self, partition: int, records: Sequence[LoopRecord], out: Outputs, now_us: int
    ) -> None:
        """One batch of one partition, in order."""
        ...

    def tick_due(self, now_us: int) -> bool:
        """Whether time alone brings something."""
        ...

    def tick(self, out: Outputs, now_us: int) -> None:
        """What time alone brings, inside a transaction."""
        ...

    def drop(self, partition: int) -> None:
        """Forget a partition's memory."""
        ...


class HeldOutputs(Outputs):
    """Outputs of one batch, held until their transaction may begin."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._held: dict[tuple[str, int], list[Keyed]] = {}
        """By topic (without prefix) and partition: more order than that nobody is promised."""

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """See ``Outputs.produce``."""
        held = self._held.get((topic.name, partition))
        if held is None:
            held = self._held[topic.name, partition] = []
        held.append((key, value, headers))

    def produce_all(self, topic: Topic, partition: int, records: Sequence[Keyed]) -> None:
        """See ``Outputs.produce_all``."""
        self._held.setdefault((topic.name, partition), []).extend(records)

    def release(self, producer: LogProducer) -> None:
        """Add them to the producer's open transaction, in the order of each partition."""
        for (topic, partition), records in self._held.items():
            producer.produce_all(self._prefix + topic, partition, records)
        self._held.clear()
