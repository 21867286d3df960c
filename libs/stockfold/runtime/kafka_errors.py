"""Kafka's errors, told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from confluent_kafka import KafkaException

from stockfold.domain.errors import UnavailableError


@contextmanager
def kafka_errors(what: str, *, where: str, remedy: str) -> Iterator[None]:
    """UnavailableError for whatever a Kafka client raises; ``what`` was not done."""
    try:
        yield
    except KafkaException as error:
        raise UnavailableError(
            f"{what}: {error.args[0].str()}", where=where, remedy=remedy
        ) from error
