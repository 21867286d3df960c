"""Reading a shop against what it shall show, on a schedule, by the owner of its connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from confluent_kafka import KafkaException

from stockfold.domain.errors import StockfoldError
from stockfold.domain.times import SECOND_US
from stockfold.reconcile.listings import ListingKind
from stockfold.runtime import reconciliations
from stockfold.runtime.channel_control import read_controls
from stockfold.runtime.channel_coverage import read_coverage
from stockfold.runtime.channel_reconcile import ChannelReconciling, Reconciled, why_held
from stockfold.runtime.clock import Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.mode import Mode

log = logging.getLogger(__name__)

LOOK_S = 30.0
FIRST_S = 600.0
"""A connection that was never reconciled begins so long after its start: it is busy enough."""
RETRY_S = 600.0
BY = "publisher"


class Reconciling:
    """Reconciles one channel when it is due. Whatever goes wrong with it is told in the log."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        clock: Clock,
        lease: Lease,
        mode: Mode,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._clock = clock
        self._lease = lease
        self._mode = mode
        self._terms = channel.reconciliation
        self._not_before_us = 0
        self._first_us = clock.now_us() + int(min(FIRST_S, self._terms.every_s) * SECOND_US)

    async def run(self, stop: asyncio.Event) -> None:
        """Until ``stop``; at once when the schedule is off, or the mode writes nothing.

        What cannot be read as a whole is not reconciled.
        """
        is_written = self._mode.name in ("canary", "live")
        if not self._terms.every_s or not is_written or not self._channel.has_catalogue:
            return
        wait_s = min(LOOK_S, self._terms.every_s)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
                return
            wait_s = min(LOOK_S, self._terms.every_s)
            try:
                if self._lease.holds and await asyncio.to_thread(self._is_due):
                    await self.once()
            except (StockfoldError, KafkaException) as error:
                wait_s = RETRY_S
                log.warning(
                    "channel %s was not reconciled, again in %.0f s: %s",
                    self._channel.name,
                    wait_s,
                    error,
                )
            except Exception:
                # A report must not end the publishing that it is about.
                wait_s = RETRY_S
                log.exception("channel %s was not reconciled", self._channel.name)

    def _is_due(self) -> bool:
        now_us = self._clock.now_us()
        if now_us >= self._not_before_us:
            before = reconciliations.last(self._settings, self._channel.name)
            self._not_before_us = (
                self._first_us
                if before is None
                else before["ended_at"] + self._terms.every_s * SECOND_US
            )
        return now_us >= self._not_before_us

    async def once(self) -> Reconciled:
        """Reconcile now, repair what the settings say, and put it on record."""
        settings, name = self._settings, self._channel.name
        book = await asyncio.to_thread(read_coverage, settings)
        controls = await asyncio.to_thread(read_controls, settings)
        adapter = woocommerce(self._channel)
        async with Transport(self._channel, adapter, self._clock) as shop:
            found = await ChannelReconciling(
                settings,
                self._channel,
                adapter,
                shop,
                self._clock,
                writes=self._mode.writes,
                waived=book.waivers(name),
                held=why_held(controls.of(name)),
                by=BY,
            ).run()
        repaired = await asyncio.to_thread(self._repair, found)
        await asyncio.to_thread(reconciliations.record, settings, found, by=BY, repaired=repaired)
        told = ", ".join(f"{count:,} {kind}" for kind, count in sorted(found.kinds.items()))
        log.log(
            logging.WARNING if found.differing else logging.INFO,
            "channel %s reconciled: %s; %d sent once more",
            name,
            told or "nothing is listed",
            repaired,
        )
        return found

    def _repair(self, found: Reconciled) -> int:
        wanted = found.to_repair([ListingKind(kind) for kind in self._terms.repair])
        if not wanted:
            return 0
        if len(wanted) > self._terms.repair_max:
            log.error(
                "channel %s has %d listings to repair, more than repair_max (%d): none is; look at "
                "them with `stockfold reconcile channel %s`",
                self._channel.name,
                len(wanted),
                self._terms.repair_max,
                self._channel.name,
            )
            return 0
        return reconciliations.repair(self._settings, self._channel.name, wanted, BY)
