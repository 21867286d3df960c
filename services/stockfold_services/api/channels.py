"""In which mode each connection is, asked of Kafka at most every few seconds."""

from __future__ import annotations

import asyncio
import logging

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.channel_modes import ChannelMode, channel_modes
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

FRESH_S = 5.0


class Channels:
    """The connections of the settings. Nothing is asked before the first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: list[ChannelMode] = []
        self._asked_s: float | None = None
        self._asking = asyncio.Lock()

    async def all(self) -> list[ChannelMode]:
        """Every channel, seconds old at most. UnavailableError when Kafka does not answer."""
        async with self._asking:
            now_s = SYSTEM_CLOCK.monotonic_s()
            if self._asked_s is None or now_s - self._asked_s > FRESH_S:
                self._known = await channel_modes(self._settings)
                self._asked_s = SYSTEM_CLOCK.monotonic_s()
            return self._known

    async def or_none(self) -> list[ChannelMode]:
        """The same for a page that has more to tell: none while nobody can say."""
        if not self._settings.channels:
            return []
        try:
            return await self.all()
        except UnavailableError as error:
            log.warning("%s", error)
            return []
