"""Time that goes by as fast as there is nothing to do: an hour of waiting takes no time at all."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

from stockfold.domain.times import SECOND_US


class _Jumping(selectors.SelectSelector):
    """Never waits: ``jump`` is told how long it would have."""

    def __init__(self) -> None:
        super().__init__()
        self.jump: Callable[[float], None] = lambda _: None

    def select(self, timeout: float | None = None) -> list[Any]:
        found = super().select(0)
        if found or timeout == 0:
            return found
        if timeout is None:
            raise RuntimeError("everything waits for something that will never happen")
        self.jump(timeout)
        return found


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next moment that somebody waits for.

    ``passed`` is told each step of it in seconds. What is meant for a thread is done at once: while
    one worked, time would run away.
    """

    def __init__(self) -> None:
        selector = _Jumping()
        self._now_s = 0.0
        self.passed: Callable[[float], None] = lambda _: None
        super().__init__(selector)
        selector.jump = self._jump

    def time(self) -> float:
        """Seconds since the beginning."""
        return self._now_s

    def _jump(self, seconds: float) -> None:
        self._now_s += seconds
        self.passed(seconds)

    def run_in_executor(  # type: ignore[override] # typeshed types the arguments by their function
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """Do it now."""
        del executor
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to whoever awaits it
            done.set_exception(error)
        return done


class VirtualClock:
    """The clock of a ``VirtualLoop`` that began at ``began_s``, UTC seconds since 1970."""

    def __init__(self, loop: VirtualLoop, began_s: float) -> None:
        self._loop = loop
        self._began_us = round(began_s * SECOND_US)

    def now_us(self) -> int:
        """See ``Clock.now_us``."""
        return self._began_us + round(self._loop.time() * SECOND_US)

    def monotonic_s(self) -> float:
        """See ``Clock.monotonic_s``."""
        return self._loop.time()

    def sleep(self, seconds: float) -> None:
        """Nobody in an event loop may wait like this."""
        raise RuntimeError(f"a wait of {seconds} s would stop the event loop")
