"""A reader of committed data that never looks away, and remembers everything it was shown."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from stockfold.contracts.codec import decode, schema_of
from stockfold.contracts.topics import (
    AVAILABILITY,
    DELIVERIES,
    EXCEPTIONS,
    INPUTS,
    JOURNAL,
    POSITIONS,
    RESERVATION_STATUS,
    Topic,
)
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from tests.faults.workload import PARTITIONS

if TYPE_CHECKING:
    from tests.faults.site import Site

OUTPUTS: tuple[Topic, ...] = (
    JOURNAL,
    POSITIONS,
    RESERVATION_STATUS,
    EXCEPTIONS,
    AVAILABILITY,
    DELIVERIES,
)
Place = tuple[str, int, int]
At = tuple[str, int]
"""(topic, partition)."""
PASSING = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._RESOLVE,
    KafkaError._TIMED_OUT,
    KafkaError._PARTITION_EOF,
}


def fingerprint(message: Message) -> bytes:
    """What a record says, in 16 bytes."""
    mark = hashlib.blake2b(digest_size=16)
    for part in (message.key(), message.value()):
        mark.update(b"-" if part is None else b"+" + len(part).to_bytes(4, "big") + part)
    return mark.digest()


def consumer_of(settings: Settings, topics: Sequence[Topic] = OUTPUTS) -> Consumer:
    """A consumer of topics from their beginning, committed records only."""
    consumer = Consumer(
        {
            **confluent_config(settings),
            "group.id": f"{settings.prefix}faults.reader",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 50,
            "reconnect.backoff.max.ms": 500,
            "log_level": 2,
        }
    )
    names = [topic.full_name(settings.prefix) for topic in topics]
    consumer.assign([TopicPartition(name, p, 0) for name in names for p in range(PARTITIONS)])
    return consumer


class Observer:
    """Reads on a thread. ``seen`` is everything it was ever shown, ``covered`` the newest marks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="observer", daemon=True)
        self.seen: dict[Place, bytes] = {}
        self.twice: list[Place] = []
        self.errors: list[str] = []
        self.covered: dict[tuple[str, int], int] = {}
        """(input topic, partition) → how far the ledger's committed marks say it has read."""
        self.availability: dict[str, tuple[int, int]] = {}
        """SKU → (version, quantity) last told to the channel."""
        self.moved_s: dict[str, float] = dict.fromkeys((t.name for t in OUTPUTS), 0.0)
        """Topic → monotonic seconds of its newest record."""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(15)

    def _run(self) -> None:
        consumer = consumer_of(self._settings)
        try:
            while not self._stop.is_set():
                for message in consumer.consume(500, timeout=0.1):
                    self._take(message)
        except Exception as error:  # noqa: BLE001 - it is a finding of the scenario
            self.errors.append(repr(error))
        finally:
            consumer.close()

    def _take(self, message: Message) -> None:
        error = message.error()
        if error is not None:
            if error.code() not in PASSING:
                self.errors.append(str(error))
            return
        topic = message.topic().removeprefix(self._settings.prefix)
        place = (topic, message.partition(), message.offset())
        if place in self.seen:
            self.twice.append(place)
        self.seen[place] = fingerprint(message)
        self.moved_s[topic] = time.monotonic()
        if topic == JOURNAL.name and schema_of(message.value()).name == "stockfold.InputsRead":
            for row in decode(message.value())[1]["inputs"]:
                self.covered[row["topic"], message.partition()] = row["next_offset"]
        elif topic == AVAILABILITY.name:
            record = decode(message.value())[1]
            self.availability[record["sku"]] = (record["version"], record["quantity"])

    def covers(self, ends: dict[tuple[str, int], int]) -> bool:
        """Whether the ledger has committed everything up to these ends."""
        return all(self.covered.get(place, 0) >= end for place, end in ends.items())


def lost_by_the_broker(site: Site) -> list[str]:
    """Places that now end before what they had acknowledged or shown, as the broker tells it.

    Asked at once after its start, before anybody writes anew.
    """
    prefix, had = site.settings.prefix, dict(site.feeder.ends)
    for topic, partition, offset in list(site.observer.seen):
        had[topic, partition] = max(had.get((topic, partition), 0), offset + 1)
    places = {at: TopicPartition(prefix + at[0], at[1]) for at in had}
    ends = _ends(site.settings, places)
    return [
        f"{topic} partition {partition} ended at {end} and ends at {ends[topic, partition]}"
        for (topic, partition), end in had.items()
        if ends.get((topic, partition), end) < end
    ]


def _ends(settings: Settings, places: dict[At, TopicPartition]) -> dict[At, int]:
    """High watermarks; none for a place of which a broker that has just started does not know."""
    deadline = time.monotonic() + 10
    ends: dict[At, int | None] = dict.fromkeys(places)
    while None in ends.values() and time.monotonic() < deadline:
        open_places = [at for at, end in ends.items() if end is None]
        told = AdminClient(confluent_config(settings)).list_offsets(
            {places[at]: OffsetSpec.latest() for at in open_places}
        )
        for at in open_places:
            with suppress(KafkaException, TimeoutError):
                ends[at] = told[places[at]].result(timeout=2).offset
    return {at: end for at, end in ends.items() if end is not None}


def inputs_kept(settings: Settings) -> Iterator[tuple[Place, str]]:
    """(place, event id; empty without one) of every input that the broker has."""
    for message in final_log(settings, INPUTS):
        topic = message.topic().removeprefix(settings.prefix)
        event_id = dict(message.headers() or ()).get("ce_id") or b""
        yield (topic, message.partition(), message.offset()), event_id.decode("utf-8", "replace")


def final_log(settings: Settings, topics: Sequence[Topic] = OUTPUTS) -> Iterator[Message]:
    """Every committed record of the topics, read anew to their ends."""
    consumer = consumer_of(settings, topics)
    try:
        left = {(t.full_name(settings.prefix), p) for t in topics for p in range(PARTITIONS)}
        deadline = time.monotonic() + 60
        while left:
            assert time.monotonic() < deadline, f"the log could not be read to its end: {left}"
            for message in consumer.consume(2_000, timeout=0.2):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:
                    left.discard((message.topic(), message.partition()))
    finally:
        consumer.close()
