"""How long every topic is and how far each service has read, sampled from Kafka every few seconds.

Bounded: ten minutes of samples. While Kafka is away the last sample stays, with its age.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from stockfold.contracts.topics import TOPICS
from stockfold.contracts.topology import TRANSACTIONAL
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

EVERY_S = 5.0
SAMPLES_MAX = 120
ANSWER_S_MAX = 10.0


class Sample(NamedTuple):
    """What was seen at one moment. Topics are named as declared, without the prefix."""

    at_s: float
    ends: Mapping[str, int]
    behind: Mapping[str, Mapping[str, int]]
    """Records not read yet, by group (without prefix and "stockfold.") and topic."""


class Queues:
    """Follows lengths and readers. Nothing is connected before ``start``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._task: asyncio.Task[None] | None = None
        self.samples: deque[Sample] = deque(maxlen=SAMPLES_MAX)

    def start(self) -> None:
        """Look every few seconds, until ``close``."""
        self._task = asyncio.create_task(self._follow())

    async def close(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    @property
    def now(self) -> Sample | None:
        """The last sample; None before the first."""
        return self.samples[-1] if self.samples else None

    def rates(self, topics: set[str]) -> list[float]:
        """Records a second that came to these topics, between one sample and the next."""
        found = []
        samples = list(self.samples)
        for before, after in pairwise(samples):
            came = sum(after.ends.get(name, 0) - before.ends.get(name, 0) for name in topics)
            found.append(max(came, 0) / max(after.at_s - before.at_s, 1e-3))
        return found

    async def _follow(self) -> None:
        admin: AdminClient | None = None
        while True:
            try:
                if admin is None:
                    admin = AdminClient({**confluent_config(self._settings), "log_level": 0})
                self.samples.append(await asyncio.to_thread(look, self._settings, admin))
            except (KafkaException, StockfoldError) as error:
                log.warning("the lengths of the topics were not seen: %s", error)
            await asyncio.sleep(EVERY_S)


def look(settings: Settings, admin: AdminClient) -> Sample:
    """One sample. KafkaException when the broker does not answer."""
    prefix = settings.prefix
    known = {topic.full_name(prefix): topic.name for topic in TOPICS}
    there = admin.list_topics(timeout=ANSWER_S_MAX).topics
    places = [
        TopicPartition(name, number)
        for name in known.keys() & there.keys()
        for number in there[name].partitions
    ]
    asked = admin.list_offsets(
        {place: OffsetSpec.latest() for place in places}, request_timeout=ANSWER_S_MAX
    )
    last = {(p.topic, p.partition): future.result().offset for p, future in asked.items()}
    ends: dict[str, int] = {}
    for (name, _), offset in last.items():
        ends[known[name]] = ends.get(known[name], 0) + offset
    return Sample(time.monotonic(), ends, _behind(settings, admin, last, known))


def _behind(
    settings: Settings,
    admin: AdminClient,
    last: Mapping[tuple[str, int], int],
    known: Mapping[str, str],
) -> dict[str, dict[str, int]]:
    head = group_id(settings, "")
    listed = admin.list_consumer_groups(request_timeout=ANSWER_S_MAX).result()
    groups = [group.group_id for group in listed.valid if group.group_id.startswith(head)]
    asked: list[tuple[str, Any]] = []
    for name in groups:
        wanted = [ConsumerGroupTopicPartitions(name)]
        futures = admin.list_consumer_group_offsets(wanted, request_timeout=ANSWER_S_MAX)
        asked += [(name, future) for future in futures.values()]
    found: dict[str, dict[str, int]] = {}
    for name, future in asked:
        topics = found.setdefault(name.removeprefix(head), {})
        for place in future.result().topic_partitions:
            end = last.get((place.topic, place.partition))
            if end is None or place.offset < 0:
                continue
            topic = known[place.topic]
            topics[topic] = topics.get(topic, 0) + _left(end, place.offset, topic)
    return {name: topics for name, topics in found.items() if topics}


def _left(end: int, committed: int, topic: str) -> int:
    """Records from ``committed`` to ``end``: a transaction's marker is the last of its topic."""
    return max(end - committed - (1 if topic in TRANSACTIONAL else 0), 0)
