"""A consumed Kafka record, as every processor sees it.

confluent_kafka's own type allows for None everywhere, because it also carries errors; the loop and
the reader hand on only records without one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec
from confluent_kafka import KafkaError, KafkaException

Headers = list[tuple[str, bytes | None]]
Keyed = tuple[bytes | None, bytes | None, list[tuple[str, str | bytes | None]] | None]
"""Key, value and headers of a record that is written."""


class Record(Protocol):
    """One record without an error; a ``confluent_kafka.Message`` is one."""

    def topic(self) -> str:
        """Name on the broker, with the environment prefix."""
        ...

    def partition(self) -> int:
        """Partition number."""
        ...

    def offset(self) -> int:
        """Offset in the partition."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """(type, milliseconds since 1970)."""
        ...

    def key(self) -> bytes | None:
        """Key bytes."""
        ...

    def value(self) -> bytes | None:
        """Value bytes."""
        ...

    def headers(self) -> Headers | None:
        """Header names and bytes."""
        ...


class LoopRecord(msgspec.Struct, gc=False):
    """A ``Record`` whose fields may be read without a call, where millions of them are."""

    topic_name: str
    partition_number: int
    at_offset: int
    at_ms: int
    """Milliseconds since 1970."""
    raw_key: bytes | None = None
    raw_value: bytes | None = None
    all_headers: Headers | None = None
    stamp_type: int = 1
    """Who said when: 1 its producer, 2 the broker."""

    def topic(self) -> str:
        """See ``Record``."""
        return self.topic_name

    def partition(self) -> int:
        """See ``Record``."""
        return self.partition_number

    def offset(self) -> int:
        """See ``Record``."""
        return self.at_offset

    def timestamp(self) -> tuple[int, int]:
        """See ``Record``."""
        return self.stamp_type, self.at_ms

    def key(self) -> bytes | None:
        """See ``Record``."""
        return self.raw_key

    def value(self) -> bytes | None:
        """See ``Record``."""
        return self.raw_value

    def headers(self) -> Headers | None:
        """See ``Record``."""
        return self.all_headers


class Run(NamedTuple):
    """Records of one partition, in order; or that it has ended, where there are none."""

    topic: str
    partition: int
    records: Sequence[LoopRecord]
    end: int = -1
    """The offset of the end, where it was met."""


def loop_record(message: Record) -> LoopRecord:
    """The same record, whosever it is."""
    stamp_type, at_ms = message.timestamp()
    return LoopRecord(
        message.topic(),
        message.partition(),
        message.offset(),
        at_ms,
        message.key(),
        message.value(),
        message.headers(),
        stamp_type,
    )


def runs_of(messages: Iterable[Any]) -> list[Run]:
    """What a consumer of confluent_kafka handed out; KafkaException for an error in between."""
    found: list[Run] = []
    records: list[LoopRecord] = []
    for message in messages:
        error = message.error()
        place = message.topic(), message.partition()
        if error is not None:
            if error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name)
                raise KafkaException(error)
            found.append(Run(*place, (), message.offset()))
            continue
        if not found or found[-1].records is not records or found[-1][:2] != place:
            records = []
            found.append(Run(*place, records))
        records.append(loop_record(message))
    return found


def last_of_topics(records: Sequence[LoopRecord]) -> dict[str, LoopRecord]:
    """The last record of each topic, by the topic's name on the broker."""
    return {record.topic_name: record for record in records}
