"""Copying a topic into another number of partitions, in the order of the broker's times."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping

from confluent_kafka import KafkaError, Message, Producer

from stockfold.contracts.codec import decode, encoder, schema_of
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import EXCEPTION_RESOLUTIONS, EXCEPTIONS, JOURNAL, Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.cli.repartition.environments import producer_config

Tell = Callable[[str], None]
Keep = Callable[[Record], bool]

CARRIED = "carried-from"
"""Header of a carried input: its topic with prefix, partition and offset in the old environment."""
TELL_EVERY = 200_000
FLUSH_S_MAX = 120.0
_SMALL_FETCH = {"queued.min.messages": 2_000, "queued.max.messages.kbytes": 8 * 1024}
"""All partitions of a topic are read at once, so each reads little ahead."""

_encode_exception = encoder("stockfold.ExceptionRaised")
_encode_resolution = encoder("stockfold.ExceptionResolution")


class Copier:
    """Copies from one environment to another."""

    def __init__(self, source: Settings, target: Settings, tell: Tell) -> None:
        self._source = source
        self._target = target
        self._tell = tell
        self._reader = PartitionReader(source, _SMALL_FETCH)
        self._producer = Producer(producer_config(target))
        self._failures: list[str] = []

    def copy(
        self,
        topic: Topic,
        *,
        starts: Mapping[int, int] | None = None,
        ends: Mapping[int, int] | None = None,
        carried: bool = False,
    ) -> int:
        """Copy a topic from and to the given offsets; returns how many records were written.

        Records of a key stay in their order, because a key is in one partition. ``carried`` notes
        in a header where each record was. UnavailableError when any was not acknowledged.
        """
        count = 0
        name = topic.full_name(self._target.prefix)
        total = partitions_of(self._target, topic)
        for record in self._merged(topic, starts or {}, ends or {}):
            key, value = _renamed(topic, record, self._source.prefix)
            if topic is JOURNAL and _is_mark(value):
                continue
            headers = list(record.headers() or [])
            if carried:
                place = f"{record.topic()}/{record.partition()}/{record.offset()}"
                headers = [h for h in headers if h[0] != CARRIED] + [(CARRIED, place.encode())]
            partition = home(topic, key, record.partition(), total)
            self._produce(name, key, value, partition, record.timestamp()[1], headers)
            count += 1
            if count % TELL_EVERY == 0:
                self._tell(f"{topic.name}: {count:,} records so far")
        self.flush()
        if count:
            self._tell(f"{topic.name}: {count:,} records copied")
        return count

    def write(self, topic: Topic, partition: int, value: bytes, header: tuple[str, bytes]) -> None:
        """Write one record of our own, without a key."""
        name = topic.full_name(self._target.prefix)
        self._produce(name, None, value, partition, 0, [header])

    def flush(self) -> None:
        """Wait for every acknowledgement."""
        left = self._producer.flush(FLUSH_S_MAX)
        if left or self._failures:
            raise UnavailableError(
                f"{left + len(self._failures)} records were not acknowledged: "
                + "; ".join(self._failures[:3]),
                where=f"Kafka at {self._target.kafka.bootstrap}",
                remedy="Check the broker, then run the command again with --restart.",
            )

    def _merged(
        self, topic: Topic, starts: Mapping[int, int], ends: Mapping[int, int]
    ) -> Iterator[Record]:
        """All partitions in the order of time, as far as each partition's own order allows."""
        streams = [
            self._stream(topic, partition, starts.get(partition), ends.get(partition))
            for partition in range(partitions_of(self._source, topic))
        ]
        for _, _, _, record in heapq.merge(*streams):
            yield record

    def _stream(
        self, topic: Topic, partition: int, start: int | None, end: int | None
    ) -> Iterator[tuple[int, int, int, Record]]:
        newest_ms = 0
        if start is not None:
            start = max(start, self._reader.earliest(topic, partition))
        for batch in self._reader.read(topic, partition, start, end):
            for record in batch:
                newest_ms = max(newest_ms, record.timestamp()[1])
                # (time, partition, offset) is unique: records themselves are never compared.
                yield newest_ms, partition, record.offset(), record

    def _produce(
        self,
        name: str,
        key: bytes | None,
        value: bytes | None,
        partition: int,
        timestamp_ms: int,
        headers: list[tuple[str, bytes | None]] | list[tuple[str, bytes]],
    ) -> None:
        def told(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._failures.append(f"{name} partition {partition}: {error.str()}")

        while True:
            try:
                self._producer.produce(
                    name,
                    value,
                    key,
                    partition,
                    on_delivery=told,
                    timestamp=timestamp_ms,
                    headers=list(headers),
                )
            except BufferError:
                self._producer.poll(0.1)  # The queue is full: let it drain, then go on.
            else:
                self._producer.poll(0)
                return


def home(topic: Topic, key: bytes | None, partition: int, total: int) -> int:
    """The partition of a record in the copy."""
    if topic.keyed_by_order:
        return partition  # Orders keep their own count.
    if not topic.keyed_by_sku or key is None:
        return partition % total
    sku = key.split(b"|", 1)[1] if "|" in topic.key and b"|" in key else key
    return partition_of(sku, total)


def _is_mark(value: bytes | None) -> bool:
    return schema_of(value).name == "stockfold.InputsRead"


def _renamed(topic: Topic, record: Record, prefix: str) -> tuple[bytes | None, bytes | None]:
    """Key and value; an exception's id says from now on that its place is in the old environment.

    The copy's own inputs begin at offset 0 again, and would otherwise meet the old ids.
    """
    key, value = record.key(), record.value()
    if topic is EXCEPTIONS:
        raised = decode(value)[1]
        return key, _encode_exception({**raised, "exception": old_id(raised["exception"], prefix)})
    if topic is EXCEPTION_RESOLUTIONS:
        done = decode(value)[1]
        name = old_id(done["exception"], prefix)
        return name.encode(), _encode_resolution({**done, "exception": name})
    return key, value


def old_id(exception: str, prefix: str) -> str:
    """The id of an exception that was raised in the environment of ``prefix``."""
    return exception if "@" in exception else f"{exception}@{prefix}"
