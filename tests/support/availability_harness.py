"""The exactly-once loop in memory: a log of partitions, transactions, and restarts.

It runs the real processor. A batch may be aborted: then nothing it wrote is seen, the memory is
dropped, and the processor recovers, as in the real loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from stockfold.availability.policy import Policy
from stockfold.availability.positions import Summary
from stockfold.contracts.codec import decode, encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.reference import encode_record
from stockfold.contracts.schedule import Moment, decode_schedule, encode_heard
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    EXCEPTIONS,
    POLICIES,
    POSITIONS,
    REEVALUATION,
    REFERENCE,
    RESERVATIONS,
    SCHEDULE,
    Topic,
)
from stockfold.domain.reference import Authority, CatalogItem, Location, key_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import LoopRecord, Record
from stockfold_services.availability.processor import AvailabilityProcessor
from stockfold_services.availability.records import read_position

PARTITION = 0


class Log:
    """Committed records by topic and partition. ``compact`` keeps the newest of each key."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, int], list[LoopRecord]] = {}
        self._ends: dict[tuple[str, int], int] = {}

    def append(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Any = None,
    ) -> LoopRecord:
        place = (topic.name, partition)
        offset = self._ends.get(place, 0)
        self._ends[place] = offset + 1
        record = LoopRecord(topic.name, partition, offset, 1_000_000 + offset, key, value, headers)
        self._records.setdefault(place, []).append(record)
        return record

    def records(self, topic: Topic, partition: int, start: int = 0) -> list[LoopRecord]:
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

    def settled_end(self, topic: Topic, partition: int) -> int:
        """See ``PartitionReader.settled_end``: nothing is ever under way here."""
        return self.end(topic, partition)

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[LoopRecord]]:
        for record in self.records(topic, partition, start or 0):
            if end is None or record.offset() < end:
                yield [record]


class _Outputs:
    def __init__(self) -> None:
        self.waiting: list[tuple[Topic, int, bytes | None, bytes | None, Any]] = []

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, str | bytes | None]] | None = None,
    ) -> None:
        self.waiting.append((topic, partition, key, value, headers))


class _Feed:
    def __init__(self, log: Log) -> None:
        self._log = log

    def poll(self) -> Sequence[Record]:
        return cast("Sequence[Record]", self._log.records(POLICIES, 0))

    def close(self) -> None:
        pass


class _WholeFeed(_Feed):
    def __init__(self, log: Log, topic: Topic) -> None:
        super().__init__(log)
        self._topic = topic
        self._next = 0

    def read_whole(self, reader: PartitionReader) -> Iterator[Sequence[Record]]:
        yield self.poll()

    def poll(self) -> Sequence[Record]:
        records = self._log.records(self._topic, 0, self._next)
        self._next += len(records)
        return cast("Sequence[Record]", records)


class Harness:
    """One availability instance on the partitions of an in-memory log."""

    def __init__(self, partitions: int = 1) -> None:
        self.log = Log()
        self.partitions = partitions
        self.offsets: dict[tuple[str, int], int] = {}
        self.fences: dict[str, dict[str, dict[str, Any]]] = {}
        """What the ledger has folded, by SKU and event type and channel."""
        self.ledger_position = 0
        self.now_us = 0
        self.transactions: list[list[dict[str, Any]]] = []
        """What each has written, but for how far it is."""
        self.start()

    def start(self) -> None:
        """Start anew on what is committed, as after a kill."""
        self.processor = AvailabilityProcessor(
            _Feed(self.log),
            self.partitions,
            _WholeFeed(self.log, REFERENCE),
            _WholeFeed(self.log, SCHEDULE),
        )
        for number in range(self.partitions):
            self._recover(number)

    def _recover(self, number: int) -> None:
        self.processor.recover(number, cast("PartitionReader", self.log))

    @property
    def committed(self) -> int:
        """How far the positions of the first partition are read."""
        return self.offsets.get((POSITIONS.name, PARTITION), 0)

    def home(self, sku: str) -> int:
        """The partition of a SKU."""
        return partition_of(sku.encode(), self.partitions)

    # --- inputs -------------------------------------------------------------------------------

    def position(self, sku: str, location: str, on_hand: int, **others: Any) -> None:
        """The ledger tells a position; ``reserved``, ``allocated``, ``seq`` as needed."""
        claimed = others.get("reserved", 0) + others.get("allocated", 0)
        body = {
            "sku": sku,
            "location": location,
            "seq": others.pop("seq", None) or self.log.end(POSITIONS, self.home(sku)) + 1,
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
        self.log.append(POSITIONS, self.home(sku), key, encode("stockfold.Position", body))

    def summary(self, sku: str, **others: Any) -> None:
        """The ledger tells a SKU's summary."""
        known = self.fences.get(sku, {"fences": {}, "limits": {}})
        body = {
            "sku": sku,
            "seq": self.log.end(POSITIONS, PARTITION) + 1,
            "backordered": [{"channel": "woo", "quantity": 2}],
            "fences": list(known["fences"].values()),
            "limits": list(known["limits"].values()),
            "recorded_at": 5,
            "correlation_id": "",
            "caused_at": 4,
            **others,
        }
        value = encode("stockfold.SkuSummary", body)
        self.log.append(POSITIONS, PARTITION, b"|" + sku.encode(), value)

    def item(self, sku: str, category: str) -> None:
        """The catalogue says which category a SKU is of."""
        value = encode_record(CatalogItem(sku, 1, category=category))
        self.log.append(CATALOG, PARTITION, sku.encode(), value)

    def bill(self, item: CatalogItem) -> None:
        """The catalogue says what a SKU is made of."""
        self.log.append(CATALOG, self.home(item.sku), item.sku.encode(), encode_record(item))

    def location(self, name: str, *tags: str) -> None:
        """The reference data say which tags a location has."""
        record = Location(name, 1, tags=tags)
        self.log.append(REFERENCE, 0, key_of(record).encode(), encode_record(record))

    def authority(self, source: str, *locations: str, rhythm_s: int | None = None) -> None:
        """The reference data say where a source speaks (nothing: everywhere), and how often."""
        record = Authority(source, source, 1, locations or None, rhythm_s=rhythm_s)
        self.log.append(REFERENCE, 0, key_of(record).encode(), encode_record(record))

    def heard(self, source: str, at_us: int) -> None:
        """The ledger, or the source itself, says when it was heard from."""
        self.log.append(SCHEDULE, 0, *encode_heard(source, at_us))

    def moments(self) -> list[Moment]:
        """The moments that were told, oldest first."""
        told = [decode_schedule(record.value()) for record in self.log.records(SCHEDULE, 0)]
        return [moment for moment in told if isinstance(moment, Moment)]

    def ledger_folds(self) -> int:
        """The ledger takes the ring-fences and limits asked of it, and tells the summaries."""
        records = self.log.records(RESERVATIONS, PARTITION, self.ledger_position)
        for record in records:
            self.ledger_position = record.offset() + 1
            schema, body = decode(record.value())
            known = self.fences.setdefault(body["sku"], {"fences": {}, "limits": {}})
            kind = "fences" if schema.name.endswith("RingFenceSet") else "limits"
            rows = known[kind]
            if body["channel"] in rows and rows[body["channel"]]["revision"] >= body["revision"]:
                continue
            rows[body["channel"]] = {n: v for n, v in body.items() if n != "sku"}
            self.summary(body["sku"])
        return len(records)

    def folded_summary(self, sku: str) -> Summary | None:
        """The SKU's summary as the ledger told it last."""
        key = b"|" + sku.encode()
        records = [r for r in self.log.records(POSITIONS, PARTITION) if r.key() == key]
        if not records:
            return None
        read = read_position(records[-1].value())
        assert isinstance(read.numbers, Summary)
        return read.numbers

    def policy(self, policy: Policy, *headers: tuple[str, bytes]) -> None:
        """Somebody publishes a policy."""
        key = policy.channel.encode()
        self.log.append(POLICIES, 0, key, encode_policy(policy), list(headers))

    # --- the loop -----------------------------------------------------------------------------

    def batch(self, records_max: int = 1000, *, abort: bool = False) -> bool:
        """One turn of the loop; False when there was nothing to do."""
        self.now_us += 200_000
        batches, offsets = self._next(records_max)
        due = self.processor.tick_due(self.now_us)
        if not batches and not due:
            return False
        out = _Outputs()
        for number, records in batches.items():
            self.processor.process(number, records, out, self.now_us)
        if self.processor.tick_due(self.now_us):
            self.processor.tick(out, self.now_us)
        if abort:
            for number in range(self.partitions):
                self.processor.drop(number)
                self._recover(number)
            return True
        for topic, partition, key, value, headers in out.waiting:
            self.log.append(topic, partition, key, value, headers)
        values = [
            value
            for topic, _, _, value, _ in out.waiting
            if value is not None and topic is not REEVALUATION
        ]
        self.transactions.append([decode(value)[1] for value in values])
        self.offsets.update(offsets)
        return True

    def _next(self, records_max: int) -> tuple[dict[int, list[Record]], dict[tuple[str, int], int]]:
        """What comes next by partition, and the offsets behind it."""
        batches: dict[int, list[Record]] = {}
        offsets: dict[tuple[str, int], int] = {}
        for number in range(self.partitions):
            left = records_max
            for topic in self.processor.inputs:
                place = (topic.name, number)
                found = self.log.records(topic, number, self.offsets.get(place, 0))[:left]
                if found:
                    left -= len(found)
                    batches.setdefault(number, []).extend(cast("list[Record]", found))
                    offsets[place] = found[-1].offset() + 1
        return batches, offsets

    def settle(self, *, ledger: bool = True) -> Harness:
        """Turn until nothing is left to do; ``ledger``: it folds the fences asked of it."""
        for _ in range(10_000):
            if not self.batch() and not (ledger and self.ledger_folds()):
                return self
        raise AssertionError("the processor never came to rest")

    # --- outputs ------------------------------------------------------------------------------

    def told(self, channel: str = "woo", sku: str = "a") -> list[dict[str, Any]]:
        """Every availability event of a channel and SKU, oldest first."""
        key = f"{channel}|{sku}".encode()
        records = self.log.records(AVAILABILITY, self.home(sku))
        return [decode(record.value())[1] for record in records if record.key() == key]

    def exceptions(self) -> list[dict[str, Any]]:
        """Every exception."""
        return [
            decode(record.value())[1]
            for number in range(self.partitions)
            for record in self.log.records(EXCEPTIONS, number)
        ]
