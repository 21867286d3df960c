"""How many requests at once, and how many items in each, by what the shop was measured at. Pure.

one more at once ──▶ more items a second? ──yes──▶ it stays
                              └──no──▶ one fewer, not tried again for ten minutes
trouble ──▶ half as many
"""

from __future__ import annotations

from collections import deque

import msgspec

ITEMS_SMALL = 20
"""A batch of so many is worth its request; a small backlog goes out in such, to be there sooner."""
ITEMS_LARGE = 100
ITEMS_LEAST = 5
SAMPLES = 3
"""Writes of a level that are measured before it is judged."""
SAMPLE_ITEMS = 10
"""Fewer items than this say little about a shop's pace."""
WORTH = 1.15
"""What one more at once must gain."""
BEGUN_MAX = 10_000
"""Requests of a minute that are counted; no shop serves so many."""
REST_S = 600.0
TROUBLE_REST_S = 60.0
SMOOTH = 0.3


class Limits(msgspec.Struct, frozen=True):
    """Of one connection: see ``[channels.pace]``."""

    in_flight_start: int = 2
    in_flight_max: int = 2
    requests_per_s: float | None = None
    batch_s: float = 4.0
    frozen_after_s: float = 300.0
    items_max: int = ITEMS_LARGE
    """More than usual for a channel that takes whole feeds, however long it is at them."""


class Pace:
    """What may be under way at once. Times are monotonic seconds."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = limits.in_flight_start
        self.item_s: float | None = None
        self._begun_s: deque[float] = deque(maxlen=BEGUN_MAX)
        self._rates: dict[int, float] = {}
        self._samples: list[float] = []
        self._rests_until_s: dict[int, float] = {}
        self._next_at_s = 0.0

    def wait_s(self, now_s: float) -> float:
        """How long the limit of requests a second has the next one wait."""
        return max(self._next_at_s - now_s, 0.0)

    def began(self, now_s: float) -> None:
        """A request goes out."""
        self._begun_s.append(now_s)
        if self.limits.requests_per_s is not None:
            self._next_at_s = max(self._next_at_s, now_s) + 1.0 / self.limits.requests_per_s

    def last_minute(self, now_s: float) -> int:
        """How many requests went out in the last minute."""
        while self._begun_s and self._begun_s[0] <= now_s - 60.0:
            self._begun_s.popleft()
        return len(self._begun_s)

    def items_max(self, due: int) -> int:
        """How many items the next write may have, with so many updates due.

        Each of those at once gets two turns at a backlog, but no turn is smaller than is worth it,
        nor longer than ``batch_s``.
        """
        if self.limits.items_max > ITEMS_LARGE:
            return self.limits.items_max
        deserved = min(max(-(-due // (2 * self.in_flight)), ITEMS_SMALL), ITEMS_LARGE)
        if self.item_s is None:
            return deserved
        return min(deserved, max(int(self.limits.batch_s / self.item_s), ITEMS_LEAST))

    def written(self, items: int, took_s: float, in_flight: int, now_s: float) -> None:
        """A write was served, with so many requests at once; may move the number at once."""
        if items < 1 or took_s <= 0:
            return
        item_s = took_s / items
        known = self.item_s
        self.item_s = item_s if known is None else known + SMOOTH * (item_s - known)
        if items < SAMPLE_ITEMS or in_flight != self.in_flight:
            return
        self._samples.append(in_flight / item_s)
        if len(self._samples) >= SAMPLES:
            self._judge(sum(self._samples) / len(self._samples), now_s)

    def _judge(self, rate: float, now_s: float) -> None:
        level = self.in_flight
        self._samples = []
        self._rates[level] = rate
        before = self._rates.get(level - 1)
        if before is not None and rate < WORTH * before:
            self._rests_until_s[level] = now_s + REST_S
            del self._rates[level]
            self.in_flight = level - 1
        elif level < self.limits.in_flight_max and now_s >= self._rests_until_s.get(level + 1, 0):
            self.in_flight = level + 1

    def troubled(self, now_s: float) -> None:
        """The shop did not serve: it gets half as many for a minute."""
        for level in range(2, self.limits.in_flight_max + 1):
            until_s = now_s + TROUBLE_REST_S
            self._rests_until_s[level] = max(self._rests_until_s.get(level, 0.0), until_s)
        self.in_flight = max(self.in_flight // 2, 1)
        self._samples = []
        self._rates = {}
