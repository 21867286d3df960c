"""The monitor of one connection: counts its canary on a schedule, and raises an alert.

It stands outside of what it watches: it tells a stock event like any other, and looks at the shop
itself, not at what the publisher says of it. Whether the publisher lives makes no difference to it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any, Protocol, cast

from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.contracts import envelope as envelopes
from stockfold.contracts.channel_proofs import ChannelProof, decode_proof, encode_proof
from stockfold.contracts.codec import encoder
from stockfold.contracts.envelope import Envelope
from stockfold.contracts.topics import CHANNEL_PROOFS, INPUT_OF, Topic
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport
from stockfold.runtime.telemetry import measures
from stockfold_services.sweeper.canary import (
    SOURCE,
    Outcome,
    Proof,
    Step,
    UpTo,
    counted,
    hindered_by,
    judged,
    next_step,
    schedule_of,
    told_again,
)
from stockfold_services.sweeper.sights import ShadowSight, ShopSight
from stockfold_services.sweeper.situation import Situation

log = logging.getLogger(__name__)

LOOK_S = 0.5
REST_S = 1.0
KAFKA_RETRY_S = 2.0
LATE_S = 5.0
AS_OF_BACK_US = 5 * SECOND_US
"""A count must not lie ahead of the ledger's clock."""
_COUNTED = "stockfold.StockCounted"
_encode = encoder(_COUNTED)


class Sight(Protocol):
    """Where the canary is looked for. NotServedError, UnavailableError, ContractError."""

    async def next_count(self, last: Proof, units: int) -> int:
        """What to count next."""
        ...

    async def sees(self, proof: Proof) -> bool:
        """Whether what was counted got there."""
        ...

    async def close(self) -> None:
        """Let go of what it reads with."""
        ...


class Surroundings(Protocol):
    """How far the canary of a channel can get now."""

    def up_to(self, channel: ChannelSettings) -> UpTo:
        """Where it is looked for."""
        ...

    def hindered(self, channel: ChannelSettings) -> str:
        """Why it cannot get anywhere; empty when it can."""
        ...


class Monitor:
    """The canary of one connection."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        sights: Mapping[UpTo, Sight],
        producer: AcknowledgedProducer,
        clock: Clock,
        around: Surroundings,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._name = channel.name
        self._canary = channel.monitor
        self._schedule = schedule_of(channel.monitor.every_s, channel.monitor.sla_s)
        self._sights = sights
        self._producer = producer
        self._clock = clock
        self._around = around
        self.proof = Proof(sku=self._canary.sku)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``. UnavailableError when Kafka is away."""
        self.proof = await asyncio.to_thread(self._remembered)
        try:
            while not stop.is_set():
                wait_s = await self._once()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait_s)
        finally:
            for sight in self._sights.values():
                await sight.close()

    async def _once(self) -> float:
        """One step; how long to wait before the next."""
        now_us, why = self._clock.now_us(), self._around.hindered(self._channel)
        up_to = self._around.up_to(self._channel)
        if up_to != self.proof.up_to:
            self.proof = Proof(sku=self._canary.sku, counted=self.proof.counted, up_to=up_to)
        match next_step(self.proof, self._schedule, why, now_us):
            case Step.REST:
                return REST_S
            case Step.HINDERED:
                await self._note(hindered_by(self.proof, why))
                log.info("channel %s, canary rests: %s", self._name, self.proof.detail)
                return REST_S
            case Step.COUNT:
                return await self._count()
            case Step.COUNT_AGAIN:
                again = told_again(self.proof, now_us)
                await self._tell(again)
                await self._note(again)
                return LATE_S
            case Step.LOOK:
                return await self._look()

    async def _count(self) -> float:
        sight = self._sights[self.proof.up_to]
        units = await sight.next_count(self.proof, self._canary.units)
        new = counted(self.proof, units, self._clock.now_us())
        # On record before it is told: whoever starts after a crash goes on waiting for it.
        await self._note(new)
        await self._tell(new)
        return LOOK_S

    async def _look(self) -> float:
        try:
            seen = await self._sights[self.proof.up_to].sees(self.proof)
            why = "it is not shown"
        except (NotServedError, ContractError) as error:
            seen, why = False, error.what
        new = judged(self.proof, self._clock.now_us(), self._schedule, seen=seen, detail=why)
        if new != self.proof:
            self._say(new)
            if new.outcome == "proved":
                measures.CANARY_TOOK.labels(self._name).observe(new.latency_us / SECOND_US)
            await self._note(new)
        return LATE_S if new.outcome == "late" else LOOK_S

    def _say(self, new: Proof) -> None:
        where, took_s = f"channel {self._name}, canary {new.sku}", new.latency_us / SECOND_US
        if new.outcome == "late":
            log.error(
                "%s: counted as %d, it did not reach the %s within %d s: %s. To do: see whether "
                "ledger and publisher run, and `stockfold listings %s`",
                where,
                new.counted,
                new.up_to,
                self._canary.sla_s,
                new.detail,
                new.sku,
            )
        elif self.proof.outcome == "late":
            log.warning("%s: it got there after %.1f s; the alert is over", where, took_s)
        else:
            log.info("%s: it reached the %s after %.2f s", where, new.up_to, took_s)

    async def _tell(self, proof: Proof) -> None:
        """The count, as a stock event like any other."""
        body = {
            "sku": proof.sku,
            "location": self._canary.location,
            "bucket": "on_hand",
            "counted": proof.counted,
            "as_of": proof.told_us - AS_OF_BACK_US,
            "unit": None,
        }
        told = Envelope(
            f"{self._name}/{proof.told_us}", SOURCE, _COUNTED, proof.told_us, proof.correlation
        )
        await self._send(INPUT_OF[_COUNTED], proof.sku, _encode(body), envelopes.build(told))

    async def _note(self, proof: Proof) -> None:
        self.proof = proof
        measures.CANARY_LATE.labels(self._name).set(proof.outcome == "late")
        record = ChannelProof(
            channel=self._name,
            sku=proof.sku,
            outcome=proof.outcome,
            up_to=proof.up_to,
            counted=proof.counted,
            since=proof.since_us,
            told=proof.told_us,
            shown=proof.shown_us or None,
            sla_ms=self._canary.sla_s * 1_000,
            detail=proof.detail,
            recorded_at=self._clock.now_us(),
        )
        await self._send(CHANNEL_PROOFS, self._name, encode_proof(record), [])

    async def _send(
        self, topic: Topic, key: str, value: bytes, headers: list[tuple[str, bytes]]
    ) -> None:
        name = topic.full_name(self._settings.prefix)
        await self._producer.send(name, key.encode(), value, headers)

    def _remembered(self) -> Proof:
        """What was on record last of this canary; the count that is outstanding with it."""
        last = self.proof
        for batch in PartitionReader(self._settings).read(CHANNEL_PROOFS, 0):
            for record in batch:
                if record.key() == self._name.encode():
                    last = self._read(decode_proof(record.value()), last)
        return last

    def _read(self, told: ChannelProof, before: Proof) -> Proof:
        if told.sku != self._canary.sku:
            return before
        return Proof(
            sku=told.sku,
            counted=told.counted,
            since_us=told.since,
            told_us=told.told,
            shown_us=told.shown or 0,
            outcome=cast("Outcome", told.outcome),
            up_to=cast("UpTo", told.up_to),
            detail=told.detail,
        )


async def watch(
    settings: Settings,
    channel: ChannelSettings,
    shop: Transport,
    producer: AcknowledgedProducer,
    situation: Situation,
    stop: asyncio.Event,
) -> None:
    """Watch a connection until ``stop``, if it has a canary; a lost Kafka is waited for."""
    sku = channel.monitor.sku
    if not sku or channel.kind != "woocommerce":
        return
    async with shop:
        await _first([situation.known(), stop.wait()])
        while not stop.is_set():
            sights: dict[UpTo, Sight] = {
                "shop": ShopSight(shop, sku),
                "shadow": ShadowSight(settings, channel.name, sku),
            }
            monitor = Monitor(settings, channel, sights, producer, SYSTEM_CLOCK, situation)
            try:
                await monitor.run(stop)
            except UnavailableError as error:
                log.warning("channel %s is not watched: %s", channel.name, error)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), KAFKA_RETRY_S)


async def _first(waits: Iterable[Coroutine[Any, Any, object]]) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
