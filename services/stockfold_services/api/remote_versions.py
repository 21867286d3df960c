"""What runs at the other end of each channel, read from its topic every few seconds at most."""

from __future__ import annotations

import asyncio

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.remote_versions import RemoteVersions, read_versions
from stockfold.runtime.settings import Settings

READ_S_MAX = 5.0
FRESH_S = 5.0


class Remotes:
    """What the sweeper has seen of the channels that the settings name."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._known: dict[str, RemoteVersions] = {}
        self._read_s: float | None = None
        self._reading = asyncio.Lock()

    async def all(self) -> list[RemoteVersions]:
        """By channel; none without channels. UnavailableError when Kafka does not answer."""
        names = {channel.name for channel in self._settings.channels}
        if not names:
            return []
        async with self._reading:
            if self._read_s is None or SYSTEM_CLOCK.monotonic_s() - self._read_s > FRESH_S:
                self._known = await self._read()
                self._read_s = SYSTEM_CLOCK.monotonic_s()
        return [self._known[name] for name in sorted(names & self._known.keys())]

    async def _read(self) -> dict[str, RemoteVersions]:
        try:
            reading = asyncio.to_thread(read_versions, self._settings)
            return await asyncio.wait_for(reading, READ_S_MAX)
        except TimeoutError:
            raise UnavailableError(
                "what runs at the channels was not read in time",
                where=f"Kafka at {self._settings.kafka.bootstrap}",
                remedy="Ask again when the broker is there.",
            ) from None
