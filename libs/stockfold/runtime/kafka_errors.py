"""Kafka's errors, told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.settings import Settings

TRY_AGAIN = "Check the broker, then try again."
MAKE_TOPICS = "Check the broker, and that `stockfold topics apply` has made every topic."


@contextmanager
def kafka_errors(what: str, *, where: str, remedy: str) -> Iterator[None]:
    """UnavailableError for whatever a Kafka client raises; ``what`` was not done."""
    try:
        yield
    except KafkaException as error:
        raise UnavailableError(
            f"{what}: {error.args[0].str()}", where=where, remedy=remedy
        ) from error


@contextmanager
def reading(settings: Settings, topic: Topic, remedy: str = TRY_AGAIN) -> Iterator[None]:
    """UnavailableError when a topic cannot be read."""
    where = f"Kafka at {settings.kafka.bootstrap}"
    with kafka_errors(f"{topic.name} was not read", where=where, remedy=remedy):
        yield
