"""Outcomes → ``stockfold.deliveries.v1``, in the partition that the availability came from."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import DELIVERIES
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.wanted import Finished


class Deliveries(Protocol):
    """Where outcomes are put on record."""

    async def record(self, finished: Sequence[Finished]) -> None:
        """Put outcomes on record; returns when all of them are, raises when any is not."""
        ...


class KafkaDeliveries:
    """Outcomes of one channel, as records."""

    def __init__(self, settings: Settings, channel: str) -> None:
        self._channel = channel
        self._topic = DELIVERIES.full_name(settings.prefix)
        self._producer = AIOKafkaProducer(
            **aiokafka_config(settings), enable_idempotence=True, linger_ms=5
        )

    async def start(self) -> None:
        """Connect."""
        await self._producer.start()

    async def stop(self) -> None:
        """Send what is buffered and close."""
        await self._producer.stop()

    async def record(self, finished: Sequence[Finished]) -> None:
        """See ``Deliveries.record``."""
        sent = [
            await self._producer.send(
                self._topic,
                key=f"{self._channel}|{one.wanted.sku}".encode(),
                value=encode("stockfold.Delivery", self._record(one)),
                partition=one.wanted.partition,
            )
            for one in finished
        ]
        await asyncio.gather(*sent)

    def _record(self, one: Finished) -> dict[str, object]:
        return {
            "channel": self._channel,
            "sku": one.wanted.sku,
            "version": one.wanted.version,
            "quantity": one.quantity,
            "outcome": one.kind.value,
            "attempts": one.attempts,
            "detail": one.detail,
            "sent_at": one.sent_at_us,
            "finished_at": one.finished_at_us,
            "correlation_id": one.wanted.correlation_id,
            "caused_at": one.wanted.caused_at_us,
        }
