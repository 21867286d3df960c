"""When a partition's snapshot is due: by age, or by the records behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from stockfold.contracts.topics import ORDER_JOURNAL, Topic
from stockfold.runtime.clock import Clock
from stockfold.runtime.recovery import Reader
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshot_folder import SnapshotFolder
from stockfold.runtime.telemetry import measures


class Journal(Reader, Protocol):
    """A journal as it is followed; ``PartitionReader`` reads the real one."""

    def committed_ends(self, topic: Topic, partitions: Iterable[int]) -> dict[int, int]:
        """By partition the offset after what is committed now."""
        ...


@dataclass(slots=True)
class _Made:
    """The journal offset up to which a partition is done, and when that was."""

    next_offset: int
    at_s: float


class Due:
    """Watches the partitions of one journal."""

    def __init__(
        self,
        settings: Settings,
        topic: Topic,
        journal: Journal,
        store: SnapshotFolder,
        clock: Clock,
    ) -> None:
        self._every_s = settings.snapshots.every_s
        self._records_max = settings.snapshots.records_max
        self._topic = topic
        self._journal = journal
        self._store = store
        self._clock = clock
        self._made: dict[int, _Made] = {}
        self._journal_name = "orders" if topic is ORDER_JOURNAL else "ledger"

    def look(self, partitions: Iterable[int]) -> list[tuple[int, int]]:
        """(partition, end of its committed journal) where a snapshot is due.

        KafkaException or UnavailableError (the store).
        """
        for gone in self._made.keys() - set(partitions):
            del self._made[gone]
        now_s = self._clock.monotonic_s()
        due = []
        tail, age_s = 0, 0.0
        for partition, end in self._journal.committed_ends(self._topic, partitions).items():
            made = self._made.get(partition)
            if made is None:
                newest = self._store.offsets(partition)[-1:]
                made = self._made[partition] = _Made(newest[0] if newest else 0, now_s)
            behind = end - made.next_offset
            if behind:
                tail, age_s = max(tail, behind), max(age_s, now_s - made.at_s)
            if behind and (now_s - made.at_s >= self._every_s or behind >= self._records_max):
                due.append((partition, end))
        measures.SNAPSHOT_TAIL.labels(self._journal_name).set(tail)
        measures.SNAPSHOT_AGE.labels(self._journal_name).set(age_s)
        return due

    def done(self, partition: int, end: int) -> None:
        """A partition needs nothing until there is more behind this journal offset."""
        self._made[partition] = _Made(end, self._clock.monotonic_s())
