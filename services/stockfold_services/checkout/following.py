"""Following what the ledger decides: read_committed, every partition, outside of any group.

Two threads of their own that may be left behind: without Kafka they hang for long in one call. One
reads, one asks now and then where the topics end, so that it is known how fresh the book is.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple, Self, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from stockfold.contracts.topics import EXCEPTIONS, RESERVATION_STATUS, RESERVATIONS, Topic
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold_services.checkout import reading
from stockfold_services.checkout.book import Asked, Book, Told

log = logging.getLogger(__name__)

TOPICS = (RESERVATION_STATUS, EXCEPTIONS, RESERVATIONS)
RECORDS_PER_POLL_MAX = 1_000
POLL_S = 0.1
PROBE_S = 1.0
RETRY_S = 1.0
STOP_S_MAX = 2.0
_READ: dict[str, Callable[[Record], Told | Asked | None]] = {
    RESERVATION_STATUS.name: reading.status,
    EXCEPTIONS.name: reading.exception,
    RESERVATIONS.name: reading.asked,
}
Place = tuple[str, int]


class _Probe(NamedTuple):
    """Where the topics ended when they were asked."""

    asked_us: int
    ends: dict[Place, int]


class Following:
    """Fills a book; an asynchronous context."""

    def __init__(self, settings: Settings, book: Book) -> None:
        self._settings = settings
        self._book = book
        prefix = settings.prefix
        self._names = {topic.full_name(prefix): topic for topic in TOPICS}
        self._partitions = range(settings.kafka.sku_partitions)
        self._next: dict[Place, int] = {}
        self._probe: _Probe | None = None
        self._stop = threading.Event()
        self._caught_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._threads = [
            threading.Thread(target=self._repeat, args=(work,), name=name, daemon=True)
            for name, work in (("decisions", self._follow), ("freshness", self._ask_ends))
        ]
        for thread in self._threads:
            thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join, STOP_S_MAX)

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was decided before this process started was read."""
        return self._caught_up.is_set()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                work()
            except (StockfoldError, KafkaException) as error:
                log.warning("the ledger's decisions are not followed now: %s", error)
                self._stop.wait(RETRY_S)

    # --- reading ------------------------------------------------------------------------------

    def _follow(self) -> None:
        if not self._next:
            self._next = self._starts()
        consumer = Consumer(
            {
                **confluent_config(self._settings),
                "group.id": group_id(self._settings, "checkout"),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": 250,
                "reconnect.backoff.max.ms": 500,
            }
        )
        try:
            consumer.assign([TopicPartition(*at, offset) for at, offset in self._next.items()])
            while not self._stop.is_set():
                self._take(consumer.consume(1, POLL_S))
                self._take(consumer.consume(RECORDS_PER_POLL_MAX, 0))
                self._compare()
        finally:
            consumer.close()

    def _starts(self) -> dict[Place, int]:
        """Where to begin: as far back as a reservation may still be open."""
        since_us = SYSTEM_CLOCK.now_us() - self._settings.checkout.history_s * SECOND_US
        reader = PartitionReader(self._settings)
        return {
            (name, number): reader.first_at(topic, number, since_us // 1000)
            for name, topic in self._names.items()
            for number in self._partitions
        }

    def _take(self, messages: list[Message]) -> None:
        found: list[Told | Asked] = []
        decided_us: dict[int, int] = {}
        for message in messages:
            error = message.error()
            if error is not None:
                self._met(message, error)
                continue
            record = cast("Record", message)
            entry = self._read(self._names[record.topic()], record)
            self._next[record.topic(), record.partition()] = record.offset() + 1
            if entry is None:
                continue
            found.append(entry)
            if isinstance(entry, Told):
                decided_us[entry.partition] = entry.recorded_us
        if found:
            self._say(self._fill, found, decided_us)

    def _met(self, message: Message, error: KafkaError) -> None:
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  (its public name)
            # Control records have offsets too, and are not seen.
            place = (message.topic() or "", message.partition() or 0)
            self._next[place] = max(self._next[place], message.offset() or 0)
        elif error.fatal() or not error.retriable():
            raise KafkaException(error)
        else:
            log.debug("kafka: %s", error)

    @staticmethod
    def _read(topic: Topic, record: Record) -> Told | Asked | None:
        try:
            return _READ[topic.name](record)
        except ContractError as error:
            log.error(  # noqa: TRY400  (the sentence says it all; there is no defect to trace)
                "%s/%d, offset %d: %s", topic.name, record.partition(), record.offset(), error
            )
            return None

    def _fill(self, found: list[Told | Asked], decided_us: dict[int, int]) -> None:
        """In the event loop: hand over what was read."""
        book = self._book
        for entry in found:
            if isinstance(entry, Told):
                book.take(entry)
            else:
                book.note(entry)
        self._complete(decided_us)

    # --- how fresh it is ----------------------------------------------------------------------

    def _ask_ends(self) -> None:
        reader = PartitionReader(self._settings)
        while not self._stop.wait(PROBE_S if self._probe is None else PROBE_S / 2):
            asked_us = SYSTEM_CLOCK.now_us()
            ends = dict(self._ends(reader))
            if self._probe is None:
                self._probe = _Probe(asked_us, ends)

    def _ends(self, reader: PartitionReader) -> Iterator[tuple[Place, int]]:
        for name, topic in self._names.items():
            for number, end in reader.committed_ends(topic, self._partitions).items():
                yield (name, number), end

    def _compare(self) -> None:
        """See whether all that was there when it was last asked has been read."""
        probe = self._probe
        if probe is None or any(self._next[place] < end for place, end in probe.ends.items()):
            return
        self._probe = None
        self._say(self._complete, dict.fromkeys(self._partitions, probe.asked_us))
        self._say(self._caught_up.set)

    def _complete(self, until_us: dict[int, int]) -> None:
        complete = self._book.complete_us
        for partition, us in until_us.items():
            complete[partition] = max(complete.get(partition, 0), us)

    def _say(self, what: Callable[..., None], *about: object) -> None:
        with contextlib.suppress(RuntimeError):  # The loop has ended, and with it whoever waited.
            self._loop.call_soon_threadsafe(what, *about)
