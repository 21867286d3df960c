"""The shadow report of a connection, made again and again while its mode keeps writes back.

Made by the owner of the connection alone, through the connection's own transport, so that the shop
meets one set of limits. A report that cannot be made holds nothing up: the next try is told in the
log, and everything else goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping

from stockfold.channels import Shown, StockUpdate
from stockfold.domain.errors import UnavailableError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.beside import beside
from stockfold.runtime.channel_coverage import read_coverage
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shadow_reports import ShadowReport, compare_with_shop, keep, newest_reports
from stockfold.runtime.shop_catalog import Performing
from stockfold.runtime.wanted_listings import wanted_listings
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.mode import Mode

log = logging.getLogger(__name__)

LOOK_S = 1.0
NOTHING_YET_S = 15.0
"""A new environment has no numbers at first; the first report waits for some."""
AGAIN_S = 300.0
MODES = ("shadow", "canary")


@contextlib.asynccontextmanager
async def reporting(
    settings: Settings,
    channel: ChannelSettings,
    mode: Mode,
    to_show: Callable[[StockUpdate], Shown],
    shop: Performing,
    lease: Lease,
    clock: Clock = SYSTEM_CLOCK,
) -> AsyncIterator[None]:
    """Make reports while the context is open, if the mode that the connection is in has any.

    Of a channel whose catalogue cannot be read there are none.
    """
    if mode.name not in MODES or not channel.has_catalogue:
        yield
        return
    reports = Reports(settings, channel, mode, to_show, shop, clock)
    async with beside(reports.run(lease)):
        yield


class Reports:
    """When the next report is due, and the making of it."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        mode: Mode,
        to_show: Callable[[StockUpdate], Shown],
        shop: Performing,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._mode = mode.name
        self._to_show = to_show
        self._shop = shop
        self._clock = clock
        self._due_s: float | None = None

    async def run(self, lease: Lease) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            if not lease.holds:
                self._due_s = None  # Whoever was the owner meanwhile may have made one.
                continue
            try:
                await self._look()
            except UnavailableError as error:
                log.warning("channel %s has no new shadow report: %s", self._channel.name, error)
                self._due_s = self._clock.monotonic_s() + AGAIN_S
            except Exception:
                # A defect of the report: canaries are written and shadowed listings recorded.
                log.exception("channel %s has no shadow report", self._channel.name)
                self._due_s = self._clock.monotonic_s() + AGAIN_S

    async def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._due_s is None:
            self._due_s = now_s + await self._until_due_s()
        if now_s < self._due_s:
            return
        before = await self._wanted()
        if not before:
            self._due_s = now_s + NOTHING_YET_S
            return
        report = await self._make(before)
        await asyncio.to_thread(keep, self._settings, report)
        self._due_s = now_s + self._channel.publishing.report_every_s
        log.info("%s", sentence(report), extra={"channel": report.channel})

    async def _until_due_s(self) -> float:
        """At once, unless one of this mode and shop is newer than the rhythm."""
        channel, now_us = self._channel, self._clock.now_us()
        since_us = now_us - channel.publishing.report_every_s * SECOND_US
        last = (await asyncio.to_thread(newest_reports, self._settings, since_us)).get(channel.name)
        if last is None or (last.url, last.mode) != (channel.url, self._mode):
            return 0.0
        age_s = (now_us - last.finished_at) / SECOND_US
        return max(channel.publishing.report_every_s - age_s, 0.0)

    async def _make(self, before: Mapping[str, StockUpdate]) -> ShadowReport:
        coverage = await asyncio.to_thread(read_coverage, self._settings)
        return await compare_with_shop(
            self._channel,
            self._mode,
            self._to_show,
            self._shop,
            self._clock,
            before,
            self._wanted,
            waived=coverage.waivers(self._channel.name).keys(),
        )

    async def _wanted(self) -> dict[str, StockUpdate]:
        return await asyncio.to_thread(self._read)

    def _read(self) -> dict[str, StockUpdate]:
        found: dict[str, StockUpdate] = {}
        partitions = self._settings.kafka.sku_partitions
        for some in wanted_listings(self._settings, self._channel.name, partitions):
            found |= some
        return found


def sentence(report: ShadowReport) -> str:
    """The report in one line of the log."""
    changes = report.mapped - report.agreeing
    return (
        f"channel {report.channel} in {report.mode}: {report.agreeing:,} of {report.mapped:,} "
        f"listings agree with the shop ({report.share:.1%}); would change: {changes:,}; not in the "
        f"shop: {report.score.unmapped:,}"
    )
