"""Records on their way from the consumer to the next batch: rested, merged, and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from stockfold.runtime.clients import Fetched, LogConsumer
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.merge import PartitionMerge
from stockfold.runtime.records import Record

CONSUME_MAX = 10_000
QUEUE_PAUSE = 20_000
QUEUE_RESUME = 4_000
IDLE_POLL_S = 0.2
ENOUGH = 40_000
"""Records that wait here before no more are fetched, unless none of them may go yet."""
GATHER_MS = 8
"""Records rest this long before they are merged, so that an older one of another topic that the
broker already has can still arrive. It bounds the latency that order costs."""


class Inbox:
    """The fetched records of the assigned partitions. A full topic is paused, never dropped."""

    def __init__(self, ranks: Mapping[str, int], wait_ms: int, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._ranks = ranks
        self._wait_ms = wait_ms
        self._merges: dict[int, PartitionMerge[Record]] = {}
        self._fresh: list[tuple[float, Sequence[Fetched]]] = []
        self._full: list[TopicPartition] = []
        self.ends: dict[tuple[str, int], int] = {}
        """Where the end of a place was met: control records have offsets too, and are not seen."""
        self._paused: set[tuple[str, int]] = set()
        self._starved = True
        self.flows = False
        """Whether the client had all that was asked of it, and so probably has more."""

    def open(self, partition: int) -> None:
        """Take records of a partition from now on."""
        self._merges[partition] = PartitionMerge(self._ranks, self._wait_ms)

    def close(self, partition: int) -> None:
        """Forget a partition and its records, fetched ones too: the next owner reads them anew."""
        self._merges.pop(partition, None)
        self.ends = {place: end for place, end in self.ends.items() if place[1] != partition}
        self._fresh = [
            (at_s, [message for message in messages if message.partition() != partition])
            for at_s, messages in self._fresh
        ]
        self._paused = {place for place in self._paused if place[1] != partition}
        self._full = [place for place in self._full if place.partition != partition]

    def partitions(self) -> list[int]:
        """The open partitions."""
        return list(self._merges)

    def fetch(self, consumer: LogConsumer, *, busy: bool) -> None:
        """Fetch what the consumer has, waiting a moment when there is nothing else to do."""
        queued = self._queued()
        if queued > ENOUGH and not self._starved:
            return  # What waits here grows cold; what waits in the client does not.
        waiting = bool(self._fresh) or queued > 0
        timeout_s = 0.0 if busy else GATHER_MS / 2000 if waiting else IDLE_POLL_S
        came = self._take(consumer.consume(1, timeout=timeout_s))
        more = consumer.consume(CONSUME_MAX, timeout=0) if came else ()
        self._take(more)
        self.flows = len(more) == CONSUME_MAX

    def _queued(self) -> int:
        return sum(len(merge) for merge in self._merges.values())

    def _take(self, messages: Sequence[Fetched]) -> bool:
        """Let them rest. At once, because the next call may revoke their partitions."""
        if messages:
            self._fresh.append((self._clock.monotonic_s(), messages))
        return bool(messages)

    def holds(self, records: int) -> bool:
        """Whether so many wait here, or as many as are ever let wait."""
        fresh = sum(len(messages) for _, messages in self._fresh)
        return self._queued() + fresh >= min(records, ENOUGH)

    def ready(self, events_max: int) -> list[tuple[int, Sequence[Record]]]:
        """Batches by partition, in order, at most so many records together."""
        now_s = self._clock.monotonic_s()
        while self._fresh and self._has_rested(*self._fresh[0], now_s):
            self._enqueue(self._fresh.pop(0)[1])
        batches: list[tuple[int, Sequence[Record]]] = []
        left = events_max
        for number, merge in self._merges.items():
            if left <= 0:
                break
            records = merge.take(left, int(now_s * 1000))
            if records:
                batches.append((number, records))
                left -= len(records)
        self._starved = not batches
        if batches and left <= 0:
            # Start with another partition next time, so that a busy one starves none.
            number = batches[0][0]
            self._merges[number] = self._merges.pop(number)
        return batches

    @staticmethod
    def _has_rested(at_s: float, messages: Sequence[Fetched], now_s: float) -> bool:
        """Whether they may be merged. Ends need no rest: nothing is older than what is behind."""
        return now_s - at_s >= GATHER_MS / 1000 or all(message.error() for message in messages)

    def balance(self, consumer: LogConsumer) -> None:
        """Pause topics that are full, resume those that have drained."""
        if self._full:
            consumer.pause(self._full)
            self._paused |= {(place.topic, place.partition) for place in self._full}
            self._full = []
        drained = {
            (topic, number)
            for topic, number in self._paused
            if self._merges[number].waiting(topic) < QUEUE_RESUME
        }
        if drained:
            consumer.resume([TopicPartition(topic, number) for topic, number in drained])
            self._paused -= drained

    def _enqueue(self, messages: Sequence[Fetched]) -> None:
        """Queue what has rested, by runs: the client hands out a partition's records together."""
        run: list[Record] = []
        name, number = "", -1
        for message in messages:
            topic, partition = message.topic(), message.partition()
            error = message.error()
            if topic != name or partition != number or error is not None:
                self._queue(name, number, run)
                run = []
                name, number = topic or "", -1 if partition is None else partition
            if error is None:
                run.append(cast("Record", message))
            elif error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name)
                raise KafkaException(error)
            elif number in self._merges:
                self._merges[number].reached_end(name)
                self.ends[name, number] = message.offset() or 0
        self._queue(name, number, run)

    def _queue(self, topic: str, partition: int, run: list[Record]) -> None:
        merge = self._merges.get(partition)
        if merge is None or not run:
            return
        waiting = merge.extend(topic, run)
        if waiting >= QUEUE_PAUSE > waiting - len(run):
            self._full.append(TopicPartition(topic, partition))
