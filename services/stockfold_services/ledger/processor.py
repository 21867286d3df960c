"""The ledger as a processor of the exactly-once loop: the only writer of stock."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from stockfold.contracts.inputs import InputReader
from stockfold.contracts.partitioner import refuse_misrouted
from stockfold.contracts.topics import (
    ADJUSTMENTS,
    ALLOCATIONS,
    CATALOG,
    JOURNAL,
    RECEIPTS,
    REFERENCE,
    RESERVATIONS,
    RETURNS,
    TRANSFERS,
    Topic,
)
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.times import SECOND_US
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.facts import Input, Refusal, Refused
from stockfold.ledger.horizons import Horizons
from stockfold.ledger.sequences import is_repeat
from stockfold.ledger.state import SkuState
from stockfold.ledger.validation import validate
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.recovery import recover
from stockfold.runtime.registry import open_registry
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import OFF, Traces, about
from stockfold_services.ledger.outputs import BatchOutputs
from stockfold_services.ledger.reference import ReferenceFeed, ReferenceRules
from stockfold_services.ledger.spans import trace
from stockfold_services.ledger.upkeep import Upkeep

log = logging.getLogger(__name__)

_RESEND = "Give the event a new id if it is a correction; the first one stays."


class LedgerProcessor:
    """Decides and folds the inputs of its partitions."""

    name = "ledger"
    # Facts before commands at equal timestamps (semantics.md, "Order of truth").
    inputs: Sequence[Topic] = (
        CATALOG,
        RECEIPTS,
        TRANSFERS,
        RETURNS,
        ADJUSTMENTS,
        ALLOCATIONS,
        RESERVATIONS,
    )

    def __init__(
        self,
        settings: Settings,
        feed: ReferenceFeed | None = None,
        snapshots: SnapshotStore | None = None,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._snapshots = snapshots
        follower = feed or TopicFollower(settings, REFERENCE, "ledger.reference")
        self._rules = ReferenceRules(settings, follower)
        self._hearing = self._rules.hearing
        self._ids_max = settings.ledger.dedupe_events_max
        self._horizons = Horizons(
            settings.ledger.dedupe_horizon_s * SECOND_US,
            settings.ledger.movement_horizon_s * SECOND_US,
        )
        self._upkeep = Upkeep(settings.ledger)
        self._reader = InputReader(open_registry(settings))
        self._reader.traced = traces.on
        self._partition_count = settings.kafka.sku_partitions
        prefix = settings.environment.prefix
        self._topics = {
            topic.full_name(prefix): (
                topic.name,
                frozenset(() if topic is CATALOG else topic.schemas),
            )
            for topic in self.inputs
        }
        """(name, event types) of the inputs' topics; the catalogue has no events."""
        self.partitions: dict[int, Partition] = {}
        self.repeats = self._repeats_told = 0
        self._poison: set[tuple[str, int, int]] = set()
        """Places of inputs that met a defect of ours in this process."""

    def recover(self, partition: int, reader: PartitionReader) -> dict[str, int]:
        """Restore the newest good snapshot and fold the partition's journal behind it.

        The journal's newest mark says which inputs it covers.
        """
        began = time.monotonic()
        end = reader.stable_end(JOURNAL, partition)
        memory, head = recover(reader, self._snapshots, partition, self._ids_max, end)
        memory.watch_all()
        self._rules.recover(partition, reader, memory.next_offsets.get(CATALOG.name, 0))
        self.partitions[partition] = memory
        if memory.facts:
            log.info(
                "partition %d: %d SKUs in %.2f s, from the snapshot at %s and %d facts of the "
                "journal to %d",
                partition,
                len(memory.skus),
                time.monotonic() - began,
                head.next_offset if head is not None else "none",
                memory.facts - (head.facts if head is not None else 0),
                end,
            )
        return dict(memory.next_offsets)

    def drop(self, partition: int) -> None:
        """Forget a partition's memory."""
        self.partitions.pop(partition, None)
        self._rules.drop(partition)

    def close(self) -> None:
        """Let go of what the processor holds besides memory."""
        self._rules.close()

    def process(
        self, partition: int, records: Sequence[LoopRecord], out: Outputs, now_us: int
    ) -> None:
        """Decide and fold a batch of one partition."""
        memory = self.partitions[partition]
        batch = BatchOutputs(out, partition, now_us, self._traces)
        topics = self._topics
        last: dict[str, LoopRecord] = {}
        for message in records:
            topic, allowed = topics[message.topic_name]
            last[topic] = message
            if allowed:
                self._one(memory, batch, message, topic, allowed, now_us)
            else:
                self._take_item(memory, batch, message)
        for topic, message in last.items():
            memory.next_offsets[topic] = message.at_offset + 1
        batch.finish(memory.next_offsets)
        memory.skus.rest()
        self._hearing.tell(out)
        measures.LEDGER_REPEATS.inc(self.repeats - self._repeats_told)
        self._repeats_told = self.repeats
        measures.LEDGER_SKUS.set(sum(len(known.skus) for known in self.partitions.values()))

    def _take_item(self, memory: Partition, batch: BatchOutputs, message: LoopRecord) -> None:
        try:
            self._rules.take_item(memory.number, message)
        except ContractError as error:
            refusal = Refusal(error.kind, error.what, error.remedy)
            batch.refused(message, CATALOG.name, refusal, None)

    def _one(
        self,
        memory: Partition,
        batch: BatchOutputs,
        message: LoopRecord,
        topic: str,
        allowed: frozenset[str],
        now_us: int,
    ) -> None:
        given: Input | None = None
        window = memory.window
        try:
            given = self._reader.read(
                topic,
                allowed,
                memory.number,
                message.at_offset,
                message.at_ms,
                message.raw_key,
                message.raw_value,
                message.all_headers,
            )
            if self._traces.on:
                trace(self._traces, given, now_us)
            if self._hearing.rhythms:
                self._hearing.hear(given.source, given.caused_us)
            state = memory.skus.get(given.sku)
            if state is None:  # A SKU that is known here was looked at before.
                refuse_misrouted(given.sku, memory.number, self._partition_count)
            if not given.is_sound:
                validate(given.type, given.body)
            known = window.payload_of(given.event)
            if (known is not None or given.sequence is not None) and self._is_repeat(
                known, given, state
            ):
                self.repeats += 1
                return
            self._horizons.check(given, now_us, window.floor_us)
            self._rules.apply(given, memory.number)
            if self._poison and (topic, memory.number, message.at_offset) in self._poison:
                raise _defect()
        except ContractError as error:
            _refuse(batch, message, topic, Refusal(error.kind, error.what, error.remedy), given)
            return
        except Refused as error:
            _refuse(batch, message, topic, Refusal(error.kind, error.reason, error.remedy), given)
            return
        if state is None:
            state = memory.state_of(given.sku)
        watched_us = state.next_expiry_us
        try:
            facts, refusal = decide_and_fold(state, given, now_us)
        except Exception as error:
            raise self._met_defect(given, error) from error
        if refusal is not None:
            _refuse(batch, message, topic, refusal, given)
        else:
            window.remember_new(given.event, given.payload_hash, now_us)
        if facts:
            batch.facts(state, facts)
            if state.next_expiry_us != watched_us:
                memory.watch_expiry(state)
            if state.parked:
                memory.parked.add(given.sku)
        elif not state.seq:
            del memory.skus[given.sku]  # A refused event makes no SKU.

    def _is_repeat(self, known: int | None, given: Input, state: SkuState | None) -> bool:
        """Whether it was accepted before, by its id or number; Refused with another payload."""
        if known is not None:
            if known == given.payload_hash or known in self._reader.earlier_hashes(given):
                return True
            raise _conflict(given)
        return given.sequence is not None and state is not None and is_repeat(state, given)

    def _met_defect(self, given: Input, error: Exception) -> UnavailableError:
        """What to raise for a defect of ours, which is remembered by the place of its input.

        The SKU may be half folded by then. Everything is recovered from the journal, and the event
        goes to the exceptions when it comes again, so that its partition moves on.
        """
        self._poison.add((given.topic, given.partition, given.offset))
        log.error(
            "%s of %s met a defect of ours",
            given.event_id,
            given.source,
            exc_info=error,
            extra=about(given.correlation_id, given.traceparent),
        )
        return UnavailableError(
            f"event {given.event_id} of {given.source} met a defect: {error!r}",
            where=f"{given.topic} partition {given.partition} offset {given.offset}",
            remedy="It goes to the exceptions; report the traceback above.",
        )

    def tick_due(self, now_us: int) -> bool:
        """Whether a reservation may be due; new reference data is taken in here."""
        self._rules.poll(now_us)
        return self._upkeep.due(self.partitions.values(), now_us)

    def tick(self, out: Outputs, now_us: int) -> None:
        """What time alone brings, to SKUs that no event came for."""
        self._upkeep.run(
            self.partitions.values(),
            lambda partition: BatchOutputs(out, partition, now_us),
            now_us,
        )


def _refuse(
    batch: BatchOutputs, message: LoopRecord, topic: str, refusal: Refusal, given: Input | None
) -> None:
    """Make an exception of an input, and say so: what is folded is found in the journal."""
    batch.refused(message, topic, refusal, given)
    log.info(
        "%s, offset %d of partition %d is an exception, %s: %s",
        topic,
        message.offset(),
        message.partition(),
        refusal.kind,
        refusal.reason,
        extra={} if given is None else about(given.correlation_id, given.traceparent),
    )


def _conflict(given: Input) -> Refused:
    return Refused(
        "payload_conflict",
        f"event {given.event_id} of {given.source} is known with another payload",
        _RESEND,
    )


def _defect() -> Refused:
    return Refused(
        "defect",
        "deciding this event failed by a defect of the ledger; its log has the traceback",
        "Report it; resubmit the event once a mended ledger runs.",
    )
