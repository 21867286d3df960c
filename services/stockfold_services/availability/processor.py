"""Availability as a processor of the exactly-once loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from stockfold.availability.answer import Answer
from stockfold.availability.reach import EVERYTHING
from stockfold.availability.surroundings import Surroundings
from stockfold.contracts.topics import AVAILABILITY, CATALOG, EXCEPTIONS, POSITIONS, Topic
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record
from stockfold_services.availability.compiler import compile_all, compile_fences
from stockfold_services.availability.following import Following, ScheduleFeed
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.memory import PartitionMemory, SkuMemory
from stockfold_services.availability.places import ReferenceFeed
from stockfold_services.availability.policies import PolicyChange, PolicyFeed
from stockfold_services.availability.records import (
    Cause,
    Published,
    encode_availability,
    encode_exception,
)

log = logging.getLogger(__name__)

LOOKS_PER_TICK_MAX = 20_000
"""(channel, SKU) pairs that one tick computes again: about 60 ms."""
EVENTS_PER_TICK_MAX = 4_000
"""Availability events that one tick writes: about 100 ms."""


class AvailabilityProcessor:
    """Folds positions and policies, and tells each channel what has changed for it."""

    name = "availability"
    inputs: Sequence[Topic] = (CATALOG, POSITIONS)

    def __init__(
        self,
        policies: PolicyFeed,
        reference: ReferenceFeed | None = None,
        schedule: ScheduleFeed | None = None,
    ) -> None:
        self._following = Following(policies, reference, schedule)
        self.book = self._following.book
        self.partitions: dict[int, PartitionMemory] = {}
        self.told = 0

    # --- the loop's protocol ------------------------------------------------------------------

    def recover(self, partition: int, reader: PartitionReader) -> None:
        """Fold the partition's topics; reading goes on where the group has committed.

        Every SKU is then looked at once, at a bounded rate: policies may have changed meanwhile.
        """
        self._following.read_whole(reader)
        began = time.monotonic()
        memory = PartitionMemory.recover(partition, reader)
        self.partitions[partition] = memory
        skus = list(memory.skus)
        for channel in self.book.in_force:
            memory.backlog.add(channel, skus, EVERYTHING, None)
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
        self._following.scheduler.forget_asked()

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
        times = self._following.times
        return Surroundings(sku.category, times.moment_us, times.silent)

    def tick_due(self, now_us: int) -> bool:
        """Whether a policy or time has left work; new ones are taken in here."""
        for change in self._following.poll(now_us):
            for memory in self.partitions.values():
                _schedule(memory, change)
        if self._following.scheduler.is_due:
            return True
        return any(memory.backlog for memory in self.partitions.values())

    def tick(self, out: Outputs, now_us: int) -> None:
        """Do a bounded part of that work: find what falls to zero first, then tell the rest."""
        self._following.scheduler.tell(out)
        looks, events = LOOKS_PER_TICK_MAX, EVENTS_PER_TICK_MAX
        scanning = [memory for memory in self.partitions.values() if memory.backlog.scans]
        for memory in scanning:
            looks, events = self._scan(memory, out, looks, events, now_us)
        if any(memory.backlog.scans for memory in scanning):
            return
        for memory in self.partitions.values():
            events = self._tell_later(memory, out, events)

    # --- what a change leaves -------------------------------------------------------------------

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
                if not scan.reach.touches(sku.positions, sku.category):
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
