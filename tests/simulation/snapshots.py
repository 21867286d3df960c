"""Snapshots in a history, by the production snapshotter at random moments; some are damaged."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from itertools import count
from random import Random

import fsspec

from stockfold.contracts.topics import JOURNAL, Topic
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import Snapshot, SnapshotStore
from stockfold_services.snapshotter.snapshotter import Snapshotter

from .kafka_log import Entry, Log, Partition
from .world import World

FOLDER = "simulation"
LOOKS_S = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0)
DAMAGED_CHANCE = 0.2
_numbers = count()


class CommittedJournal:
    """The journal as a follower sees it that is never refused anything."""

    def __init__(self, log: Log, topic: Topic = JOURNAL) -> None:
        self._log = log
        self._topic = topic

    def _partition(self, number: int) -> Partition:
        return self._log.partition((self._topic.name, number))

    def committed_ends(self, topic: Topic, partitions: Iterable[int]) -> dict[int, int]:
        del topic
        return {number: self._partition(number).stable for number in partitions}

    def earliest(self, topic: Topic, partition: int) -> int:
        del topic, partition
        return 0

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[Entry]]:
        del topic
        below = self._partition(partition).stable if end is None else end
        kept = [
            entry
            for entry in self._partition(partition).committed()
            if (start or 0) <= entry.offset() < below
        ]
        if kept:
            yield kept


class CountingStore(SnapshotStore):
    """Knows how many snapshots were found in it."""

    found = 0

    def newest(self, partition: int, *, before: int | None = None) -> Snapshot | None:
        """See ``SnapshotStore.newest``."""
        snapshot = super().newest(partition, before=before)
        self.found += snapshot is not None
        return snapshot


class Snapshots:
    """The snapshots of every other history; its own dice leave those of the history alone."""

    def __init__(self, world: World, log: Log, settings: Settings) -> None:
        self._world = world
        self._random = Random(f"snapshots/{world.seed}")
        self._path = f"/{FOLDER}/{next(_numbers)}"
        self._partitions = list(range(settings.kafka.sku_partitions))
        self.store: CountingStore | None = None
        self.made = self.damaged = 0
        if world.seed % 2:
            return
        self.store = CountingStore(f"memory:/{self._path}")
        self._snapshotter = Snapshotter(
            settings, self.store, threading.Event(), journal=CommittedJournal(log), clock=world
        )
        for at_s in (0.0, *self._random.sample(LOOKS_S, self._random.randint(1, len(LOOKS_S)))):
            world.at(at_s, self._look)

    def _look(self) -> None:
        assert self.store is not None
        before = {number: self.store.offsets(number) for number in self._partitions}
        self._snapshotter.look(self._partitions)
        for number, known in before.items():
            for offset in set(self.store.offsets(number)) - set(known):
                self.made += 1
                self._world.tell("snapshotter", f"partition {number}: snapshot at {offset}")
                if self._random.random() < DAMAGED_CHANCE:
                    self._damage(number, offset)

    def _damage(self, number: int, offset: int) -> None:
        files = fsspec.filesystem("memory")
        path = f"{self._path}/{number}/{offset:020d}.snapshot"
        raw = files.cat_file(path)
        at = self._random.randrange(len(raw))
        cut = self._random.random() < 0.5
        files.pipe_file(path, raw[:at] if cut else raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
        self.damaged += 1
        self._world.tell("snapshotter", f"partition {number}: that snapshot is damaged")

    def close(self) -> None:
        """Forget them."""
        files = fsspec.filesystem("memory")
        if files.exists(self._path):
            files.rm(self._path, recursive=True)
