"""What is done for one shop, each job in its own rhythm; one that is refused holds up no other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from stockfold.channels import TroubleKind
from stockfold.channels.woocommerce.asking import NotServedError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_webhooks import look, put_right
from stockfold.runtime.telemetry import measures
from stockfold.runtime.watchdog import Pulse
from stockfold_services.sweeper.cases import CaseBook
from stockfold_services.sweeper.notebook import Notebook
from stockfold_services.sweeper.open_orders import open_orders
from stockfold_services.sweeper.shipments import ParcelWriter
from stockfold_services.sweeper.situation import Situation
from stockfold_services.sweeper.sweeping import ShopSweeper

log = logging.getLogger(__name__)

OPEN_EVERY_S = 6 * 3_600.0
REFUSED_S = 3_600.0
"""Changes leave an audit record each time they are tried: what is refused is not tried at once."""


@dataclass(slots=True)
class _Job:
    name: str
    every_s: float
    work: Callable[[], Awaitable[None]]
    refused_s: float = 0.0
    due_s: float = 0.0


class Rounds:
    """The rounds of one shop. ``once`` raises UnavailableError when Kafka is away."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        sweeper: ShopSweeper,
        clock: Clock,
        pulse: Pulse,
        situation: Situation,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._sweeper = sweeper
        self._clock = clock
        self._pulse = pulse
        self._situation = situation
        self._notebook = Notebook(settings)
        self._cases = CaseBook(settings)
        orders = channel.orders
        every_s = float(orders.sweep_every_s)
        self._parcels = ParcelWriter(settings, channel, sweeper)
        if channel.kind == "shopify":
            self._jobs = [_Job("sweeping", every_s, self._swept)]
            return
        self._jobs = [
            _Job("looking orders up", 0.0, self._questions),
            _Job("sweeping", every_s, self._sweep),
            _Job("looking for orders that are gone", OPEN_EVERY_S, self._open_orders),
        ]
        if orders.keep_webhooks and orders.webhook_secret and settings.gateway.public_url:
            self._jobs.append(_Job("looking after webhooks", every_s, self._webhooks, REFUSED_S))
        if channel.holds_oversold:
            self._jobs.append(_Job("holding oversold orders", 0.0, self._holds, REFUSED_S))
        if channel.tracking.write:
            self._jobs.append(_Job("writing parcels", 0.0, self._shipments, REFUSED_S))

    async def once(self) -> NotServedError | None:
        """Do what is due; why the shop did not serve, if it did not.

        What it refuses for want of permission leaves the rest to be done; with other trouble the
        rest would meet the same.
        """
        trouble: NotServedError | None = None
        for job in self._jobs:
            if self._clock.monotonic_s() < job.due_s:
                continue
            self._pulse.beat(job.name)
            try:
                await job.work()
            except NotServedError as error:
                trouble = error
                measures.SWEEPER_TROUBLES.labels(self._channel.name, error.trouble.kind.value).inc()
                if error.trouble.kind is not TroubleKind.REFUSED:
                    break
                job.due_s = self._clock.monotonic_s() + job.refused_s
            else:
                job.due_s = self._clock.monotonic_s() + job.every_s
        return trouble

    async def close(self) -> None:
        """Let go of what it reads with."""
        await asyncio.to_thread(self._notebook.close)
        await asyncio.to_thread(self._cases.close)
        await self._parcels.close()

    async def _questions(self) -> None:
        await asyncio.to_thread(self._notebook.refresh)
        await self._sweeper.answer_questions(self._notebook)

    async def _swept(self) -> None:
        """Sweep a shop of which nothing else is asked."""
        await asyncio.to_thread(self._notebook.refresh)
        await self._sweep()

    async def _sweep(self) -> None:
        new = await self._sweeper.sweep(self._notebook)
        log.info("channel %s swept: %d orders told", self._channel.name, new)
        measures.SWEEPER_TOLD.labels(self._channel.name).inc(new)
        measures.SWEEPER_SWEPT.labels(self._channel.name).set(self._clock.now_us() / SECOND_US)

    async def _webhooks(self) -> None:
        settings, channel = self._settings, self._channel
        found = await look(settings, channel, self._sweeper)
        if found.changes:
            await put_right(settings, channel, self._sweeper, found, "sweeper")
            measures.SWEEPER_MENDED.labels(channel.name).inc(len(found.changes))
            told = ", ".join(f"{change.topic} ({change.action})" for change in found.changes)
            log.warning("channel %s had webhooks put right: %s", channel.name, told)

    async def _holds(self) -> None:
        await asyncio.to_thread(self._cases.refresh)
        await self._sweeper.hold_oversold(self._cases.open_of(self._channel.name))

    async def _shipments(self) -> None:
        await self._situation.known()
        if self._situation.is_paused(self._channel):
            return  # They wait in their topic.
        new = await self._parcels.write_some()
        if new:
            log.info("channel %s was told of %d parcels", self._channel.name, new)

    async def _open_orders(self) -> None:
        known = await asyncio.to_thread(open_orders, self._settings, self._channel.name)
        gone = await self._sweeper.find_gone(known)
        if gone:
            log.warning("channel %s had %d open orders that are gone", self._channel.name, gone)
