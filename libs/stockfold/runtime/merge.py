"""Merging a partition's input topics by the broker's timestamp (semantics.md, "Order of truth").

A record waits until every other topic has shown a later one or has been read to its end, and only a
bounded moment. What is then journalled is final, so a wait that runs out costs order, never truth.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import itemgetter

from stockfold.runtime.records import LoopRecord

_RANK, _RECORD = itemgetter(1), itemgetter(3)


class _Topic:
    __slots__ = ("at_end", "newest_ms", "rank", "records")

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.records: list[tuple[int, int, int, LoopRecord]] = []
        """(newest timestamp up to here, rank, offset, record): in order as they are."""
        self.newest_ms = -1
        self.at_end = False


class PartitionMerge:
    """The waiting records of one partition, of several topics.

    ``ranks`` orders topics at equal timestamps: facts before commands.
    """

    def __init__(self, ranks: Mapping[str, int], wait_ms: int) -> None:
        self._topics: dict[str, _Topic] = {name: _Topic(rank) for name, rank in ranks.items()}
        self._wait_ms = wait_ms
        self._blocked_since_ms: int | None = None
        self._count = 0

    def extend(self, topic: str, records: Sequence[LoopRecord]) -> int:
        """Queue records of one topic; returns how many of it now wait.

        Offsets order a topic even where a producer's timestamps do not.
        """
        queue = self._topics[topic]
        queue.at_end = False
        newest, rank, append = queue.newest_ms, queue.rank, queue.records.append
        for record in records:
            if record.at_ms > newest:  # noqa: PLR1730  (a call for each record costs more)
                newest = record.at_ms
            append((newest, rank, record.at_offset, record))
        queue.newest_ms = newest
        self._count += len(records)
        return len(queue.records)

    def reached_end(self, topic: str) -> None:
        """The topic has been read to its end: nothing older than now is still to come."""
        self._topics[topic].at_end = True

    def waiting(self, topic: str) -> int:
        """Records of a topic that wait."""
        return len(self._topics[topic].records)

    def __len__(self) -> int:
        return self._count

    def take(self, records_max: int, now_ms: int) -> Sequence[LoopRecord]:
        """Records that may be processed now, in order; empty while the order is not known yet."""
        if not self._count:
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
        ready: list[tuple[int, int, int, LoopRecord]] = []
        for queue in self._topics.values():
            end = records_max if bound is None else bisect_left(queue.records, (bound,))
            ready += queue.records[: min(end, records_max)]
        # (timestamp, rank, offset) is unique, so the records themselves are never compared.
        ready.sort()
        del ready[records_max:]
        self._count -= len(ready)
        taken = Counter(map(_RANK, ready))
        for queue in self._topics.values():
            del queue.records[: taken[queue.rank]]
        return list(map(_RECORD, ready))

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
