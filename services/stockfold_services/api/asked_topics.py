"""Small topics that answers go by: read whole at the first question, polled at later ones.

While Kafka is away, what was known stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaException

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """A topic, the consumer group that it is polled as, and what takes its records."""

    topic: Topic
    group: str
    take: Callable[[Iterable[Record]], None]


class AskedTopics:
    """Hands on records of topics. Nothing is connected before the first look.

    ``forget`` is called before they are read whole, which may be cut off and begun anew. ``unread``
    says what is missing when that never came to its end, ``remedy`` what to do about it.
    """

    def __init__(
        self,
        settings: Settings,
        asked: Sequence[Asked],
        forget: Callable[[], None],
        *,
        unread: str,
        remedy: str = "Ask again when the broker is there.",
        s_max: float = 5.0,
    ) -> None:
        self._settings = settings
        self._followed = [
            (TopicFollower(settings, topic, group), take) for topic, group, take in asked
        ]
        self._forget = forget
        self._unread = unread
        self._remedy = remedy
        self._s_max = s_max
        self._whole = False
        self._reading = asyncio.Lock()

    async def look(self) -> None:
        """Take what there is. UnavailableError when Kafka never answered."""
        async with self._reading:
            try:
                await asyncio.wait_for(asyncio.to_thread(self._read), self._s_max)
            except (KafkaException, SettingsError, UnavailableError, TimeoutError) as error:
                if not self._whole:
                    raise UnavailableError(
                        self._unread,
                        where=f"Kafka at {self._settings.kafka.bootstrap}",
                        remedy=self._remedy,
                    ) from error
                log.warning("%s, and stands as it was known before: %s", self._unread, error)

    def close(self) -> None:
        """Let go of the consumers."""
        for follower, _ in self._followed:
            follower.close()

    def _read(self) -> None:
        if self._whole:
            for follower, take in self._followed:
                while records := follower.poll():
                    take(records)
            return
        self._forget()
        reader = PartitionReader(self._settings)
        for follower, take in self._followed:
            for batch in follower.read_whole(reader):
                take(batch)
        self._whole = True
