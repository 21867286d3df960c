"""Parcels of one shop, from their topic to its orders: each at least once told, once written."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import Any, Protocol, cast

import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from stockfold.channels.parcels import Parcel
from stockfold.channels.woocommerce.asking import Conversation
from stockfold.channels.woocommerce.shipments import TrackingTerms, Written, write_parcel
from stockfold.contracts.shipments import channel_of, read_parcel
from stockfold.contracts.topics import SHIPMENTS
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.times import SECOND_US, to_us
from stockfold.runtime import audit
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.records import Record
from stockfold.runtime.refusals import Refusals
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry.objectives import judge
from stockfold.runtime.telemetry.tracing import about, traceparent_in

log = logging.getLogger(__name__)

FETCHED_MAX = 500
WRITTEN_MAX = 20
"""Parcels in one go: then the shop's other jobs have their turn."""
WAIT_S = 0.05
SESSION_MS = 6_000
"""After so long another sweeper takes over from one that was killed."""
TURN_MS_MAX = 3_600_000
"""Between two fetches lie whole sweeps."""


class Shop(Protocol):
    """What holds conversations with a shop."""

    async def converse(self, conversation: Conversation[Written]) -> Written:
        """Hold a conversation. NotServedError when the shop does not serve."""
        ...


class ParcelQueue:
    """The parcels of one channel, as a consumer group of its own. Blocks, and is for a thread.

    A record is committed after it was settled, so that one that was cut off comes again.
    KafkaException when Kafka does not answer.
    """

    def __init__(self, settings: Settings, channel: str) -> None:
        self._settings = settings
        self._channel = channel
        self._consumer: Consumer | None = None
        self._waiting: deque[Record] = deque()

    def first(self) -> Record | None:
        """The oldest record that is not settled; None when there is none now."""
        if not self._waiting:
            self._fetch()
        return self._waiting[0] if self._waiting else None

    def settle(self) -> None:
        """The oldest record needs nothing more."""
        self._commit(self._waiting[0])
        self._waiting.popleft()

    def _fetch(self) -> None:
        if self._consumer is None:
            self._consumer = self._open()
        passed: dict[int, Record] = {}
        for message in self._consumer.consume(FETCHED_MAX, timeout=WAIT_S):
            error = message.error()
            if error is not None:
                if error.fatal() or not error.retriable():
                    raise KafkaException(error)
                continue
            record = cast("Record", message)
            if channel_of(record.key()) == self._channel:
                self._waiting.append(record)
            elif not any(w.partition() == record.partition() for w in self._waiting):
                passed[record.partition()] = record
        for record in passed.values():
            self._commit(record)

    def _commit(self, record: Record) -> None:
        assert self._consumer is not None
        place = TopicPartition(record.topic(), record.partition(), record.offset() + 1)
        self._consumer.commit(offsets=[place], asynchronous=False)

    def _open(self) -> Consumer:
        consumer = Consumer(
            {
                **confluent_config(self._settings),
                "group.id": group_id(self._settings, f"sweeper.shipments.{self._channel}"),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "session.timeout.ms": SESSION_MS,
                "max.poll.interval.ms": TURN_MS_MAX,
                # What was written before is known again by its token in the order.
                "auto.offset.reset": "earliest",
            }
        )
        consumer.subscribe([SHIPMENTS.full_name(self._settings.prefix)])
        return consumer

    def close(self) -> None:
        """Let go of the consumer; what waits comes again."""
        self._waiting.clear()
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


class ParcelWriter:
    """Writes the parcels of one shop. NotServedError, UnavailableError: again later."""

    def __init__(self, settings: Settings, channel: ChannelSettings, shop: Shop) -> None:
        tracking = channel.tracking
        self._settings = settings
        self._channel = channel.name
        # In shadow whoever tells customers today goes on doing so; going live tells nothing twice.
        self._writes = channel.publishing.mode in ("canary", "live")
        self._since_us = 0 if tracking.since is None else to_us(tracking.since)
        self._terms = TrackingTerms(
            tracking.carrier_key,
            tracking.number_key,
            tracking.url_key,
            tracking.items_key,
            tracking.note,
            tracking.complete,
        )
        self._shop = shop
        self._queue = ParcelQueue(settings, channel.name)
        self._refusals: Refusals | None = None
        self._judge = judge(settings, "shipment_confirmation")

    async def write_some(self) -> int:
        """Write what has come, at most ``WRITTEN_MAX`` parcels; how many were new in the shop."""
        new = 0
        try:
            for _ in range(WRITTEN_MAX):
                record = await asyncio.to_thread(self._queue.first)
                if record is None:
                    break
                new += await self._one(record)
                await asyncio.to_thread(self._queue.settle)
        except KafkaException as error:
            await self.close()
            raise UnavailableError(
                f"parcels were not read: {error}",
                where=SHIPMENTS.name,
                remedy="None needed: it tries again.",
            ) from error
        return new

    async def _one(self, record: Record) -> bool:
        try:
            parcel = read_parcel(record.key(), record.value(), record.headers()).parcel
            if parcel.shipped_at_us < self._since_us or not self._writes:
                return False
            new = await self._write(parcel)
        except ContractError as error:
            log.error("channel %s: %s", self._channel, error)  # noqa: TRY400 - says it all
            measures.SWEEPER_PARCELS.labels(self._channel, "refused").inc()
            self._judge.failed(self._channel)
            if self._refusals is None:
                self._refusals = Refusals(self._settings, SHIPMENTS, "stockfold/shipments")
            await asyncio.to_thread(self._refusals.write, record, error)
            return False
        self._confirmed(record, parcel, new=new)
        return new

    def _confirmed(self, record: Record, parcel: Parcel, *, new: bool) -> None:
        measures.SWEEPER_PARCELS.labels(self._channel, "written" if new else "known").inc()
        if new:
            took_s = max(SYSTEM_CLOCK.now_us() / SECOND_US - record.timestamp()[1] / 1000, 0.0)
            measures.SWEEPER_CONFIRM.labels(self._channel).observe(took_s)
            self._judge.took(self._channel, took_s)
        log.info(
            "order %s of channel %s %s its parcel %s",
            parcel.order,
            self._channel,
            "shows" if new else "showed already",
            parcel.shipment,
            extra=about(parcel.correlation, traceparent_in(record.headers())),
        )

    async def _write(self, parcel: Parcel) -> bool:
        entry = await asyncio.to_thread(
            audit.record,
            self._settings,
            command="order shipment",
            subject=f"{self._channel}/{parcel.order}",
            details=msgspec.to_builtins(parcel),
            who="sweeper",
        )
        outcome: audit.Outcome = "failed"
        result: dict[str, Any] = {}
        try:
            written = await self._shop.converse(write_parcel(parcel, self._terms))
            outcome, result = "done", msgspec.to_builtins(written)
        except ContractError as error:
            result = {"error": error.what}
            raise
        finally:
            await asyncio.to_thread(audit.conclude, self._settings, entry, outcome, result)
        return not written.was_done

    async def close(self) -> None:
        """Let go of what it reads and writes with."""
        self._refusals = None
        await asyncio.to_thread(self._queue.close)
