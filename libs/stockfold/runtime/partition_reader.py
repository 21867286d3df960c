"""Reading one partition of committed records from an offset to its last stable one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from confluent_kafka import (
    IsolationLevel,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clients import CONFLUENT, Clients, Fetched, LogConsumer
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold.runtime.watchdog import Pulse

STABLE_WAIT_S = 90.0
"""Longer than any transaction time-out, after which the broker ends what a dead producer began."""
SILENCE_S = 30.0
NO_LEADER = frozenset(
    {
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._NOENT,  # noqa: SLF001  (its public name: no leader was found)
    }
)
OLD_EPOCH = frozenset({KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH})
"""After a restart of the broker an admin client would ask with the epoch it remembers for ever."""
BATCH = 10_000


class PartitionReader:
    """Reads partitions as they are committed, for recovery. Not for several threads.

    ``fetch`` are librdkafka options that say how far ahead it reads.
    """

    def __init__(
        self,
        settings: Settings,
        fetch: Mapping[str, Any] | None = None,
        *,
        clients: Clients = CONFLUENT,
        clock: Clock = SYSTEM_CLOCK,
        pulse: Pulse | None = None,
    ) -> None:
        self._pulse = pulse or Pulse("reader")
        self._clients = clients
        self._clock = clock
        self._config = confluent_config(settings)
        self._fetch = FETCH if fetch is None else fetch
        self._prefix = settings.environment.prefix
        self._admin = clients.admin(dict(self._config))

    def stable_end(self, topic: Topic, partition: int) -> int:
        """The offset after the last committed record, once no open transaction hides any.

        On assignment the last stable offset can still lie below the high watermark, although the
        group's offsets are stable already; facts would be missed. UnavailableError after a minute
        and a half.
        """
        place = TopicPartition(topic.full_name(self._prefix), partition)
        deadline = self._clock.monotonic_s() + STABLE_WAIT_S
        while True:
            self._pulse.beat(f"waiting for the stable end of {place.topic}/{partition}")
            stable = self._latest(place, IsolationLevel.READ_COMMITTED)
            high = self._latest(place, IsolationLevel.READ_UNCOMMITTED)
            if stable >= high:
                return stable
            self._wait(place, high - stable, deadline)

    def settled_end(self, topic: Topic, partition: int) -> int:
        """The end of what is committed, once all that was written by now is committed or aborted.

        For followers of a log that is being written: ``stable_end`` would wait for a moment without
        any open transaction, which may never come. UnavailableError after a minute and a half.
        """
        place = TopicPartition(topic.full_name(self._prefix), partition)
        written = self._latest(place, IsolationLevel.READ_UNCOMMITTED)
        deadline = self._clock.monotonic_s() + STABLE_WAIT_S
        while (stable := self._latest(place, IsolationLevel.READ_COMMITTED)) < written:
            self._wait(place, written - stable, deadline)
        return stable

    def _wait(self, place: TopicPartition, hidden: int, deadline_s: float) -> None:
        if self._clock.monotonic_s() > deadline_s:
            raise UnavailableError(
                f"an open transaction hides {hidden} records",
                where=f"{place.topic} partition {place.partition}",
                remedy="Find the producer that keeps it open, or wait for its time-out.",
            )
        self._clock.sleep(0.05)

    def first_at(self, topic: Topic, partition: int, timestamp_ms: int) -> int:
        """The first offset whose record has this timestamp or a later one, else the end."""
        place = TopicPartition(topic.full_name(self._prefix), partition)
        found = self._offset(place, OffsetSpec.for_timestamp(timestamp_ms))
        return found if found >= 0 else self.settled_end(topic, partition)

    def _latest(self, place: TopicPartition, level: IsolationLevel) -> int:
        return self._offset(place, OffsetSpec.latest(), isolation_level=level)

    def _offset(self, place: TopicPartition, spec: OffsetSpec, **options: IsolationLevel) -> int:
        return self._offsets({place: spec}, **options)[place]

    def _offsets(
        self, wanted: dict[TopicPartition, OffsetSpec], **options: IsolationLevel
    ) -> dict[TopicPartition, int]:
        """Offsets, asked again while a partition has no leader: it is new, or moving."""
        deadline = self._clock.monotonic_s() + SILENCE_S
        while True:
            futures = self._admin.list_offsets(wanted, **options)
            try:
                return {place: futures[place].result(timeout=SILENCE_S).offset for place in wanted}
            except TimeoutError as error:
                raise UnavailableError(
                    f"the broker has not told an offset for {SILENCE_S:.0f} s",
                    where=", ".join(f"{place.topic}/{place.partition}" for place in wanted),
                    remedy="Check the broker; it is asked again.",
                ) from error
            except KafkaException as error:
                code = error.args[0].code()
                if code not in NO_LEADER | OLD_EPOCH or self._clock.monotonic_s() > deadline:
                    raise
                if code in OLD_EPOCH:
                    self._admin = self._clients.admin(dict(self._config))
                self._clock.sleep(0.1)

    def earliest(self, topic: Topic, partition: int) -> int:
        """The first offset that retention has kept."""
        place = TopicPartition(topic.full_name(self._prefix), partition)
        return self._offset(place, OffsetSpec.earliest())

    def committed_ends(self, topic: Topic, partitions: Iterable[int]) -> dict[int, int]:
        """By partition the offset after what is committed now; an open transaction may hide more.

        For followers, which do not wait for a writer that is busy. KafkaException.
        """
        return self._ends(topic, partitions, IsolationLevel.READ_COMMITTED)

    def written_ends(self, topic: Topic, partitions: Iterable[int]) -> dict[int, int]:
        """By partition the offset after all that is written, committed or not. KafkaException."""
        return self._ends(topic, partitions, IsolationLevel.READ_UNCOMMITTED)

    def _ends(
        self, topic: Topic, partitions: Iterable[int], level: IsolationLevel
    ) -> dict[int, int]:
        name = topic.full_name(self._prefix)
        wanted = {TopicPartition(name, number): OffsetSpec.latest() for number in partitions}
        if not wanted:
            return {}
        found = self._offsets(wanted, isolation_level=level)
        return {place.partition: offset for place, offset in found.items()}

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[Record]]:
        """Committed records from ``start`` (default: the first kept) to before ``end``.

        ``end`` defaults to the last stable offset. UnavailableError when the broker falls silent.
        """
        end = self.stable_end(topic, partition) if end is None else end
        start = self.earliest(topic, partition) if start is None else start
        if start >= end:
            return
        consumer = self._clients.consumer(
            {
                **self._config,
                **self._fetch,
                # The end is told by an empty answer, and what is read is there already: with 100 ms
                # 64 partitions took ten seconds to recover, however little they held, and now two.
                "fetch.wait.max.ms": 5,
                "group.id": f"{self._prefix}stockfold.reader",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )
        try:
            consumer.assign([TopicPartition(topic.full_name(self._prefix), partition, start)])
            yield from self._until(consumer, end, f"{topic.name} partition {partition}")
        finally:
            consumer.close()

    def _until(self, consumer: LogConsumer, end: int, where: str) -> Iterator[list[Record]]:
        heard = self._clock.monotonic_s()
        while True:
            self._pulse.beat(f"reading {where}")
            # Asked for a batch it would wait for a whole one, also at the end.
            messages = consumer.consume(BATCH, timeout=0) or consumer.consume(1, timeout=0.05)
            # Few steps a record: a rebuild reads hundreds of thousands a second here.
            batch = cast("list[Record]", [m for m in messages if m.error() is None])
            done = len(batch) < len(messages) and _at_end(messages, end)
            if batch and batch[-1].offset() >= end:
                batch = [record for record in batch if record.offset() < end]
                done = True
            if messages:
                heard = self._clock.monotonic_s()
            if batch:
                yield batch
                heard = self._clock.monotonic_s()
            if done:
                return
            if self._clock.monotonic_s() - heard > SILENCE_S:
                raise UnavailableError(
                    f"the broker has sent nothing for {SILENCE_S:.0f} s",
                    where=where,
                    remedy="Check the broker; the reading starts again by itself.",
                )


def _at_end(messages: Sequence[Fetched], end: int) -> bool:
    """Whether one of the errors says that the partition ends here; KafkaException for others."""
    found = False
    for message in messages:
        error = message.error()
        if error is None:
            continue
        if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name)
            raise KafkaException(error)
        found = found or (message.offset() or 0) >= end
    return found


FETCH: dict[str, Any] = {
    # Measured: 1.26 M messages/s with these, 0.2 M with the defaults.
    "fetch.queue.backoff.ms": 1,
    "queued.min.messages": 100_000,
    "fetch.message.max.bytes": 4 * 1024 * 1024,
    "fetch.wait.max.ms": 100,
}
