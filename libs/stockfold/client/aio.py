"""The client for asyncio programs."""

from __future__ import annotations

import asyncio
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from stockfold.client.event import Event
from stockfold.client.prepare import About, Prepared, prepare
from stockfold.client.sync import refused_by_kafka
from stockfold.domain.errors import UnavailableError


class AsyncClient:
    """Sends events of one source. An asynchronous context: leaving it waits for what is under way.

    The parameters are those of ``Client``, except that ``options`` are keyword arguments of
    ``aiokafka.AIOKafkaProducer``, such as security_protocol. ``send`` returns when the broker has
    the event; send many at once with ``asyncio.gather``.
    """

    def __init__(
        self,
        bootstrap: str,
        source: str,
        *,
        prefix: str = "",
        options: dict[str, Any] | None = None,
        timeout_s: float = 30.0,
        dry_run: bool = False,
    ) -> None:
        self._bootstrap = bootstrap
        self._source = source
        self._prefix = prefix
        self._options = options or {}
        self._timeout_s = timeout_s
        self._dry_run = dry_run
        self._producer: AIOKafkaProducer | None = None

    async def start(self) -> None:
        """Connect. UnavailableError when the broker does not answer in time."""
        if self._dry_run or self._producer is not None:
            return
        # Its default partitioner is murmur2, like every client's of ours.
        producer = AIOKafkaProducer(
            **{
                "compression_type": "lz4",
                "linger_ms": 5,
                **self._options,
                "bootstrap_servers": self._bootstrap,
                "acks": "all",
                "enable_idempotence": True,
                "request_timeout_ms": int(self._timeout_s * 1000),
            }
        )
        try:
            await asyncio.wait_for(producer.start(), self._timeout_s)
        except (KafkaError, TimeoutError, OSError) as error:
            await producer.stop()
            raise self._unavailable(f"the client did not connect: {error}") from error
        self._producer = producer

    async def send(
        self,
        event: Event,
        *,
        occurred_at: datetime,
        event_id: str | None = None,
        revision: int | None = None,
        correlation_id: str = "",
        traceparent: str = "",
        sequence: int | None = None,
        corrects: str = "",
    ) -> Prepared:
        """Check an event, send it and wait until the broker has it. See ``Client.send``."""
        about = About(
            occurred_at=occurred_at,
            event_id=event_id,
            revision=revision,
            correlation_id=correlation_id,
            traceparent=traceparent,
            sequence=sequence,
            corrects=corrects,
        )
        prepared = prepare(event, about, source=self._source, prefix=self._prefix)
        if self._dry_run:
            return prepared
        await self.start()
        assert self._producer is not None
        try:
            await asyncio.wait_for(
                self._producer.send_and_wait(
                    prepared.topic, prepared.value, prepared.key, headers=prepared.headers
                ),
                self._timeout_s,
            )
        except MessageSizeTooLargeError as error:
            raise refused_by_kafka(prepared, str(error)) from error
        except (KafkaError, TimeoutError) as error:
            what = f"{prepared} was not acknowledged: {type(error).__name__} {error}"
            raise self._unavailable(what) from error
        return prepared

    async def flush(self) -> None:
        """Wait until what is under way is acknowledged."""
        if self._producer is not None:
            await self._producer.flush()

    async def close(self) -> None:
        """Flush and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.stop()

    def _unavailable(self, what: str) -> UnavailableError:
        return UnavailableError(
            what,
            where=f"Kafka at {self._bootstrap}",
            remedy="Check the broker, the prefix, and that `stockfold topics list` shows the "
            "topics; then send the event again under the same id: a repeat changes nothing.",
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
