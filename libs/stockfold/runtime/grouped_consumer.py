"""A consumer that is a member by librdkafka, and reads by aiokafka's compiled parser.

librdkafka makes an object of a record, and another of each header, one by one, and asks for all of
its partitions in each request (record 46).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec
from confluent_kafka import Consumer, KafkaError, TopicPartition

from stockfold.runtime.fetch_requests import Place
from stockfold.runtime.fetcher import Fetcher
from stockfold.runtime.kafka import aiokafka_options
from stockfold.runtime.records import Headers


class _Parsed(Protocol):
    """aiokafka's DefaultRecord."""

    offset: int
    timestamp_type: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Came(msgspec.Struct, gc=False):
    """See ``Record``."""

    _topic: str
    _partition: int
    inner: _Parsed

    def topic(self) -> str:
        """See ``Record.topic``."""
        return self._topic

    def partition(self) -> int:
        """See ``Record.partition``."""
        return self._partition

    def offset(self) -> int:
        """See ``Record.offset``."""
        return self.inner.offset

    def timestamp(self) -> tuple[int, int]:
        """See ``Record.timestamp``."""
        inner = self.inner
        return inner.timestamp_type + 1, inner.timestamp

    def key(self) -> bytes | None:
        """See ``Record.key``."""
        return self.inner.key

    def value(self) -> bytes | None:
        """See ``Record.value``."""
        return self.inner.value

    def headers(self) -> Headers | None:
        """See ``Record.headers``."""
        return self.inner.headers

    def error(self) -> None:
        """See ``Fetched.error``."""


class Ended(msgspec.Struct, frozen=True):
    """The end of a partition; see ``Fetched``."""

    place: Place
    at: int

    def topic(self) -> str:
        """See ``Fetched.topic``."""
        return self.place[0]

    def partition(self) -> int:
        """See ``Fetched.partition``."""
        return self.place[1]

    def offset(self) -> int:
        """See ``Fetched.offset``."""
        return self.at

    def error(self) -> KafkaError:
        """See ``Fetched.error``."""
        return KafkaError(KafkaError._PARTITION_EOF)  # noqa: SLF001  (its public name)


class GroupedConsumer:
    """See ``LogConsumer``: a member of a group that reads committed records and tells ends.

    ``config`` has librdkafka's names. SettingsError for a security option that aiokafka has no
    counterpart of. Not for several threads.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        options = aiokafka_options(config)
        self._member = Consumer({**config, "enable.partition.eof": False})
        wait_ms, bytes_min = config.get("fetch.wait.max.ms", 500), config.get("fetch.min.bytes", 1)
        self._fetcher = Fetcher(options, int(wait_ms), int(bytes_min))

    def subscribe(
        self,
        topics: list[str],
        on_assign: Callable[[Any, list[TopicPartition]], None] | None = None,
        on_revoke: Callable[[Any, list[TopicPartition]], None] | None = None,
    ) -> None:
        """See ``LogConsumer.subscribe``."""
        told: dict[str, Any] = {}
        if on_assign is not None:
            told["on_assign"] = lambda _, places: on_assign(self, places)
        if on_revoke is not None:
            told["on_revoke"] = lambda _, places: on_revoke(self, places)
        self._member.subscribe(topics, **told)

    def assign(self, partitions: list[TopicPartition]) -> None:
        """See ``LogConsumer.assign``. The member holds them and fetches nothing."""
        self._member.assign(partitions)
        self._member.pause(partitions)
        self._fetcher.assign({(p.topic, p.partition): p.offset for p in partitions})

    def unassign(self) -> None:
        """See ``LogConsumer.unassign``."""
        self._fetcher.assign({})
        self._member.unassign()

    def consume(self, num_messages: int = 1, timeout: float = -1) -> Sequence[Any]:
        """See ``LogConsumer.consume``."""
        told = self._member.poll(0)  # Callbacks are called from within.
        if told is not None and told.error() is not None:
            return [told]
        found = self._taken(num_messages)
        self._fetcher.turn(0 if found else timeout)
        if len(found) < num_messages:
            found += self._taken(num_messages - len(found))
        return found

    def _taken(self, most: int) -> list[Any]:
        found: list[Any] = []
        for place, records, end in self._fetcher.take(most):
            if end >= 0:
                found.append(Ended(place, end))
                continue
            topic, partition = place
            found += [Came(topic, partition, record) for record in records]
        return found

    def committed(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        """See ``LogConsumer.committed``."""
        return self._member.committed(partitions, timeout)

    def pause(self, partitions: list[TopicPartition]) -> None:
        """See ``LogConsumer.pause``."""
        self._fetcher.pause([(p.topic, p.partition) for p in partitions], paused=True)

    def resume(self, partitions: list[TopicPartition]) -> None:
        """See ``LogConsumer.resume``."""
        self._fetcher.pause([(p.topic, p.partition) for p in partitions], paused=False)

    def consumer_group_metadata(self) -> object:
        """See ``LogConsumer.consumer_group_metadata``."""
        return self._member.consumer_group_metadata()

    def close(self) -> None:
        """See ``LogConsumer.close``."""
        self._member.close()
        self._fetcher.close()
