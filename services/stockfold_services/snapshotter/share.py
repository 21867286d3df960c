"""Which partitions of the journal this instance looks after: those that its group assigns to it.

The group only shares them out; nothing is read through it. Two instances that hold the same
partition for a moment write the same snapshot, so nothing depends on it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from confluent_kafka import OFFSET_END, Consumer, KafkaException, TopicPartition

from stockfold.contracts.topics import Topic
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings

SESSION_TIMEOUT_MS = 30_000
ROUND_MS_MAX = 86_400_000
"""How long the first fold of a long journal may keep us from asking (librdkafka's greatest)."""


class Share:
    """A member of the snapshotters' ``group`` of a journal."""

    def __init__(self, settings: Settings, journal: Topic, group: str) -> None:
        self._assigned: set[int] = set()
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": group_id(settings, group),
                "group.instance.id": settings.snapshots.instance,
                "partition.assignment.strategy": "range",
                "session.timeout.ms": SESSION_TIMEOUT_MS,
                "max.poll.interval.ms": ROUND_MS_MAX,
                "enable.auto.commit": False,
                "auto.offset.reset": "latest",
            }
        )
        topic = journal.full_name(settings.environment.prefix)
        self._consumer.subscribe([topic], on_assign=self._assign, on_revoke=self._revoke)

    def partitions(self, wait_s: float) -> list[int]:
        """The partitions that are ours, after waiting so many seconds for news of them."""
        message = self._consumer.poll(wait_s)
        error = message.error() if message is not None else None
        if error is not None and (error.fatal() or not error.retriable()):
            raise KafkaException(error)
        return sorted(self._assigned)

    def _assign(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            place.offset = OFFSET_END
        consumer.assign(places)
        consumer.pause(places)
        self._assigned = {place.partition for place in places}

    def _revoke(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        del places
        self._assigned = set()
        consumer.unassign()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._consumer.close()
