"""Which offsets may be committed: those below the oldest that has no recorded outcome yet."""

from __future__ import annotations

import heapq

SLACK = 1_000
"""Closed offsets that may lie between open ones before they are swept out."""


class Watermark:
    """The open offsets of one partition. Offsets are opened in rising order."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._order: list[int] = []
        self._next: int | None = None

    def read(self, offset: int, *, opened: bool) -> None:
        """A record was read; ``opened`` when its outcome is still to come."""
        self._next = offset + 1
        if opened:
            self._open.add(offset)
            heapq.heappush(self._order, offset)

    def read_to(self, offset: int) -> None:
        """Every record before an offset was read; markers of transactions have offsets too."""
        self._next = max(self._next or 0, offset)

    def close(self, offset: int) -> None:
        """Its outcome is on record."""
        self._open.discard(offset)

    def to_commit(self) -> int | None:
        """The offset to commit; None before anything was read."""
        if len(self._order) > 2 * len(self._open) + SLACK:
            # One that stays open for long would keep every later one in memory.
            self._order = sorted(self._open)
        while self._order and self._order[0] not in self._open:
            heapq.heappop(self._order)
        return self._order[0] if self._order else self._next

    @property
    def open_count(self) -> int:
        """How many outcomes are to come."""
        return len(self._open)
