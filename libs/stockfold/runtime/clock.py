"""The clock, passed to whoever needs one, so that tests can turn it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What time it is."""

    def now_us(self) -> int:
        """UTC microseconds since 1970; may step when the machine's clock is set."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back; for time-outs only."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_us(self) -> int:
        """See ``Clock.now_us``."""
        return time.time_ns() // 1_000

    def monotonic_s(self) -> float:
        """See ``Clock.monotonic_s``."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See ``Clock.sleep``."""
        time.sleep(seconds)


class ManualClock:
    """A clock that only moves when told: for tests and simulation."""

    def __init__(self, now_us: int = 0) -> None:
        self._now_us = now_us
        self._passed_us = 0

    def now_us(self) -> int:
        """See ``Clock.now_us``."""
        return self._now_us

    def monotonic_s(self) -> float:
        """See ``Clock.monotonic_s``."""
        return self._passed_us / 1_000_000

    def sleep(self, seconds: float) -> None:
        """See ``Clock.sleep``."""
        self.advance_us(round(seconds * 1_000_000))

    def advance_us(self, us: int) -> None:
        """Let ``us`` microseconds pass; ValueError when negative."""
        if us < 0:
            raise ValueError("time does not run backwards")
        self._now_us += us
        self._passed_us += us


SYSTEM_CLOCK = SystemClock()
