"""Lines of a SKU by rank, the least first: those that wait, those that will lapse.

A busy SKU may have thousands of either, and asks for the first of them at nearly every event. What
holds is ``ranks``. An entry of the heap that says otherwise is out of date and passed over; when
most of them are, as in a follower that never asks, the heap is made anew.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush

Key = tuple[str, str]
"""(order, line)."""
Rank = tuple[int, int]

_SPARE = 64
"""Entries that may be out of date however few lines there are."""


class Ranked:
    """Some lines, each with a rank; equal ranks go by the line's key."""

    __slots__ = ("_heap", "ranks")

    def __init__(self) -> None:
        self.ranks: dict[Key, Rank] = {}
        self._heap: list[tuple[Rank, Key]] = []

    def __len__(self) -> int:
        return len(self.ranks)

    def put(self, key: Key, rank: Rank) -> None:
        """Add a line, or give it another rank."""
        ranks = self.ranks
        if ranks.get(key) == rank:
            return
        ranks[key] = rank
        if len(self._heap) > 2 * len(ranks) + _SPARE:
            self._heap = [(known, line) for line, known in ranks.items()]
            heapify(self._heap)
        else:
            heappush(self._heap, (rank, key))

    def drop(self, key: Key) -> None:
        """Without the line, if it is there."""
        self.ranks.pop(key, None)

    def first(self) -> Rank | None:
        """The least rank."""
        heap, ranks = self._heap, self.ranks
        while heap:
            rank, key = heap[0]
            if ranks.get(key) == rank:
                return rank
            heappop(heap)
        return None

    def take_first(self) -> Key | None:
        """The line of the least rank, which is not looked at again until it is put back."""
        if self.first() is None:
            return None
        rank, key = heappop(self._heap)
        while self._heap and self._heap[0] == (rank, key):  # It had another rank meanwhile.
            heappop(self._heap)
        return key

    def put_back(self, keys: list[Key]) -> None:
        """Lines that were taken, as far as they are still there."""
        for key in keys:
            if (rank := self.ranks.get(key)) is not None:
                heappush(self._heap, (rank, key))
