"""Which offsets may be committed: those below the oldest that has no recorded outcome yet."""

from __future__ import annotations

import heapq

from stockfold_services.publisher.wanted import Finished, Wanted

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
    def next_offset(self) -> int | None:
        """The offset after the last record that was read; None before any."""
        return self._next

    @property
    def open_count(self) -> int:
        """How many outcomes are to come."""
        return len(self._open)


class LeftOpen:
    """What was applied without being final: its offset stays open until something ends it.

    After a kill it is read again, and what was taken away for unseen sales is put back.
    """

    def __init__(self) -> None:
        self._open: dict[str, Finished] = {}

    def ended_by(self, one: Finished) -> list[Wanted]:
        """Those whose offsets an outcome closes."""
        sku, ended = one.wanted.sku, []
        before = self._open.get(sku)
        if before is not None and one.closes(before):
            ended.append(self._open.pop(sku).wanted)
        if one.final:
            return [*ended, one.wanted]
        self._open[sku] = one
        return [wanted for wanted in ended if wanted.version != one.wanted.version]

    def drop(self, partition: int) -> None:
        """Forget a partition that somebody else serves now."""
        for sku in [s for s, one in self._open.items() if one.wanted.partition == partition]:
            del self._open[sku]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._open)
