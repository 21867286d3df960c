"""Blocking work of the console in threads: so many at once, and no page waits for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from stockfold.domain.errors import UnavailableError
from stockfold_services.api.problems import Problem

T = TypeVar("T")

AT_ONCE = 4
WAITING_MAX = 12
LOOK_S_MAX = 20.0
ACT_S_MAX = 90.0


class Bounded:
    """Runs functions in a few threads of its own. A thread that hangs keeps its place."""

    def __init__(self, at_once: int = AT_ONCE, waiting_max: int = WAITING_MAX) -> None:
        self._pool = ThreadPoolExecutor(at_once, "console")
        self._waiting_max = waiting_max
        self._under_way = 0

    async def look(self, function: Callable[..., T], *args: object) -> T:
        """What it gives. UnavailableError when it takes too long, Problem 503 when too many ask."""
        return await self._run(
            function, args, LOOK_S_MAX, "Kafka may be away or busy. Try again in a moment."
        )

    async def act(self, function: Callable[..., T], *args: object) -> T:
        """The same of what changes something: it goes on when nobody waits any more."""
        return await self._run(
            function, args, ACT_S_MAX, "It may still be done: see the audit before you try again."
        )

    async def _run(
        self, function: Callable[..., T], args: tuple[object, ...], s_max: float, remedy: str
    ) -> T:
        if self._under_way >= self._waiting_max:
            raise Problem(503, "Busy", "Too many ask at once. Try again.", retry_after_s=5)
        self._under_way += 1
        running = asyncio.get_running_loop().run_in_executor(self._pool, function, *args)
        running.add_done_callback(self._ended)
        try:
            return await asyncio.wait_for(asyncio.shield(running), s_max)
        except TimeoutError as error:
            raise UnavailableError(f"it took longer than {s_max:.0f} s", remedy=remedy) from error

    def _ended(self, running: asyncio.Future[T]) -> None:
        self._under_way -= 1
        # What failed after everybody had gone is told in the audit.
        if not running.cancelled():
            running.exception()

    def close(self) -> None:
        """Take no more; what is under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
