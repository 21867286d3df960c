"""Outcomes → ``stockfold.deliveries.v1``, states of listings → ``stockfold.listings.v1``.

Both in the partition that the availability came from.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import DELIVERIES, LISTINGS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings
from stockfold_services.publisher.listings import State
from stockfold_services.publisher.wanted import Finished

TOLD = tuple(name for name in State.__slots__ if name not in {"partition", "sent_quantity"})


class Deliveries(Protocol):
    """Where outcomes are put on record."""

    async def record(self, finished: Sequence[Finished]) -> None:
        """Put outcomes on record; returns when all of them are, raises when any is not."""
        ...


class KafkaDeliveries:
    """Outcomes and states of one channel, as records."""

    def __init__(self, settings: Settings, channel: str) -> None:
        self._channel = channel
        self._topic = DELIVERIES.full_name(settings.prefix)
        self._listings = LISTINGS.full_name(settings.prefix)
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
            "recorded_at": one.wanted.recorded_at_us,
            "took_us": one.took_us,
        }

    async def tell(self, states: Sequence[tuple[str, State]]) -> None:
        """See ``stockfold_services.publisher.listings.States``."""
        now_us = SYSTEM_CLOCK.now_us()
        sent = [
            await self._producer.send(
                self._listings,
                key=f"{self._channel}|{sku}".encode(),
                value=encode("stockfold.ListingState", self._state(sku, state, now_us)),
                partition=state.partition,
            )
            for sku, state in states
        ]
        await asyncio.gather(*sent)

    def _state(self, sku: str, state: State, now_us: int) -> dict[str, object]:
        told = {name: getattr(state, name) for name in TOLD}
        return {"channel": self._channel, "sku": sku, "told_at": now_us, **told}
