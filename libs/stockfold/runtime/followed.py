"""A small compacted topic followed in a thread, for services on asyncio."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from typing import Self

from confluent_kafka import KafkaException

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

LOOK_S = 0.25
RETRY_S = 2.0
STOP_S_MAX = 2.0


class FollowedTopic:
    """Gives every record of the topic to ``apply``, then those that come; an asynchronous context.

    ``apply`` is called in the thread, must not raise, and may see records again when reading failed
    on its way. ``known`` is set once the topic was read to its end.
    """

    def __init__(
        self, settings: Settings, topic: Topic, group: str, apply: Callable[[Record], None]
    ) -> None:
        self._settings = settings
        self._topic = topic
        self._apply = apply
        self._follower = TopicFollower(settings, topic, group)
        self._stop = threading.Event()
        self.known = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        # A thread of its own that may be left behind: without Kafka it hangs for long in one call.
        self._thread = threading.Thread(target=self._follow, name=self._topic.name, daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        await asyncio.to_thread(self._thread.join, STOP_S_MAX)

    def _follow(self) -> None:
        try:
            while not self._stop.is_set():
                self._stop.wait(self._look())
        finally:
            # Nobody goes by what is followed no more.
            self._say(self.known.clear)
            self._follower.close()

    def _look(self) -> float:
        """Take what has come; the seconds until the next look."""
        try:
            if not self.known.is_set():
                for batch in self._follower.read_whole(PartitionReader(self._settings)):
                    for record in batch:
                        self._apply(record)
                self._say(self.known.set)
            for record in self._follower.poll():
                self._apply(record)
        except (StockfoldError, KafkaException) as error:
            log.warning("%s was not read: %s", self._topic.name, error)
            return RETRY_S
        return LOOK_S

    def _say(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended, and with it whoever waited.
            self._loop.call_soon_threadsafe(what)
