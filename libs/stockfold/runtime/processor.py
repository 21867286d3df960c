"""What runs inside the exactly-once loop, and where it puts its records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stockfold.contracts.topics import Topic
from stockfold.runtime.clients import LogProducer
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record


class Outputs(Protocol):
    """Where a processor puts its records; visible to readers only after the commit."""

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """Add a record to the open transaction; without a value, its key is given up."""
        ...


class Processor(Protocol):
    """What runs inside the loop. All of its inputs are co-partitioned."""

    name: str
    """Consumer group and transactional id, such as ``ledger``."""
    inputs: Sequence[Topic]
    """Input topics in their order at equal timestamps: facts before commands."""

    def recover(self, partition: int, reader: PartitionReader) -> dict[str, int] | None:
        """Rebuild a partition's memory; next offset per input topic, or None for the group's."""
        ...

    def process(self, partition: int, records: Sequence[Record], out: Outputs, now_us: int) -> None:
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


_Held = tuple[str, bytes | None, bytes | None, int, list[tuple[str, str | bytes | None]] | None]


class HeldOutputs:
    """Outputs of one batch, held until their transaction may begin."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._names: dict[str, str] = {}
        self._records: list[_Held] = []

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        """See ``Outputs.produce``."""
        name = self._names.get(topic.name)
        if name is None:
            name = self._names[topic.name] = topic.full_name(self._prefix)
        self._records.append((name, value, key, partition, headers))

    def release(self, producer: LogProducer) -> None:
        """Add them to the producer's open transaction, in their order."""
        produce = producer.produce
        for name, value, key, partition, headers in self._records:
            while True:
                try:
                    if headers is None:
                        produce(name, value, key, partition)
                    else:
                        produce(name, value, key, partition, headers=headers)
                except BufferError:
                    producer.poll(0.05)  # The queue is full: let it drain, then go on.
                else:
                    break
        self._records.clear()
