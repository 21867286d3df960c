"""How much somebody may ask or send: so many a second, and a burst."""

from __future__ import annotations

import math
import time

BURST_S = 2
BURST_EVENTS_MIN = 512


class Rate:
    """What is left to somebody: it grows with time, up to a burst."""

    def __init__(self) -> None:
        self._at_s = time.monotonic()
        self._left = math.inf

    def wait_s(self, per_s: int, count: int, burst_min: int = BURST_EVENTS_MIN) -> int:
        """Take ``count``; or whole seconds until they may be taken, and nothing is taken."""
        now_s = time.monotonic()
        burst = max(BURST_S * per_s, burst_min)
        self._left = min(self._left + (now_s - self._at_s) * per_s, burst)
        self._at_s = now_s
        if count > self._left:
            return max(math.ceil((count - self._left) / per_s), 1)
        self._left -= count
        return 0
