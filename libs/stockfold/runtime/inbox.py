"""Records on their way from the consumer to the next batch: rested, merged, and bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from confluent_kafka import TopicPartition

from stockfold.runtime.clients import LogMember
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.merge import PartitionMerge
from stockfold.runtime.records import LoopRecord, Run

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
        self._merges: dict[int, PartitionMerge] = {}
        self._fresh: list[tuple[float, Sequence[Run]]] = []
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
            (at_s, [run for run in runs if run.partition != partition])
            for at_s, runs in self._fresh
        ]
        self._paused = {place for place in self._paused if place[1] != partition}
        self._full = [place for place in self._full if place.partition != partition]

    def partitions(self) -> list[int]:
        """The open partitions."""
        return list(self._merges)

    def fetch(self, member: LogMember, *, busy: bool) -> None:
        """Fetch what the member has, waiting a moment when there is nothing else to do."""
        queued = self._queued()
        if queued > ENOUGH and not self._starved:
            return  # What waits here grows cold; what waits in the client does not.
        waiting = bool(self._fresh) or queued > 0
        timeout_s = 0.0 if busy else GATHER_MS / 2000 if waiting else IDLE_POLL_S
        came = self._rest(member.take(1, timeout_s))
        more = member.take(CONSUME_MAX, 0) if came else ()
        self._rest(more)
        self.flows = _records(more) >= CONSUME_MAX

    def _queued(self) -> int:
        return sum(len(merge) for merge in self._merges.values())

    def _rest(self, runs: Sequence[Run]) -> bool:
        """Let them rest. At once, because the next call may revoke their partitions."""
        if runs:
            self._fresh.append((self._clock.monotonic_s(), runs))
        return bool(runs)

    def holds(self, records: int) -> bool:
        """Whether so many wait here, or as many as are ever let wait."""
        fresh = sum(_records(runs) for _, runs in self._fresh)
        return self._queued() + fresh >= min(records, ENOUGH)

    def ready(self, events_max: int) -> list[tuple[int, Sequence[LoopRecord]]]:
        """Batches by partition, in order, at most so many records together."""
        now_s = self._clock.monotonic_s()
        while self._fresh and self._has_rested(*self._fresh[0], now_s):
            self._enqueue(self._fresh.pop(0)[1])
        batches: list[tuple[int, Sequence[LoopRecord]]] = []
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
    def _has_rested(at_s: float, runs: Sequence[Run], now_s: float) -> bool:
        """Whether they may be merged. Ends need no rest: nothing is older than what is behind."""
        return now_s - at_s >= GATHER_MS / 1000 or not _records(runs)

    def balance(self, member: LogMember) -> None:
        """Pause topics that are full, resume those that have drained."""
        if self._full:
            member.pause(self._full)
            self._paused |= {(place.topic, place.partition) for place in self._full}
            self._full = []
        drained = {
            (topic, number)
            for topic, number in self._paused
            if self._merges[number].waiting(topic) < QUEUE_RESUME
        }
        if drained:
            member.resume([TopicPartition(topic, number) for topic, number in drained])
            self._paused -= drained

    def _enqueue(self, runs: Sequence[Run]) -> None:
        """Queue what has rested."""
        for topic, number, records, end in runs:
            merge = self._merges.get(number)
            if merge is None:
                continue
            if end >= 0:
                merge.reached_end(topic)
                self.ends[topic, number] = end
                continue
            waiting = merge.extend(topic, records)
            if waiting >= QUEUE_PAUSE > waiting - len(records):
                self._full.append(TopicPartition(topic, number))


def _records(runs: Sequence[Run]) -> int:
    """How many they are together."""
    return sum(len(run.records) for run in runs)
