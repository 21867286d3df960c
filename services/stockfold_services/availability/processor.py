"""Availability as a processor of the exactly-once loop."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.kits import combine
from stockfold.availability.reach import EVERYTHING
from stockfold.availability.surroundings import Surroundings
from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.progress import encode_standing
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    COMPONENT_AVAILABILITY,
    EXCEPTIONS,
    KIT_COMPONENTS,
    POSITIONS,
    REEVALUATION,
    Topic,
)
from stockfold.domain.errors import ContractError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import Record
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import OFF, Headers, Traces, about, headers_of
from stockfold_services.availability.backlog import Progress
from stockfold_services.availability.compiler import compile_all, compile_fences
from stockfold_services.availability.following import Following, ScheduleFeed
from stockfold_services.availability.in_force import InForce
from stockfold_services.availability.kits.work import KitWork
from stockfold_services.availability.memory import PartitionMemory, SkuMemory
from stockfold_services.availability.places import ReferenceFeed
from stockfold_services.availability.policies import PolicyChange, PolicyFeed
from stockfold_services.availability.records import (
    Cause,
    Published,
    encode_availability,
)
from stockfold_services.availability.spans import trace

log = logging.getLogger(__name__)

LOOKS_PER_TICK_MAX = 20_000
"""(channel, SKU) pairs that one tick computes again: about 60 ms."""
EVENTS_PER_TICK_MAX = 4_000
"""Availability events that one tick writes: about 100 ms."""
KITS_PER_TURN_MAX = 2_000
"""Kits whose parts one transaction looks through."""
_UNTRACED: Mapping[str, str] = {}


class AvailabilityProcessor:
    """Folds positions and policies, and tells each channel what has changed for it."""

    name = "availability"
    inputs: Sequence[Topic] = (CATALOG, POSITIONS, KIT_COMPONENTS, COMPONENT_AVAILABILITY)

    def __init__(
        self,
        policies: PolicyFeed,
        partitions: int,
        reference: ReferenceFeed | None = None,
        schedule: ScheduleFeed | None = None,
        instance: str = "availability-1",
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._partitions = partitions
        self._instance = instance
        self._following = Following(policies, reference, schedule)
        self.book = self._following.book
        self.partitions: dict[int, PartitionMemory] = {}
        self.told = 0
        self._told: Counter[str] = Counter()
        self._progress = Progress()

    # --- the loop's protocol ------------------------------------------------------------------

    def recover(self, partition: int, reader: PartitionReader) -> None:
        """Fold the partition's topics; reading goes on where the group has committed.

        Every SKU is then looked at once, at a bounded rate: policies may have changed meanwhile.
        """
        self._following.read_whole(reader)
        began = time.monotonic()
        memory = PartitionMemory.recover(partition, self._partitions, reader)
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
        """Fold a batch; each SKU that changed is looked at once."""
        memory = self.partitions[partition]
        changed: dict[str, SkuMemory] = {}
        traced: dict[str, str] = {}
        for record in records:
            sku = _take(memory, record, out, now_us)
            if sku is not None:
                changed[sku.positions.sku] = sku
                if self._traces.on:
                    trace(self._traces, traced, sku, record, now_us)
        self._turn(memory, changed, out, now_us, traced)
        self._measure()

    def _measure(self) -> None:
        for channel, count in self._told.items():
            measures.AVAILABILITY_TOLD.labels(channel).inc(count)
        self._told.clear()
        left = [memory.backlog for memory in self.partitions.values()]
        measures.AVAILABILITY_LEFT.set(sum(one.unseen + len(one.later) for one in left))

    def _turn(
        self,
        memory: PartitionMemory,
        changed: dict[str, SkuMemory],
        out: Outputs,
        now_us: int,
        traced: Mapping[str, str] = _UNTRACED,
    ) -> None:
        """Tell what has changed: kits that are due among it, and components to their kits.

        ``traced`` has the spans that this is done under, by SKU.
        """
        work = KitWork(memory.kits, self._partitions, out, now_us, traced)
        for kit in work.look_through(KITS_PER_TURN_MAX):
            sku = changed[kit.sku] = memory.of_kit(kit)
            sku.cause = kit.cause
        for sku in changed.values():
            surroundings = self._surroundings(sku)
            for applied in compile_all(self.book, sku, out, memory.number, now_us):
                answer = _changed_answer(applied, sku, surroundings)
                if answer is not None:
                    headers = headers_of(traced.get(sku.positions.sku, ""))
                    self._tell(out, memory.number, applied, sku, answer, sku.cause, headers)
        work.tell(_Seen(self, memory))

    def part_of(self, in_force: InForce, sku: SkuMemory) -> Visible:
        """What the channel may promise of a SKU, were it a component."""
        return in_force.applied_to(sku).of_part(sku, self._surroundings(sku))

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
        return any(memory.backlog or memory.kits.is_due for memory in self.partitions.values())

    def tick(self, out: Outputs, now_us: int) -> None:
        """Do a bounded part of that work: find what falls to zero first, then tell the rest."""
        self._following.scheduler.tell(out)
        if any(memory.backlog for memory in self.partitions.values()):
            self._say_how_far(out, now_us)
        looks, events = LOOKS_PER_TICK_MAX, EVENTS_PER_TICK_MAX
        scanning = [memory for memory in self.partitions.values() if memory.backlog.scans]
        for memory in scanning:
            looks, events = self._scan(memory, out, looks, events, now_us)
        for memory in self.partitions.values():
            if memory.kits.is_due:
                self._turn(memory, {}, out, now_us)
        if not any(memory.backlog.scans for memory in scanning):
            for memory in self.partitions.values():
                events = self._tell_later(memory, out, events)
        self._say_how_far(out, now_us)
        self._measure()

    def _say_how_far(self, out: Outputs, now_us: int) -> None:
        backlogs = (memory.backlog for memory in self.partitions.values())
        standing = self._progress.look(backlogs, now_us)
        if standing is None:
            return
        out.produce(REEVALUATION, 0, *encode_standing(self._instance, standing))
        said = self._progress.sentence(standing)
        if said:
            log.info("%s", said)

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
                events -= compile_fences(self.book, policy, sku, out, memory.number, now_us)
                if not scan.reach.touches(sku.positions, sku.category):
                    continue
                if name in memory.kits.needed_by:
                    self._look_at_component(memory, policy, sku, scan.cause or sku.cause)
                applied = policy.applied_to(sku)
                answer = _changed_answer(applied, sku, self._surroundings(sku))
                if answer is None:
                    continue
                if answer.quantity <= 0:
                    self._tell(out, memory.number, applied, sku, answer, scan.cause or sku.cause)
                    self._progress.zeros += 1
                    events -= 1
                else:
                    memory.backlog.later[(channel, name)] = scan.cause
            if scan.next >= len(scan.skus):
                del scans[channel]
        return looks, events

    def _look_at_component(
        self, memory: PartitionMemory, policy: InForce, sku: SkuMemory, cause: Cause
    ) -> None:
        """Note that kits are to be told, if the policy makes it another component to them."""
        told = memory.kits.told.get(sku.positions.sku)
        if told is not None and sku.positions.seq:
            channel = policy.policy.channel
            if told.visible.get(channel) != self.part_of(policy, sku):
                memory.kits.dirty[sku.positions.sku] = cause

    def _tell_later(self, memory: PartitionMemory, out: Outputs, events: int) -> int:
        later = memory.backlog.later
        while later and events > 0:
            # The newest entry: finding the oldest again and again steps over all that are gone.
            (channel, name), cause = later.popitem()
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
        headers: Headers | None = None,
    ) -> None:
        policy = in_force.policy
        channel, name = policy.channel, sku.positions.sku
        known = sku.published.get(channel)
        version = 1 if known is None else known.version + 1
        value = encode_availability(policy, name, sku.positions.seq, answer, version, cause)
        out.produce(AVAILABILITY, partition, f"{channel}|{name}".encode(), value, headers)
        sku.published[channel] = Published(version, answer.visible)
        self.told += 1
        self._told[channel] += 1
        if log.isEnabledFor(logging.DEBUG):
            told = (channel, answer.quantity, name, version)
            log.debug("%s may show %d of %s, version %d", *told, extra=about(cause.correlation_id))


def _changed_answer(in_force: InForce, sku: SkuMemory, surroundings: Surroundings) -> Answer | None:
    """What the channel may promise now, or None when it would see no difference.

    A SKU that no position was ever read of is unknown, not zero: it stays as it was told. So does a
    kit as long as one of its parts has not told what there is of it.
    """
    kit, known = sku.kit, sku.published.get(in_force.policy.channel)
    tree = None if kit is None else kit.tree
    if not sku.positions.seq and tree is None:
        has_ended = kit is not None and kit.has_ended and known is not None
        if not has_ended:
            return None
    answer = in_force.compute(sku, surroundings)
    if kit is not None and tree is not None:
        parts = kit.parts(tree, in_force.policy.channel)
        if parts is None:
            return None
        answer = combine(in_force.policy, answer, tree, parts)
    return None if known is not None and known.visible == answer.visible else answer


def _take(memory: PartitionMemory, record: Record, out: Outputs, now_us: int) -> SkuMemory | None:
    """Fold a record; the SKU to look at, or None. What the ledger refuses, it has told itself."""
    topic = next(t for t in AvailabilityProcessor.inputs if record.topic().endswith(t.name))
    try:
        if topic is POSITIONS:
            return _take_position(memory, record)
        if topic is CATALOG:
            return memory.fold_item(record)
        if topic is KIT_COMPONENTS:
            memory.kits.take_request(record)
            return None
        kit = memory.kits.take_answer(record)
    except ContractError as error:
        if topic is not CATALOG:
            _refuse(out, topic, record, error, now_us)
        return None
    if kit is None:
        return None
    sku = memory.of_kit(kit)
    sku.cause = kit.cause
    return sku


def _take_position(memory: PartitionMemory, record: Record) -> SkuMemory:
    sku = memory.fold(record)
    if sku.positions.sku in memory.kits.needed_by:
        memory.kits.dirty[sku.positions.sku] = sku.cause
    return sku


class _Seen:
    """A partition's SKUs under the policies in force; see ``Seen``."""

    def __init__(self, processor: AvailabilityProcessor, memory: PartitionMemory) -> None:
        self._processor = processor
        self._skus = memory.skus

    def is_held(self, sku: str) -> bool:
        known = self._skus.get(sku)
        return known is not None and known.positions.seq > 0

    def of_part(self, sku: str) -> dict[str, Visible]:
        known, processor = self._skus[sku], self._processor
        in_force = processor.book.in_force.items()
        return {channel: processor.part_of(policy, known) for channel, policy in in_force}


def _schedule(memory: PartitionMemory, change: PolicyChange) -> None:
    memory.backlog.add(change.policy.channel, list(memory.skus), change.reach, change.cause)


def _refuse(out: Outputs, topic: Topic, record: Record, error: ContractError, now_us: int) -> None:
    """Keep a record that cannot be read as an exception, so that its partition moves on."""
    measures.EXCEPTIONS.labels("availability", error.kind, "false").inc()
    partition, offset = record.partition(), record.offset()
    key = record.key()
    exception = encode_exception(
        error.kind,
        folded=False,
        reason=error.what,
        remedy=error.remedy or "Find out who wrote it, and have it written again.",
        sku=(key or b"").decode("utf-8", "replace").partition("|")[2],
        source="",
        event_id="",
        event_type="",
        topic=topic.name,
        partition=partition,
        offset=offset,
        recorded_us=now_us,
        correlation_id="",
        caused_us=record.timestamp()[1] * 1000,
        key=key,
        value=record.value(),
        headers=record.headers() or (),
    )
    out.produce(EXCEPTIONS, partition, key, exception)
