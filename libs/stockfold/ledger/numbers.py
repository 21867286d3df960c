"""The event numbers that one source has used for one SKU."""

from __future__ import annotations

RECENT_MAX = 64
"""Numbers whose payload is remembered, so that a conflict can be told from a repeat."""


class Numbers:
    """The numbers of one source: everything from ``first`` through ``through``, and some above."""

    __slots__ = ("above", "first", "recent", "through")

    def __init__(self, first: int) -> None:
        self.first = first
        self.through = first - 1
        self.above: set[int] = set()
        self.recent: dict[int, int] = {}

    def has(self, number: int) -> bool:
        """Whether the number was accepted; numbers before the first never were."""
        return self.first <= number <= self.through or number in self.above

    def add(self, number: int, payload: int) -> None:
        """Accept a number."""
        self.above.add(number)
        while self.through + 1 in self.above:
            self.through += 1
            self.above.remove(self.through)
        self.recent[number] = payload
        if len(self.recent) > RECENT_MAX:
            del self.recent[next(iter(self.recent))]

    def leaves_gap(self, number: int) -> bool:
        """Whether accepting the number skips others."""
        return number > max(self.above, default=self.through) + 1

    def row(self) -> list[object]:
        """Canonical content, for digests."""
        return [self.first, self.through, sorted(self.above), sorted(self.recent.items())]
