"""Notices that the process stood still: stopped, suspended, or its machine paused.

Meanwhile the group may have given the channel to somebody else, and the shop cannot tell an old
write from a new one. So whoever wakes up must not send what it had in hand.
"""

from __future__ import annotations

import asyncio

from stockfold.domain.errors import UnavailableError

LOOK_S = 0.5


class Awake:
    """``watch`` runs beside the work; ``prove`` is called right before something is sent."""

    def __init__(self, where: str, pause_s_max: float) -> None:
        """``pause_s_max`` must be below the session time-out of the group."""
        self._where = where
        self._pause_s_max = pause_s_max
        self._seen_s: float | None = None

    async def watch(self) -> None:
        """Look at the clock until cancelled. UnavailableError after a pause."""
        while True:
            self.prove()
            self._seen_s = asyncio.get_running_loop().time()
            await asyncio.sleep(LOOK_S)

    def prove(self) -> None:
        """UnavailableError when the process has stood still for too long."""
        if self._seen_s is None:
            return
        away_s = asyncio.get_running_loop().time() - self._seen_s
        if away_s > self._pause_s_max:
            raise UnavailableError(
                f"the process stood still for {away_s:.1f} s; others may serve the channel by now",
                where=self._where,
                remedy="None needed: the connection starts anew, and sends nothing that is old.",
            )
