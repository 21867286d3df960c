"""The exactly-once loop in memory: a log of partitions, transactions, and restarts.

It runs the real processor. A batch may be aborted: then nothing it wrote is seen, the memory is
dropped, and the processor recovers, as in the real loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import AVAILABILITY, EXCEPTIONS, POLICIES, POSITIONS, Topic
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Headers, Record
from stockfold_services.availability.processor import AvailabilityProcessor

PARTITION = 0


class FakeRecord:
    """A record of the in-memory log."""

    def __init__(
        self, topic: str, partition: int, offset: int, key: bytes | None, value: bytes | None
    ) -> None:
        self._place = (topic, partition, offset)
        self._key = key
        self._value = value

    def topic(self) -> str:
        return self._place[0]

    def partition(self) -> int:
        return self._place[1]

    def offset(self) -> int:
        return self._place[2]

    def timestamp(self) -> tuple[int, int]:
        return (1, 1_000_000 + self._place[2])

    def key(self) -> bytes | None:
        return self._key

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> Headers | None:
        return None


class Log:
    """Committed records by topic and partition. ``compact`` keeps the newest of each key."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int], list[FakeRecord]] = {}
        self._ends: dict[tuple[str, int], int] = {}

    def append(
        self, topic: Topic, partition: int, key: bytes | None, value: bytes | None
    ) -> FakeRecord:
        place = (topic.name, partition)
        offset = self._ends.get(place, 0)
        self._ends[place] = offset + 1
        record = FakeRecord(topic.name, partition, offset, key, value)
        self._records.setdefault(place, []).append(record)
        return record

    def records(self, topic: Topic, partition: int, start: int = 0) -> list[FakeRecord]:
        kept = self._records.get((topic.name, partition), [])
        return [record for record in kept if record.offset() >= start]

    def end(self, topic: Topic, partition: int) -> int:
        """The next offset, which compaction does not change."""
        return self._ends.get((topic.name, partition), 0)

    def compact(self, topic: Topic, partition: int) -> None:
        newest = {record.key(): record for record in self.records(topic, partition)}
        self._records[(topic.name, partition)] = sorted(
            newest.values(), key=lambda record: record.offset()
        )

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[FakeRecord]]:
        for record in self.records(topic, partition, start or 0):
            if end is None or record.offset() < end:
                yield [record]


class _Outputs:
    def __init__(self) -> None:
        self.waiting: list[tuple[Topic, int, bytes | None, bytes]] = []

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        self.waiting.append((topic, partition, key, value))


class _Feed:
    def __init__(self, log: Log) -> None:
        self._log = log

    def poll(self) -> Sequence[Record]:
        return cast("Sequence[Record]", self._log.records(POLICIES, 0))

    def close(self) -> None:
        pass


class Harness:
    """One availability instance on one partition of an in-memory log."""

    def __init__(self) -> None:
        self.log = Log()
        self.committed = 0
        self.now_us = 0
        self.transactions: list[list[dict[str, Any]]] = []
        self.start()

    def start(self) -> None:
        """Start anew on what is committed, as after a kill."""
        self.processor = AvailabilityProcessor(_Feed(self.log))
        self._recover()

    def _recover(self) -> None:
        self.processor.recover(PARTITION, cast("PartitionReader", self.log))
        self._position = self.committed

    # --- inputs -------------------------------------------------------------------------------

    def position(self, sku: str, location: str, on_hand: int, **others: Any) -> None:
        """The ledger tells a position; ``reserved``, ``allocated``, ``seq`` as needed."""
        claimed = others.get("reserved", 0) + others.get("allocated", 0)
        body = {
            "sku": sku,
            "location": location,
            "seq": others.pop("seq", None) or self.log.end(POSITIONS, PARTITION) + 1,
            "on_hand": on_hand,
            "quality_hold": 0,
            "damaged": 0,
            "in_transit": 0,
            "reserved": 0,
            "allocated": 0,
            "atp": on_hand - claimed,
            "claims": [],
            "expected": [],
            "recorded_at": 5,
            "correlation_id": "",
            "caused_at": 4,
            **others,
        }
        key = f"{location}|{sku}".encode()
        self.log.append(POSITIONS, PARTITION, key, encode("stockfold.Position", body))

    def summary(self, sku: str) -> None:
        """The ledger tells a SKU's summary."""
        body = {
            "sku": sku,
            "seq": self.log.end(POSITIONS, PARTITION) + 1,
            "backordered": [{"channel": "woo", "quantity": 2}],
            "fences": [],
            "limits": [],
            "recorded_at": 5,
            "correlation_id": "",
            "caused_at": 4,
        }
        value = encode("stockfold.SkuSummary", body)
        self.log.append(POSITIONS, PARTITION, b"|" + sku.encode(), value)

    def policy(self, policy: Policy) -> None:
        """Somebody publishes a policy."""
        self.log.append(POLICIES, 0, policy.channel.encode(), encode_policy(policy))

    # --- the loop -----------------------------------------------------------------------------

    def batch(self, records_max: int = 1000, *, abort: bool = False) -> bool:
        """One turn of the loop; False when there was nothing to do."""
        self.now_us += 200_000
        records = self.log.records(POSITIONS, PARTITION, self._position)[:records_max]
        due = self.processor.tick_due(self.now_us)
        if not records and not due:
            return False
        out = _Outputs()
        if records:
            self.processor.process(PARTITION, cast("list[Record]", records), out, self.now_us)
        if self.processor.tick_due(self.now_us):
            self.processor.tick(out, self.now_us)
        if abort:
            self.processor.drop(PARTITION)
            self._recover()
            return True
        for topic, partition, key, value in out.waiting:
            self.log.append(topic, partition, key, value)
        self.transactions.append([decode(value)[1] for *_, value in out.waiting])
        if records:
            self._position = self.committed = records[-1].offset() + 1
        return True

    def settle(self) -> Harness:
        """Turn until nothing is left to do."""
        for _ in range(10_000):
            if not self.batch():
                return self
        raise AssertionError("the processor never came to rest")

    # --- outputs ------------------------------------------------------------------------------

    def told(self, channel: str = "woo", sku: str = "a") -> list[dict[str, Any]]:
        """Every availability event of a channel and SKU, oldest first."""
        key = f"{channel}|{sku}".encode()
        records = self.log.records(AVAILABILITY, PARTITION)
        return [decode(record.value())[1] for record in records if record.key() == key]

    def exceptions(self) -> list[dict[str, Any]]:
        """Every exception."""
        return [decode(r.value())[1] for r in self.log.records(EXCEPTIONS, PARTITION)]
