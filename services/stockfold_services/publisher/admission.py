"""Whether a channel may go live: every listing covered, or waived by name. Asked once.

    live wanted ──▶ admitted before, at this address? ──yes──▶ live
                        │ no
                        ▼
                 shadow, and a look now and then ──fit──▶ admitted, written down ──▶ live

A channel that was admitted stays so: a product that is new and not yet in the shop is told in the
deliveries and by ``stockfold channel check``, and stops no other. Going back to shadow or canary,
or to a shop at another address, ends it (decision record 0024).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from stockfold.channels import Assurance
from stockfold.channels.findings import Level
from stockfold.domain.errors import StockfoldError
from stockfold.runtime.channel_checks import record_check
from stockfold.runtime.channel_coverage import (
    Admission,
    admit,
    dismiss,
    listed_skus,
    read_coverage,
)
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_catalog import Performing
from stockfold.runtime.shop_check import Checked, check
from stockfold_services.publisher.lease import Lease
from stockfold_services.publisher.mode import Mode, mode_of

log = logging.getLogger(__name__)

NAMED_MAX = 5
COSTS = 20
"""A look at the shop is repeated after at least so many times what it took."""


class Looks(msgspec.Struct, frozen=True):
    """How often a channel that waits is looked at.

    Every ``look_s`` it is seen whether waivers changed; the shop is asked again after ``again_s``,
    or after ``soon_s`` when it did not serve.
    """

    look_s: float = 5.0
    soon_s: float = 20.0
    again_s: float = 300.0


LOOKS = Looks()


def mode_in_force(channel: ChannelSettings, admission: Admission | None) -> Mode:
    """The mode that the settings ask for, or shadow while the channel waits to be admitted."""
    wanted = mode_of(channel.publishing)
    admitted = admission is not None and admission.url == channel.url
    waits = wanted.name == "live" and channel.publishing.coverage != "reported" and not admitted
    return Mode("shadow") if waits else wanted


def mode_for_now(settings: Settings, channel: ChannelSettings) -> Mode:
    """The mode that the settings ask for, or shadow until the channel is admitted.

    Blocks; UnavailableError when Kafka does not answer.
    """
    wanted = mode_of(channel.publishing)
    if wanted.name == "live" and channel.publishing.coverage == "reported":
        return wanted
    admission = read_coverage(settings).admission(channel.name)
    if wanted.name != "live":
        if admission is not None:
            dismiss(settings, channel.name)
        return wanted
    if admission is not None and admission.url == channel.url:
        return wanted
    log.warning(
        "channel %s stays in shadow until every listing is covered or waived: "
        "see `stockfold channel check %s`",
        channel.name,
        channel.name,
    )
    return Mode("shadow")


@asynccontextmanager
async def until_live(
    stop: asyncio.Event, waiting: Waiting, mode: Mode
) -> AsyncIterator[asyncio.Event]:
    """Gives an event that is set at ``stop``, and once a channel is not in the mode that it wants,
    but may be: then its connection is to be started anew.
    """
    if mode.name == waiting.wanted:
        yield stop
        return
    ended = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        watch = group.create_task(_watch(ended, stop, waiting))
        yield ended
        watch.cancel()


async def _watch(ended: asyncio.Event, stop: asyncio.Event, waiting: Waiting) -> None:
    stopping = asyncio.ensure_future(stop.wait())
    admitted = asyncio.ensure_future(waiting.until_admitted())
    try:
        await asyncio.wait({stopping, admitted}, return_when=asyncio.FIRST_COMPLETED)
        if admitted.done():
            admitted.result()
        ended.set()
    finally:
        stopping.cancel()
        admitted.cancel()


class Waiting:
    """A channel in shadow that wants to be live."""

    def __init__(
        self,
        settings: Settings,
        channel: ChannelSettings,
        shop: Performing,
        assurance: Assurance,
        lease: Lease,
        looks: Looks = LOOKS,
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._shop = shop
        self._assurance = assurance
        self._lease = lease
        self._looks = looks
        self._clock = SYSTEM_CLOCK
        self._seen: frozenset[str] = frozenset()
        self._waived: frozenset[str] = frozenset()
        self._due_s: float | None = None

    @property
    def wanted(self) -> str:
        """The mode that the settings ask for."""
        return self._channel.publishing.mode

    async def until_admitted(self) -> None:
        """Return once the channel is admitted, by us or by another process."""
        while True:
            try:
                if self._lease.holds and await self._look():
                    return
            except StockfoldError as error:
                log.warning(
                    "channel %s was not checked, and is looked at again: %s",
                    self._channel.name,
                    error,
                )
            await asyncio.sleep(self._looks.look_s)

    async def _look(self) -> bool:
        book = await asyncio.to_thread(read_coverage, self._settings)
        admission = book.admission(self._channel.name)
        if admission is not None and admission.url == self._channel.url:
            return True
        waived = frozenset(book.waivers(self._channel.name))
        now_s = self._clock.monotonic_s()
        if self._due_s is not None and now_s < self._due_s and waived == self._waived:
            return False
        skus = await asyncio.to_thread(self._listings)
        # Of a load that is still coming in, the first product proves nothing.
        settled = bool(skus) and skus == self._seen
        self._seen = skus
        if not settled:
            return False
        return await self._check(skus, waived)

    def _listings(self) -> frozenset[str]:
        partitions = self._settings.kafka.sku_partitions
        return frozenset().union(*listed_skus(self._settings, self._channel.name, partitions))

    async def _check(self, skus: frozenset[str], waived: frozenset[str]) -> bool:
        began_s = self._clock.monotonic_s()
        found = await check(
            self._settings,
            self._channel,
            self._shop,
            self._assurance,
            self._clock,
            skus=skus,
            waived=waived,
        )
        now_s = self._clock.monotonic_s()
        self._waived = waived
        await asyncio.to_thread(record_check, self._settings, found, by="publisher")
        again_s = self._looks.soon_s if found.was_hindered else self._looks.again_s
        self._due_s = now_s + max(again_s, COSTS * (now_s - began_s))
        if not found.is_fit:
            self._tell(found)
            return False
        assert found.coverage is not None
        told = Admission(
            self._channel.name,
            self._channel.url,
            found.coverage.listings,
            len(found.coverage.waived),
            self._clock.now_us(),
        )
        await asyncio.to_thread(admit, self._settings, told)
        log.info(
            "channel %s goes live: %d listings, %d of them waived",
            told.channel,
            told.listings,
            told.waived,
        )
        return True

    def _tell(self, found: Checked) -> None:
        """Why it stays in shadow, with the first of the errors."""
        errors = [finding for finding in found.findings if finding.level is Level.ERROR]
        some = "; ".join(f"{one.code} {one.subject}" for one in errors[:NAMED_MAX])
        log.error(
            "channel %s is not fit to go live and stays in shadow, %d errors: %s%s. "
            "See `stockfold channel check %s`; `stockfold channel waive` lets SKUs be missing",
            self._channel.name,
            len(errors),
            some,
            " …" if len(errors) > NAMED_MAX else "",
            self._channel.name,
        )
