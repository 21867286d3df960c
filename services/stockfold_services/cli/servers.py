"""Errors of both servers, told as ours, for commands that use both."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.postgres import UNAVAILABLE
from stockfold.runtime.settings import Settings


@contextmanager
def server_errors(settings: Settings) -> Iterator[None]:
    """UnavailableError for whatever a client of Kafka or PostgreSQL raises."""
    try:
        with kafka_errors(
            "Kafka did not answer as it should",
            where=f"Kafka at {settings.kafka.bootstrap}",
            remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
        ):
            yield
    except (*UNAVAILABLE, asyncpg.PostgresError) as error:
        raise UnavailableError(
            f"PostgreSQL did not do it: {type(error).__name__} {error}",
            where="postgres.dsn",
            remedy="Check the server and the rights of the user; then run the command again.",
        ) from error
