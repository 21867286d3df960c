"""Reading what orders tell, and telling them something."""

from __future__ import annotations

import uuid

from stockfold.contracts import envelope
from stockfold.contracts.codec import Record, decode, encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ORDERS, Topic
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

SOURCE = "stockfold/command-line"
CONSOLE = "stockfold/console"


def latest(settings: Settings, topic: Topic, key: str = "") -> dict[str, Record]:
    """The latest record of each key of a topic, or of one key. UnavailableError."""
    found: dict[str, Record] = {}
    count = partitions_of(settings, topic)
    numbers = [partition_of(key.encode(), count)] if key else range(count)
    with kafka_errors(
        f"{topic.name} was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then run it again.",
    ):
        reader = PartitionReader(settings)
        for number in numbers:
            end = reader.settled_end(topic, number)
            for batch in reader.read(topic, number, None, end):
                for record in batch:
                    name = (record.key() or b"").decode("utf-8", "replace")
                    if key in ("", name):
                        found[name] = decode(record.value())[1]
    return found


def tell(
    settings: Settings,
    schema: str,
    body: Record,
    what: str,
    *,
    topic: Topic = ORDERS,
    source: str = SOURCE,
) -> None:
    """Send an event about an order. UnavailableError says that ``what`` was not acknowledged."""
    key = f"{body['channel']}|{body['order']}"
    at_us = body["occurred_at"] if "occurred_at" in body else body["shipped_at"]
    told = envelope.Envelope(str(uuid.uuid4()), source, schema, at_us)
    send_one(
        settings,
        topic,
        key,
        encode(schema, body),
        what=what,
        remedy="Check the broker, then run it again.",
        partition=partition_of(key.encode(), partitions_of(settings, topic)),
        headers=envelope.build(told),
    )
