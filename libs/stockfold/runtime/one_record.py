"""A record or a few to a topic, acknowledged before anything else happens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from confluent_kafka import KafkaError, Message, Producer

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import OUTPUT_BYTES_MAX, confluent_config
from stockfold.runtime.settings import Settings

ACKNOWLEDGED_S_MAX = 20.0


def send_one(
    settings: Settings,
    topic: Topic,
    key: str,
    value: bytes,
    *,
    what: str,
    remedy: str,
    partition: int = 0,
    headers: Sequence[tuple[str, bytes]] = (),
) -> None:
    """Return once every replica in sync has it. UnavailableError says that ``what`` has not."""
    _send(settings, topic, [(key, value)], what, remedy, partition, headers)


def send_all(
    settings: Settings,
    topic: Topic,
    records: Iterable[tuple[str, bytes | None]],
    *,
    what: str,
    remedy: str,
) -> None:
    """Return once every replica in sync has all of them; a value of None is the key's end.

    UnavailableError says that not all of ``what`` have been acknowledged: send them again.
    """
    _send(settings, topic, records, what, remedy, 0, ())


def _send(
    settings: Settings,
    topic: Topic,
    records: Iterable[tuple[str, bytes | None]],
    what: str,
    remedy: str,
    partition: int,
    headers: Sequence[tuple[str, bytes]],
) -> None:
    failures: list[str] = []

    def told(error: KafkaError | None, _: Message) -> None:
        if error is not None:
            failures.append(error.str())

    producer = Producer(
        {
            **confluent_config(settings),
            "acks": "all",
            "enable.idempotence": True,
            "delivery.timeout.ms": int(ACKNOWLEDGED_S_MAX * 1000),
            "message.max.bytes": OUTPUT_BYTES_MAX,
            "log_level": 0,
        }
    )
    name = topic.full_name(settings.prefix)
    for key, value in records:
        producer.produce(
            name, value, key.encode(), partition, on_delivery=told, headers=[*headers] or None
        )
        producer.poll(0)
    left = producer.flush(ACKNOWLEDGED_S_MAX + 1)
    if left or failures:
        raise UnavailableError(
            f"{what} was not acknowledged" + (f": {failures[0]}" if failures else ""),
            where=f"{name} at {settings.kafka.bootstrap}",
            remedy=remedy,
        )
