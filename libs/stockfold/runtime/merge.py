"""Merging a partition's input topics by the broker's timestamp (semantics.md, "Order of truth").

A record waits until every other topic has shown a later one or has been read to its end, and only a
bounded moment. What is then journalled is final, so a wait that runs out costs order, never truth.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Generic, TypeVar

R = TypeVar("R")


class _Topic(Generic[R]):
    __slots__ = ("at_end", "newest_ms", "rank", "records")

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.records: deque[tuple[int, int, int, R]] = deque()
        self.newest_ms = -1
        self.at_end = False


class PartitionMerge(Generic[R]):
    """The waiting records of one partition, of several topics.

    ``ranks`` orders topics at equal timestamps: facts before commands.
    """

    def __init__(self, ranks: Mapping[str, int], wait_ms: int) -> None:
        self._topics: dict[str, _Topic[R]] = {name: _Topic(rank) for name, rank in ranks.items()}
        self._wait_ms = wait_ms
        self._blocked_since_ms: int | None = None

    def add(self, topic: str, timestamp_ms: int, offset: int, record: R) -> int:
        """Queue a record; returns how many of its topic now wait.

        Offsets order a topic even where a producer's timestamps do not.
        """
        queue = self._topics[topic]
        queue.at_end = False
        queue.newest_ms = max(queue.newest_ms, timestamp_ms)
        queue.records.append((queue.newest_ms, queue.rank, offset, record))
        return len(queue.records)

    def reached_end(self, topic: str) -> None:
        """The topic has been read to its end: nothing older than now is still to come."""
        self._topics[topic].at_end = True

    def waiting(self, topic: str) -> int:
        """Records of a topic that wait."""
        return len(self._topics[topic].records)

    def __len__(self) -> int:
        return sum(len(queue.records) for queue in self._topics.values())

    def take(self, records_max: int, now_ms: int) -> Sequence[R]:
        """Records that may be processed now, in order; empty while the order is not known yet."""
        if not any(queue.records for queue in self._topics.values()):
            self._blocked_since_ms = None
            return ()
        bound = self._bound_ms()
        if bound is not None and not self._any_before(bound):
            if self._blocked_since_ms is None:
                self._blocked_since_ms = now_ms
            if now_ms - self._blocked_since_ms < self._wait_ms:
                return ()
            bound = None
        self._blocked_since_ms = None
        ready: list[tuple[int, int, int, R]] = []
        for queue in self._topics.values():
            records = queue.records
            taken = 0
            while records and taken < records_max and (bound is None or records[0][0] < bound):
                ready.append(records.popleft())
                taken += 1
        ready.sort(key=_order)
        for late in reversed(ready[records_max:]):
            self._put_back(late)
        return [entry[3] for entry in ready[:records_max]]

    def _bound_ms(self) -> int | None:
        """Records before this are in known order; None when all topics are read to their end."""
        return min(
            (
                queue.newest_ms if queue.records else -1
                for queue in self._topics.values()
                if not queue.at_end
            ),
            default=None,
        )

    def _any_before(self, bound: int) -> bool:
        return any(q.records and q.records[0][0] < bound for q in self._topics.values())

    def _put_back(self, entry: tuple[int, int, int, R]) -> None:
        for queue in self._topics.values():
            if queue.rank == entry[1]:
                queue.records.appendleft(entry)


def _order(entry: tuple[int, int, int, object]) -> tuple[int, int, int]:
    return entry[0], entry[1], entry[2]
