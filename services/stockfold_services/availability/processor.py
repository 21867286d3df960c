"""Availability as a processor of the exactly-once loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from stockfold.availability.answer import Answer
from stockfold.availability.surroundings import Surroundings
from stockfold.contracts.topics import AVAILABILITY, CATALOG, EXCEPTIONS, POLICIES, POSITIONS, Topic
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record
from stockfold_services.availability.backlog import Scan
from stockfold_services.availability.compiler import compile_all, compile_fences
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.memory import PartitionMemory, SkuMemory
from stockfold_services.availability.places import PlaceBook, ReferenceFeed
from stockfold_services.availability.policies import PolicyBook, PolicyChange, PolicyFeed
from stockfold_services.availability.records import (
    Cause,
    Published,
    encode_availability,
    encode_exception,
)

log = logging.getLogger(__name__)

POLICY_POLL_US = 100_000
LOOKS_PER_TICK_MAX = 20_000
"""(channel, SKU) pairs that one tick computes again: about 60 ms."""
EVENTS_PER_TICK_MAX = 4_000
"""Availability events that one tick writes: about 100 ms."""


class AvailabilityProcessor:
    """Folds positions and policies, and tells each channel what has changed for it."""

    name = "availability"
    inputs: Sequence[Topic] = (CATALOG, POSITIONS)

    def __init__(self, feed: PolicyFeed, reference: ReferenceFeed | None = None) -> None:
        self._feed = feed
        self._reference = reference
        self._places = PlaceBook()
        self._polled_us = 0
        self._policies_read = False
        self.book = PolicyBook()
        self.partitions: dict[int, PartitionMemory] = {}
        self.told = 0

    # --- the loop's protocol ------------------------------------------------------------------

    def recover(self, partition: int, reader: PartitionReader) -> None:
        """Fold the partition's topics; reading goes on where the group has committed.

        Every SKU is then looked at once, at a bounded rate: policies may have changed meanwhile.
        """
        if not self._policies_read:
            if self._reference is not None:
                for batch in self._reference.read_whole(reader):
                    self._places.apply(batch)
                self.book.take_places(self._places.places, Cause())
            for batch in reader.read(POLICIES, 0):
                for record in batch:
                    self._apply(record)
            self._policies_read = True
        began = time.monotonic()
        memory = PartitionMemory.recover(partition, reader)
        self.partitions[partition] = memory
        skus = list(memory.skus)
        for channel in self.book.in_force:
            memory.backlog.add(channel, skus, None, None)
        if skus:
            log.info(
                "partition %d: %d SKUs folded in %.2f s",
                partition,
                len(skus),
                time.monotonic() - began,
            )

    def drop(self, partition: int) -> None:
        """Forget a partition's memory."""
        self.partitions.pop(partition, None)

    def process(self, partition: int, records: Sequence[Record], out: Outputs, now_us: int) -> None:
        """Fold a batch of positions; each SKU that changed is looked at once."""
        memory = self.partitions[partition]
        changed: dict[str, SkuMemory] = {}
        for record in records:
            sku = _take(memory, record, out, now_us)
            if sku is not None:
                changed[sku.positions.sku] = sku
        for sku in changed.values():
            surroundings = self._surroundings(sku)
            for applied in compile_all(self.book, sku, out, partition, now_us):
                answer = _changed_answer(applied, sku, surroundings)
                if answer is not None:
                    self._tell(out, partition, applied, sku, answer, sku.cause)

    def _surroundings(self, sku: SkuMemory) -> Surroundings:
        return Surroundings(sku.category)

    def tick_due(self, now_us: int) -> bool:
        """Whether a policy change has left work; new policies are taken in here."""
        if not 0 <= now_us - self._polled_us < POLICY_POLL_US:
            self._polled_us = now_us
            for record in self._feed.poll():
                self._apply(record)
            self._follow_places(now_us)
        return any(memory.backlog for memory in self.partitions.values())

    def tick(self, out: Outputs, now_us: int) -> None:
        """Do a bounded part of that work: find what falls to zero first, then tell the rest."""
        looks, events = LOOKS_PER_TICK_MAX, EVENTS_PER_TICK_MAX
        scanning = [memory for memory in self.partitions.values() if memory.backlog.scans]
        for memory in scanning:
            looks, events = self._scan(memory, out, looks, events, now_us)
        if any(memory.backlog.scans for memory in scanning):
            return
        for memory in self.partitions.values():
            events = self._tell_later(memory, out, events)

    # --- policies -----------------------------------------------------------------------------

    def _apply(self, record: Record) -> None:
        change = self.book.apply(record)
        if change is not None:
            for memory in self.partitions.values():
                _schedule(memory, change)

    def _follow_places(self, now_us: int) -> None:
        """Take in new tags of locations: policies may choose by them."""
        records = self._reference.poll() if self._reference is not None else ()
        if not records or not self._places.apply(records):
            return
        for change in self.book.take_places(self._places.places, Cause(now_us, "", now_us)):
            for memory in self.partitions.values():
                _schedule(memory, change)

    def _scan(
        self, memory: PartitionMemory, out: Outputs, looks: int, events: int, now_us: int
    ) -> tuple[int, int]:
        """Look at touched SKUs; returns what is left of both allowances."""
        scans = memory.backlog.scans
        while scans and looks > 0 and events > 0:
            channel, scan = next(iter(scans.items()))
            policy = self.book.in_force.get(channel)
            if policy is None:
                del scans[channel]
                continue
            part = scan.skus[scan.next : scan.next + min(looks, events)]
            scan.next += len(part)
            looks -= len(part)
            for name in part:
                sku = memory.skus[name]
                events -= compile_fences(policy, sku, out, memory.number, now_us)
                if not _touches(scan, sku):
                    continue
                applied = policy.applied_to(sku)
                answer = _changed_answer(applied, sku, self._surroundings(sku))
                if answer is None:
                    continue
                if answer.quantity <= 0:
                    self._tell(out, memory.number, applied, sku, answer, scan.cause or sku.cause)
                    events -= 1
                else:
                    memory.backlog.later[(channel, name)] = scan.cause
            if scan.next >= len(scan.skus):
                del scans[channel]
        return looks, events

    def _tell_later(self, memory: PartitionMemory, out: Outputs, events: int) -> int:
        later = memory.backlog.later
        while later and events > 0:
            channel, name = next(iter(later))
            cause = later.pop((channel, name))
            policy = self.book.in_force.get(channel)
            if policy is None:
                continue
            sku = memory.skus[name]
            # Positions may have told it since; then there is nothing left to tell.
            applied = policy.applied_to(sku)
            answer = _changed_answer(applied, sku, self._surroundings(sku))
            if answer is not None:
                self._tell(out, memory.number, applied, sku, answer, cause or sku.cause)
                events -= 1
        return events

    # --- telling ------------------------------------------------------------------------------

    def _tell(
        self,
        out: Outputs,
        partition: int,
        in_force: InForce,
        sku: SkuMemory,
        answer: Answer,
        cause: Cause,
    ) -> None:
        policy = in_force.policy
        channel, name = policy.channel, sku.positions.sku
        known = sku.published.get(channel)
        version = 1 if known is None else known.version + 1
        value = encode_availability(policy, name, sku.positions.seq, answer, version, cause)
        out.produce(AVAILABILITY, partition, f"{channel}|{name}".encode(), value)
        sku.published[channel] = Published(version, answer.visible)
        self.told += 1


def _changed_answer(in_force: InForce, sku: SkuMemory, surroundings: Surroundings) -> Answer | None:
    """What the channel may promise now, or None when it would see no difference.

    A SKU that no position was ever read of is unknown, not zero: it stays as it was told.
    """
    if not sku.positions.seq:
        return None
    answer = in_force.compute(sku, surroundings)
    known = sku.published.get(in_force.policy.channel)
    return None if known is not None and known.visible == answer.visible else answer


def _take(memory: PartitionMemory, record: Record, out: Outputs, now_us: int) -> SkuMemory | None:
    """Fold a record; the SKU to look at, or None. What the ledger refuses, it has told itself."""
    if record.topic().endswith(CATALOG.name):
        try:
            return memory.fold_item(record)
        except ContractError:
            return None
    try:
        return memory.fold(record)
    except ContractError as error:
        _refuse(out, record, error, now_us)
        return None


def _touches(scan: Scan, sku: SkuMemory) -> bool:
    return scan.reach is None or not scan.reach.isdisjoint(sku.positions.locations)


def _schedule(memory: PartitionMemory, change: PolicyChange) -> None:
    memory.backlog.add(change.policy.channel, list(memory.skus), change.reach, change.cause)


def _refuse(out: Outputs, record: Record, error: ContractError, now_us: int) -> None:
    """Keep a record that cannot be read as an exception, so that its partition moves on."""
    topic, partition, offset = POSITIONS.name, record.partition(), record.offset()
    key = record.key()
    exception = {
        "exception": f"{topic}/{partition}/{offset}/{error.kind}",
        "kind": error.kind,
        "folded": False,
        "reason": error.what,
        "remedy": error.remedy or "Have the ledger write the position again.",
        "sku": (key or b"").decode("utf-8", "replace").partition("|")[2],
        "source": "",
        "event_id": "",
        "event_type": "",
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "key": key,
        "value": record.value(),
        "headers": [{"name": name, "value": raw} for name, raw in record.headers() or ()],
        "recorded_at": now_us,
        "correlation_id": "",
        "caused_at": record.timestamp()[1] * 1000,
    }
    out.produce(EXCEPTIONS, partition, key, encode_exception(exception))
