"""The exactly-once loop: consume, process, produce, commit offsets and outputs in one transaction.

One thread decides (architecture.md, "Exactly once in the ledger"). While it decides a batch, the
transaction of the batch before is committed behind it; nothing of a batch leaves the process before
the one before it is committed. So memory is at most one batch ahead of the committed log: on any
doubt the transaction is aborted, the clients are closed, the memory is dropped, and everything is
recovered from the log as if newly assigned.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from confluent_kafka import KafkaException, TopicPartition

from stockfold.domain.errors import DefectError, StockfoldError, UnavailableError
from stockfold.runtime.clients import CONFLUENT, Clients, LogMember, LogProducer, Pending
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.exactly_once_clients import consumer_config, producer_config
from stockfold.runtime.inbox import GATHER_MS, Inbox
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import HeldOutputs, Processor
from stockfold.runtime.records import LoopRecord, last_of_topics
from stockfold.runtime.settings import Settings
from stockfold.runtime.starting_offsets import next_offset
from stockfold.runtime.steps import step
from stockfold.runtime.telemetry.loop import LoopMeter, oldest_us
from stockfold.runtime.telemetry.tracing import OFF, Span, Traces
from stockfold.runtime.watchdog import Deafness, Pulse

log = logging.getLogger(__name__)

BACKOFF_S_MAX = 10.0
APART_S = 0.04
"""Who has caught up begins transactions so far apart at least: each costs the broker 5 to 8 ms of
CPU and this process 2, however little is in it (record 44)."""


class _Commit(NamedTuple):
    """A commit that is under way behind the loop, and what it stands for."""

    pending: Pending
    producer: LogProducer
    offsets: dict[tuple[str, int], int]
    events: int
    oldest_us: int
    spans: list[Span]


def _end(spans: list[Span], trouble: str = "") -> None:
    for span in spans:
        if trouble:
            span.fail(trouble)
        span.end()


class ExactlyOnceLoop:
    """One consumer and one transactional producer around a processor."""

    def __init__(
        self,
        settings: Settings,
        processor: Processor,
        *,
        instance: str,
        batch_events_max: int,
        batch_ms_max: int,
        merge_wait_ms: int = 0,
        clock: Clock = SYSTEM_CLOCK,
        clients: Clients = CONFLUENT,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._clients = clients
        self._settings = settings
        self._processor = processor
        self._instance = instance
        self._batch_events_max = batch_events_max
        self._batch_s_max = batch_ms_max / 1000
        self._event_s = 0.0
        self._commit_s = 0.0
        self._begun_s = -APART_S
        self._clock = clock
        self._prefix = settings.environment.prefix
        self._names = {topic.full_name(self._prefix): topic for topic in processor.inputs}
        ranks = {topic.full_name(self._prefix): i for i, topic in enumerate(processor.inputs)}
        self._inbox = Inbox(ranks, merge_wait_ms, clock)
        self._merges = merge_wait_ms > 0
        self._positions: dict[tuple[str, int], int] = {}
        self._membership: object = None
        """Member and generation as of the assignment. What the client knows at the commit may be
        that it is no member any more, and a group that is empty by then would accept that."""
        self._failure: Exception | None = None
        self._commit: _Commit | None = None
        self.pulse = Pulse(processor.name)
        self._commit_pulse = Pulse(processor.name)
        self.pulses = (self.pulse, self._commit_pulse)
        self._deafness: Deafness[tuple[str, int]] = Deafness(settings.environment.stall_limit_s)
        self._joined = False
        self._reader = PartitionReader(settings, clients=clients, clock=clock, pulse=self.pulse)
        self._meter = LoopMeter(processor.name)
        self.processed = 0

    def positions(self) -> dict[tuple[str, int], int]:
        """Where reading goes on, by topic and partition. For any thread."""
        met = self._inbox.ends
        return {at: max(offset, met.get(at, 0)) for at, offset in list(self._positions.items())}

    def run(self, stop: threading.Event) -> None:
        """Run until ``stop``; client errors start the clients anew, with bounded back-off."""
        backoff_s = 0.2
        while not stop.is_set():
            done_before = self.processed
            try:
                self._run_clients(stop)
            except (KafkaException, StockfoldError) as error:
                if isinstance(error, DefectError):
                    raise
                if self.processed > done_before:
                    backoff_s = 0.2
                log.warning(
                    "%s starts its clients anew in %.1f s: %s",
                    self._processor.name,
                    backoff_s,
                    error,
                )
                self.pulse.rest()
                self._meter.restarts.inc()
                stop.wait(backoff_s)
                backoff_s = min(backoff_s * 2, BACKOFF_S_MAX)

    def _run_clients(self, stop: threading.Event) -> None:
        producer = self._clients.producer(
            producer_config(self._settings, self._processor.name, self._instance)
        )
        consumer = self._clients.member(
            consumer_config(
                self._settings, self._processor.name, self._instance, merges=self._merges
            )
        )
        self._failure = None
        self._deafness = Deafness(self._settings.environment.stall_limit_s)
        self._joined = False
        try:
            self.pulse.beat("init_transactions")
            producer.init_transactions(30.0)
            consumer.subscribe(list(self._names), on_assign=self._assigned, on_revoke=self._revoked)
            while not stop.is_set():
                self._step(consumer, producer)
            self._settle()
        finally:
            with suppress(KafkaException, StockfoldError):
                self._settle()  # After an error, which is the one to tell of.
            self._forget_all()
            self.pulse.beat("closing the consumer")
            consumer.close()
            self.pulse.beat("closing the producer")
            producer.purge()
            producer.close()

    # --- assignment ---------------------------------------------------------------------------

    def _assigned(self, consumer: LogMember, partitions: list[TopicPartition]) -> None:
        try:
            self._joined = True
            self._membership = consumer.consumer_group_metadata()
            self._recover(consumer, partitions)
            consumer.assign(partitions)
            self._pass("after_recovery")
        except Exception as error:  # noqa: BLE001  (a callback cannot raise through librdkafka)
            self._failure = error

    def _recover(self, consumer: LogMember, partitions: list[TopicPartition]) -> None:
        self._pass("before_recovery")
        reader = self._reader
        self.pulse.beat("waiting for the group's stable offsets")
        committed = {(p.topic, p.partition): p.offset for p in consumer.committed(partitions, 30.0)}
        numbers = sorted({place.partition for place in partitions})
        for number in numbers:
            began = self._clock.monotonic_s()
            self.pulse.beat(f"recovering partition {number}")
            starts = self._processor.recover(number, reader)
            self._pass("during_recovery")
            self._inbox.open(number)
            for place in partitions:
                if place.partition != number:
                    continue
                topic = self._names[place.topic]
                group_offset = committed[(place.topic, number)]
                earliest = reader.earliest(topic, number)
                place.offset = next_offset(topic, number, starts, group_offset, earliest)
                self._positions[(place.topic, number)] = place.offset
            took_s = self._clock.monotonic_s() - began
            self._meter.recovery.observe(took_s)
            self._meter.partitions.set(len(self._inbox.partitions()))
            log.info("%s serves partition %d after %.2f s", self._processor.name, number, took_s)

    def _revoked(self, consumer: LogMember, partitions: list[TopicPartition]) -> None:
        try:
            self._settle()  # While the partitions are still ours.
        except Exception as error:  # noqa: BLE001  (a callback cannot raise through librdkafka)
            self._failure = error
        for number in {place.partition for place in partitions}:
            self._drop(number)
        consumer.unassign()

    def _forget_all(self) -> None:
        _end(self._traces.uncommitted(), "aborted")
        for number in self._inbox.partitions():
            self._drop(number)

    def _drop(self, number: int) -> None:
        self._processor.drop(number)
        self._inbox.close(number)
        self._meter.partitions.set(len(self._inbox.partitions()))
        for place in [place for place in self._positions if place[1] == number]:
            del self._positions[place]

    # --- one step -----------------------------------------------------------------------------

    def _step(self, consumer: LogMember, producer: LogProducer) -> None:
        self.pulse.beat("consume")
        size = self._batch_size()
        # Who has caught up lets everything that comes while a commit is under way share the next
        # transaction; decided at once it would wait for that commit, and what follows for two.
        busy = due = self._processor.tick_due(self._clock.now_us())
        if self._commit is not None and not self._inbox.holds(size):
            if not self._inbox.flows:
                self._commit.pending.wait(GATHER_MS / 2000)
            busy = True
        self._inbox.fetch(consumer, busy=busy)
        if self._failure is not None:
            raise self._failure
        if self._commit is not None and self._commit.pending.done():
            self._settle()
        apart = due or self._clock.monotonic_s() - self._begun_s >= APART_S
        if (self._commit is None and apart) or self._inbox.holds(size):
            batches = self._inbox.ready(size)
            self._inbox.balance(consumer)
            at_us = self._clock.now_us()
            if batches or self._processor.tick_due(at_us):
                self._pass("after_consume")
                self._transact(producer, batches, at_us)
        self._listen()

    def _listen(self) -> None:
        """UnavailableError when records wait that the client does not deliver, or it cannot join.

        The client is trusted while it delivers something now and then, or tells of the end.
        """
        if not self._deafness.is_due(self._clock.monotonic_s()):
            return
        if not self._joined:
            raise UnavailableError(
                f"no partitions were assigned within {self._deafness.limit_s:g} s",
                where=f"consumer group of {self._processor.name}",
                remedy="Check the broker, and the group for a member that does not answer.",
            )
        known, ends = self.positions(), {}
        for name, topic in self._names.items():
            numbers = [number for place, number in known if place == name]
            found = self._reader.committed_ends(topic, numbers) if numbers else {}
            ends.update({(name, number): end for number, end in found.items()})
        self._deafness.look(known, ends)

    def _pass(self, name: str) -> None:
        step(f"{self._processor.name}.{name}")

    def _batch_size(self) -> int:
        """Events of the next batch: bounded by time as well as by number, by the last pace seen.

        Its time is never less than the last commit took, beside which it is decided: less would
        only have the loop wait, and fall behind for good.
        """
        if not self._event_s:
            return min(self._batch_events_max, 500)
        batch_s = max(self._batch_s_max, self._commit_s)
        return max(1, min(self._batch_events_max, int(batch_s / self._event_s)))

    def _transact(
        self,
        producer: LogProducer,
        batches: list[tuple[int, Sequence[LoopRecord]]],
        at_us: int,
    ) -> None:
        began = self._begun_s = self._clock.monotonic_s()
        out = HeldOutputs(self._prefix)
        offsets = {}
        events = sum(len(records) for _, records in batches)
        for number, records in batches:
            self.pulse.beat(f"processing partition {number}")
            self._processor.process(number, records, out, at_us)
            for topic, last in last_of_topics(records).items():
                offsets[topic, number] = last.at_offset + 1
        if events:
            pace = (self._clock.monotonic_s() - began) / events
            self._event_s = pace if not self._event_s else (self._event_s * 3 + pace) / 4
        if self._processor.tick_due(at_us):
            self._processor.tick(out, at_us)
        self._meter.batch.observe(self._clock.monotonic_s() - began)
        self._pass("after_process")
        self._settle()
        # Also for a tick alone: it is by offsets that the broker refuses an instance which has
        # lost its partitions without knowing.
        offsets = {**self._one_position(), **offsets}
        pending = self._clients.behind(lambda: self._commit_behind(producer, out, offsets))
        spans = self._traces.uncommitted()
        self._commit = _Commit(pending, producer, offsets, events, oldest_us(batches), spans)

    def _commit_behind(
        self, producer: LogProducer, out: HeldOutputs, offsets: dict[tuple[str, int], int]
    ) -> None:
        """Commit, beside the loop; of the loop's it touches only its own pulse and ``_commit_s``.

        The offsets go first: while the markers of the transaction before are written the broker
        refuses the next one, and librdkafka's producer asks anew for offsets as soon as it is told
        to (``retry.backoff.ms``), for outputs only 20 ms later. Ours asks alike for both.
        """
        pulse, began_s = self._commit_pulse, self._clock.monotonic_s()
        try:
            pulse.beat("begin_transaction")
            producer.begin_transaction()
            self._pass("after_begin")
            if offsets:
                self._pass("before_send_offsets")
                pulse.beat("send_offsets_to_transaction")
                producer.send_offsets_to_transaction(
                    [TopicPartition(t, p, offset) for (t, p), offset in offsets.items()],
                    self._membership,
                    30.0,
                )
                self._pass("after_send_offsets")
            pulse.beat("producing")
            out.release(producer)
            self._pass("before_commit")
            pulse.beat("commit_transaction")
            producer.commit_transaction(30.0)
            self._commit_s = self._clock.monotonic_s() - began_s
            self._meter.commit.observe(self._commit_s)
            self._pass("after_commit")
        finally:
            pulse.rest()

    def _settle(self) -> None:
        """Wait for the commit that is under way; abort its transaction and raise if it failed."""
        commit, self._commit = self._commit, None
        if commit is None:
            return
        self.pulse.beat("waiting for the commit")
        try:
            commit.pending.result()
        except BaseException:
            _end(commit.spans, "aborted")
            self._abort(commit.producer)
            raise
        _end(commit.spans)
        self._positions.update(commit.offsets)
        self.processed += commit.events
        self._meter.committed.inc()
        if commit.events:
            self._meter.events.inc(commit.events)
            self._meter.age.observe(max(self._clock.now_us() - commit.oldest_us, 0) / 1e6)

    def _one_position(self) -> dict[tuple[str, int], int]:
        """Any position of ours, committed again: it proves that we are still a member."""
        return dict(islice(self._positions.items(), 1))

    def _abort(self, producer: LogProducer) -> None:
        self.pulse.beat("abort_transaction")
        self._meter.aborted.inc()
        try:
            producer.purge()
            producer.abort_transaction(10.0)
            self._pass("after_abort")
        except KafkaException as error:
            # The broker ends the transaction by itself at its time-out; nothing was visible.
            log.warning("%s: the abort was not confirmed: %s", self._processor.name, error)
