"""Sending inputs to a real Kafka and reading what came out, bounded in time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import Producer

from stockfold.contracts import codec, envelope
from stockfold.contracts.topics import INPUT_OF, Topic
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

DEADLINE_S = 40.0


class Sender:
    """Sends events of one source; every send is acknowledged before it returns."""

    def __init__(self, settings: Settings, source: str = "/test/erp") -> None:
        self._prefix = settings.environment.prefix
        self._source = source
        self._sent = 0
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
            }
        )

    def event(
        self,
        kind: str,
        *,
        event_id: str | None = None,
        occurred_us: int | None = None,
        flush: bool = True,
        **body: Any,
    ) -> str:
        """Send an event of the vocabulary; its id."""
        name = f"stockfold.{kind}"
        self._sent += 1
        event_id = event_id or f"e-{self._sent}"
        at_us = SYSTEM_CLOCK.now_us() if occurred_us is None else occurred_us
        headers = envelope.build(envelope.Envelope(event_id, self._source, name, at_us))
        self.raw(INPUT_OF[name], body["sku"].encode(), codec.encode(name, body), headers, flush)
        return event_id

    def raw(
        self,
        topic: Topic,
        key: bytes | None,
        value: bytes | None,
        headers: list[tuple[str, bytes]] | None = None,
        flush: bool = True,
    ) -> None:
        """Send bytes as they are."""
        self._producer.produce(
            topic.full_name(self._prefix), value, key, headers=list(headers or [])
        )
        if flush:
            assert self._producer.flush(20) == 0
            time.sleep(0.002)  # The next event gets a later millisecond of the broker's clock.

    def flush(self) -> None:
        assert self._producer.flush(20) == 0


class Read(NamedTuple):
    """A decoded record with its place."""

    name: str
    record: dict[str, Any]
    partition: int
    offset: int
    key: bytes | None


def committed(settings: Settings, topic: Topic) -> list[Read]:
    """Every committed record of a topic, by partition and offset."""
    reader = PartitionReader(settings)
    count = partitions_of(settings, topic)
    found = []
    for partition in range(count):
        for batch in reader.read(topic, partition):
            for message in batch:
                schema, record = codec.decode(message.value())
                found.append(
                    Read(
                        schema.name.removeprefix("stockfold."),
                        record,
                        partition,
                        message.offset(),
                        message.key(),
                    )
                )
    return found


def wait_for(what: str, ready: Callable[[], Any], deadline_s: float = DEADLINE_S) -> Any:
    """Poll until ``ready`` returns something true; AssertionError at the deadline."""
    deadline = time.monotonic() + deadline_s
    while True:
        found = ready()
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {deadline_s:.0f} s for {what}"
        time.sleep(0.1)


def wait_for_records(settings: Settings, topic: Topic, count: int) -> list[Read]:
    """The records of a topic once there are at least ``count``."""

    def enough() -> list[Read] | None:
        found = committed(settings, topic)
        return found if len(found) >= count else None

    records: list[Read] = wait_for(f"{count} records of {topic.name}", enough)
    return records
