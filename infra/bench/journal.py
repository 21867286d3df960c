"""When what was decided becomes visible: topics, read as they are committed.

A journal record and the positions of its batch become visible by one commit, so it tells when a
position is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import NamedTuple

from confluent_kafka import Consumer, TopicPartition

from stockfold.contracts.journal import decode_entry
from stockfold.contracts.topics import JOURNAL, Topic
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Fact
from stockfold.runtime.kafka import confluent_config, partitions_of
from stockfold.runtime.settings import Settings

SILENT_S_MAX = 120.0


class Seen(NamedTuple):
    """One journal record: when it was visible, and when it was handed to the producer. Seconds."""

    at_s: float
    produced_s: float
    value: bytes


class CommittedReader:
    """Reads a topic in a thread. Decoded when it is asked for, so that reading takes no time.

    Times are those of the wall clock, as records have them.
    """

    def __init__(self, settings: Settings, topic: Topic) -> None:
        self.seen: list[Seen] = []
        self.heard = threading.Event()
        """Whether anything was seen."""
        self._told = 0
        self._end = threading.Event()
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": "bench.committed",
                "isolation.level": "read_committed",
                "fetch.queue.backoff.ms": 1,
                "auto.offset.reset": "earliest",
            }
        )
        name, partitions = topic.full_name(settings.prefix), partitions_of(settings, topic)
        self._consumer.assign([TopicPartition(name, number, 0) for number in range(partitions)])
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._end.is_set():
            messages = self._consumer.consume(1, timeout=0.1)
            if messages:
                messages += self._consumer.consume(10_000, timeout=0)
                self.heard.set()
            now_s = time.time()
            for message in messages:
                if message.error() is None:
                    self.seen.append(
                        Seen(now_s, message.timestamp()[1] / 1_000, message.value() or b"")
                    )

    def news(self) -> list[Seen]:
        """What was seen since this was asked last."""
        found = self.seen[self._told :]
        self._told += len(found)
        return found

    def close(self) -> None:
        """End."""
        self._end.set()
        self._thread.join()
        self._consumer.close()


class JournalReader(CommittedReader):
    """Reads the journal: when the first fact of each event was visible."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, JOURNAL)
        self._first_s: dict[str, float] = {}

    def first_seen_s(self) -> dict[str, float]:
        """When the first fact of each event was visible, by the event's id."""
        for seen in self.news():
            entry = decode_entry(seen.value)
            if isinstance(entry, Fact):
                self._first_s.setdefault(entry.cause.event_id, seen.at_s)
        return self._first_s

    def wait_for(self, ids: Collection[str]) -> dict[str, float]:
        """``first_seen_s`` once it has all of these. UnavailableError when the ledger is silent."""
        known, heard_s = len(self.seen), time.monotonic()
        while missing := len(set(ids) - self.first_seen_s().keys()):
            if len(self.seen) > known:
                known, heard_s = len(self.seen), time.monotonic()
            if time.monotonic() - heard_s > SILENT_S_MAX:
                raise UnavailableError(
                    f"{missing} events have no fact", remedy="Read the ledger's log above."
                )
            time.sleep(0.1)
        return self._first_s
