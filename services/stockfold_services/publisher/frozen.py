"""Notices that a channel has work and gets nothing done: an alert, once, and its end.

It is frozen for its merchants whatever the reason: a shop that refuses our key, one that is away,
or a lease that does not come. Nothing is lost meanwhile. A process that is gone altogether says
nothing here: `stockfold listings --differs waiting` and the monitor's canary show it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from stockfold.runtime.clock import Clock

log = logging.getLogger(__name__)

LOOK_S = 1.0
KIND = "channel_frozen"
REMEDY = (
    "See `stockfold channel check` of it: permissions, limits, time. Nothing is lost; it goes on "
    "by itself when the shop serves."
)


class Alerts(Protocol):
    """Where alerts are put on record."""

    async def alert(self, kind: str, reason: str, remedy: str) -> None:
        """Put one on record; raises when it is not."""
        ...


class Work(Protocol):
    """What is watched: ``Connection``."""

    def has_work(self) -> bool:
        """Whether something is due, or under way, that nobody has asked to wait."""
        ...

    def done_count(self) -> int:
        """How many outcomes there have been since the start."""
        ...

    def hindered_by(self) -> str:
        """What the matter is, as far as it is known."""
        ...


class Progress:
    """Since when nothing has been done although there was work. Pure; monotonic seconds."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._since_s: float | None = None
        self._done = 0
        self.is_frozen = False

    def look(self, now_s: float, *, has_work: bool, done: int) -> bool:
        """Take note; True when ``is_frozen`` has just changed."""
        if done != self._done or not has_work or self._since_s is None:
            self._done, self._since_s = done, now_s
        before = self.is_frozen
        self.is_frozen = has_work and now_s - self._since_s >= self._after_s
        return self.is_frozen != before


async def watch(
    name: str,
    work: Work,
    alerts: Alerts,
    clock: Clock,
    after_s: float,
    seen: Callable[[bool], None] = lambda _: None,
) -> None:
    """Raise an alert each time the channel freezes, until cancelled.

    ``seen`` is told at each look whether it is frozen.
    """
    progress = Progress(after_s)
    while True:
        await asyncio.sleep(LOOK_S)
        now_s = clock.monotonic_s()
        has_changed = progress.look(now_s, has_work=work.has_work(), done=work.done_count())
        seen(progress.is_frozen)
        if not has_changed:
            continue
        if not progress.is_frozen:
            log.warning("channel %s moves again; the alert is over", name)
            continue
        reason = f"channel {name} has work and has done none for {after_s:.0f} s: " + (
            work.hindered_by() or "no reason is known"
        )
        log.error("%s. To do: %s", reason, REMEDY)
        await alerts.alert(KIND, reason, REMEDY)
