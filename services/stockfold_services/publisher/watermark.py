"""Which offsets may be committed: those below the oldest that has no recorded outcome yet."""

from __future__ import annotations

import heapq


class Watermark:
    """The open offsets of one partition. Offsets are opened in rising order."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._order: list[int] = []
        self._next: int | None = None
        self._committed: int | None = None

    def read(self, offset: int, *, opened: bool) -> None:
        """A record was read; ``opened`` when its outcome is still to come."""
        self._next = offset + 1
        if opened:
            self._open.add(offset)
            heapq.heappush(self._order, offset)

    def close(self, offset: int) -> None:
        """Its outcome is on record."""
        self._open.discard(offset)

    def to_commit(self) -> int | None:
        """The offset to commit, when it has moved since the last one."""
        while self._order and self._order[0] not in self._open:
            heapq.heappop(self._order)
        mark = self._order[0] if self._order else self._next
        return None if mark == self._committed else mark

    def committed(self, offset: int) -> None:
        """It was committed."""
        self._committed = offset

    @property
    def open_count(self) -> int:
        """How many outcomes are to come."""
        return len(self._open)
