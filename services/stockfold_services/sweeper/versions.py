"""Asks a shop daily what it runs on; a change is told, and the channel's checks are done again."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from stockfold.domain.errors import UnavailableError
from stockfold.domain.times import SECOND_US
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.remote_versions import RemoteVersions, ask, checked, keep, read_versions
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold.runtime.shop_http import Transport

log = logging.getLogger(__name__)

LOOK_S = 30.0
OWED_S = 600
"""How soon checks that could not be done are done again, and a shop that was away is asked."""
BY = "sweeper"


async def watch_versions(
    settings: Settings, channel: ChannelSettings, shop: Transport, stop: asyncio.Event
) -> None:
    """Ask when it is due, until ``stop``. What hinders it is logged, and tried again."""
    if not channel.versions.every_s:
        return
    rest_until_us = 0
    async with shop:
        while not stop.is_set():
            now_us = SYSTEM_CLOCK.now_us()
            if now_us >= rest_until_us:
                try:
                    await _once(settings, channel, shop, now_us)
                except UnavailableError as error:
                    rest_until_us = now_us + OWED_S * SECOND_US
                    log.warning("channel %s was not asked what it runs on: %s", channel.name, error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), LOOK_S)


async def _once(settings: Settings, channel: ChannelSettings, shop: Transport, now_us: int) -> None:
    before = (await asyncio.to_thread(read_versions, settings)).get(channel.name)
    if not is_due(channel, before, now_us):
        return
    now = await checked(settings, channel, shop, await ask(channel, shop, before, BY))
    await asyncio.to_thread(keep, settings, channel, before, now)


def is_due(channel: ChannelSettings, before: RemoteVersions | None, now_us: int) -> bool:
    """Whether a shop is to be asked now."""
    if before is None or before.url != channel.url:
        return True
    wait_s = OWED_S if before.check == "not_done" else channel.versions.every_s
    return now_us - before.seen_at >= wait_s * SECOND_US
