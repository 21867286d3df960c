"""Following a small compacted topic whole: read to its end once, then what comes, by polling.

For data that every process needs all of: policies, reference data. The consumer stands outside of
any group's assignment, and nothing is committed: after a restart the topic is read whole again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import cast

from confluent_kafka import OFFSET_BEGINNING, KafkaException, TopicPartition

from stockfold.contracts.topics import Topic
from stockfold.runtime.clients import CONFLUENT, Clients, LogConsumer
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

RECORDS_PER_POLL_MAX = 500


class TopicFollower:
    """Follows the only partition of a topic. Not for several threads."""

    def __init__(
        self, settings: Settings, topic: Topic, group: str, clients: Clients = CONFLUENT
    ) -> None:
        self._clients = clients
        self._settings = settings
        self._topic = topic
        self._group = group
        self._consumer: LogConsumer | None = None
        self._next_offset = OFFSET_BEGINNING

    def read_whole(self, reader: PartitionReader) -> Iterator[Sequence[Record]]:
        """Every record to the topic's end, in batches; polling then goes on behind it."""
        self.close()
        self._next_offset = OFFSET_BEGINNING
        for batch in reader.read(self._topic, 0):
            self._next_offset = batch[-1].offset() + 1
            yield batch

    def poll(self) -> Sequence[Record]:
        """What has come since, at once, at most 500 records. KafkaException when unreadable."""
        if self._consumer is None:
            self._consumer = self._open()
        records: list[Record] = []
        for message in self._consumer.consume(RECORDS_PER_POLL_MAX, timeout=0):
            error = message.error()
            if error is None:
                records.append(cast("Record", message))
            elif error.fatal() or not error.retriable():
                self.close()
                raise KafkaException(error)
            else:
                log.warning("%s: %s", self._topic.name, error)
        if records:
            self._next_offset = records[-1].offset() + 1
        return records

    def _open(self) -> LogConsumer:
        consumer = self._clients.consumer(
            {
                **confluent_config(self._settings),
                "group.id": group_id(self._settings, self._group),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # Of a compacted topic that is read whole, the beginning is always right.
                "auto.offset.reset": "earliest",
            }
        )
        name = self._topic.full_name(self._settings.environment.prefix)
        consumer.assign([TopicPartition(name, 0, self._next_offset)])
        return consumer

    def close(self) -> None:
        """Let go of the consumer; the next poll opens another where this one stopped."""
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
