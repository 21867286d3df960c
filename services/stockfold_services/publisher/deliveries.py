"""Outcomes → ``stockfold.deliveries.v1``, states of listings → ``stockfold.listings.v1``.

What needs a person → ``stockfold.exceptions.v1``. All in the partition of the availability.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Iterable, Sequence
from typing import Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder

from stockfold.channels import OutcomeKind
from stockfold.contracts.codec import encoder
from stockfold.contracts.connections import ConnectionState, encode_connection
from stockfold.contracts.exceptions import encode_channel_finding
from stockfold.contracts.topics import (
    CHANNEL_BASELINES,
    CONNECTIONS,
    DELIVERIES,
    EXCEPTIONS,
    LISTINGS,
)
from stockfold.domain.errors import DefectError
from stockfold.runtime.channel_control import Baseline, encode_baseline
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.tracing import about, headers_of
from stockfold_services.publisher.given_up import GivenUp
from stockfold_services.publisher.listings import State
from stockfold_services.publisher.spans import Spans
from stockfold_services.publisher.wanted import Finished

log = logging.getLogger(__name__)

_encode_delivery = encoder("stockfold.Delivery")
_encode_state = encoder("stockfold.ListingState")
TOLD = tuple(name for name in State.__slots__ if name not in {"partition", "sent_quantity"})


class Deliveries(Protocol):
    """Where outcomes are put on record."""

    async def record(self, finished: Sequence[Finished]) -> None:
        """Put outcomes on record; returns when all of them are, raises when any is not."""
        ...


class KafkaDeliveries:
    """Outcomes and states of one channel, as records."""

    def __init__(self, settings: Settings, channel: str, spans: Spans | None = None) -> None:
        self._spans = spans
        self._channel = channel
        self._topic = DELIVERIES.full_name(settings.prefix)
        self._given_up = GivenUp(channel)
        self._exceptions = EXCEPTIONS.full_name(settings.prefix)
        self._baselines = CHANNEL_BASELINES.full_name(settings.prefix)
        self._connections = CONNECTIONS.full_name(settings.prefix)
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
        await self._write(
            self._topic,
            [
                (one.wanted.partition, one.wanted.sku, _encode_delivery(self._record(one)))
                for one in finished
            ],
            [one.wanted.traceparent for one in finished],
        )
        if self._spans is not None:
            self._spans.recorded(finished)
        for one in finished:
            self._say(one)
        given_up = self._given_up.exceptions(finished, SYSTEM_CLOCK.now_us())
        if given_up:
            await self._write(self._exceptions, given_up)

    def _say(self, one: Finished) -> None:
        """Log what became of it; what a newer version has taken the place of, for debugging."""
        level = logging.DEBUG if one.kind is OutcomeKind.SUPERSEDED else logging.INFO
        log.log(
            level,
            "channel %s, %s: version %d %s, %d shown%s",
            self._channel,
            one.wanted.sku,
            one.wanted.version,
            one.kind.value.replace("_", " "),
            one.quantity,
            f": {one.detail}" if one.detail else "",
            extra=about(one.wanted.correlation_id, one.wanted.traceparent),
        )

    async def alert(self, kind: str, reason: str, remedy: str) -> None:
        """See ``stockfold_services.publisher.frozen.Alerts``."""
        now_us = SYSTEM_CLOCK.now_us()
        value = encode_channel_finding(
            kind,
            reason=reason,
            remedy=remedy,
            source=f"stockfold/publisher/{self._channel}",
            about=f"{self._channel}|{now_us}",
            at_us=now_us,
        )
        await self._write(self._exceptions, [(0, "", value)])
        measures.EXCEPTIONS.labels("publisher", kind, "true").inc()

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

    async def tell_connection(self, state: ConnectionState) -> None:
        """See ``stockfold_services.publisher.standing.Standings``."""
        await self._producer.send_and_wait(
            self._connections, key=self._channel.encode(), value=encode_connection(state)
        )

    async def keep(self, baselines: Sequence[tuple[int, Baseline]]) -> None:
        """See ``BaselineStore.keep``."""
        sent = [
            await self._producer.send(
                self._baselines,
                key=f"{self._channel}|{one.sku}".encode(),
                value=encode_baseline(one),
                partition=partition,
            )
            for partition, one in baselines
        ]
        await asyncio.gather(*sent)

    async def tell(self, states: Sequence[tuple[str, State]]) -> None:
        """See ``stockfold_services.publisher.listings.States``."""
        now_us = SYSTEM_CLOCK.now_us()
        await self._write(
            self._listings,
            [
                (state.partition, sku, _encode_state(self._state(sku, state, now_us)))
                for sku, state in states
            ],
        )

    async def _write(
        self,
        topic: str,
        records: Sequence[tuple[int, str, bytes]],
        traces: Iterable[str] = itertools.repeat(""),
    ) -> None:
        """Write (partition, SKU, value), in order per partition; returns when all are on record.

        ``traces`` has the traceparent of each, empty for most.

        Batches are filled here: sent one by one, a record costs ten times as much.
        """
        open_batches: dict[int, BatchBuilder] = {}
        sent = []
        for (partition, sku, value), trace in zip(records, traces, strict=False):
            told = {
                "key": f"{self._channel}|{sku}".encode(),
                "value": value,
                "timestamp": None,
                "headers": headers_of(trace) or [],
            }
            batch = open_batches.get(partition)
            if batch is not None and batch.append(**told) is not None:
                continue
            if batch is not None:
                sent.append(await self._producer.send_batch(batch, topic, partition=partition))
            batch = open_batches[partition] = self._producer.create_batch()
            if batch.append(**told) is None:
                raise DefectError(
                    f"the record of SKU {sku} fits no batch",
                    where=topic,
                    remedy="Shorten what the channel says: its detail is too long.",
                )
        for partition, batch in open_batches.items():
            sent.append(await self._producer.send_batch(batch, topic, partition=partition))
        await asyncio.gather(*sent)

    def _state(self, sku: str, state: State, now_us: int) -> dict[str, object]:
        told = {name: getattr(state, name) for name in TOLD}
        return {"channel": self._channel, "sku": sku, "told_at": now_us, **told}
