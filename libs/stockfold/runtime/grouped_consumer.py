"""A consumer that is a member by librdkafka, and reads by aiokafka's compiled parser.

librdkafka makes an object of a record, and another of each header, one by one, and asks for all of
its partitions in each request (record 46).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stockfold.runtime.fetcher import Fetcher
from stockfold.runtime.kafka import aiokafka_options
from stockfold.runtime.records import LoopRecord, Run


class GroupedConsumer:
    """See ``LogMember``: a member of a group that reads committed records and tells ends.

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
        """See ``LogMember.subscribe``."""
        told: dict[str, Any] = {}
        if on_assign is not None:
            told["on_assign"] = lambda _, places: on_assign(self, places)
        if on_revoke is not None:
            told["on_revoke"] = lambda _, places: on_revoke(self, places)
        self._member.subscribe(topics, **told)

    def assign(self, partitions: list[TopicPartition]) -> None:
        """See ``LogMember.assign``. The member holds them and fetches nothing."""
        self._member.assign(partitions)
        self._member.pause(partitions)
        self._fetcher.assign({(p.topic, p.partition): p.offset for p in partitions})

    def unassign(self) -> None:
        """See ``LogMember.unassign``."""
        self._fetcher.assign({})
        self._member.unassign()

    def take(self, records_max: int, wait_s: float) -> list[Run]:
        """See ``LogMember.take``."""
        told = self._member.poll(0)  # Callbacks are called from within.
        if told is not None and told.error() is not None:
            raise KafkaException(told.error())
        found = self._taken(records_max)
        self._fetcher.turn(0 if found else wait_s)
        left = records_max - sum(len(run.records) for run in found)
        return found + self._taken(left) if left > 0 else found

    def _taken(self, most: int) -> list[Run]:
        found = []
        for (topic, partition), records, end in self._fetcher.take(most):
            stamp_type = records[0].timestamp_type + 1 if records else 0
            run = [
                LoopRecord(
                    topic, partition, r.offset, r.timestamp, r.key, r.value, r.headers, stamp_type
                )
                for r in records
            ]
            if run or end >= 0:
                found.append(Run(topic, partition, run, end))
        return found

    def committed(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        """See ``LogMember.committed``."""
        return self._member.committed(partitions, timeout)

    def pause(self, partitions: list[TopicPartition]) -> None:
        """See ``LogMember.pause``."""
        self._fetcher.pause([(p.topic, p.partition) for p in partitions], paused=True)

    def resume(self, partitions: list[TopicPartition]) -> None:
        """See ``LogMember.resume``."""
        self._fetcher.pause([(p.topic, p.partition) for p in partitions], paused=False)

    def consumer_group_metadata(self) -> object:
        """See ``LogMember.consumer_group_metadata``."""
        return self._member.consumer_group_metadata()

    def close(self) -> None:
        """See ``LogMember.close``."""
        self._member.close()
        self._fetcher.close()
