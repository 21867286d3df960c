"""When a partition gets its next snapshot, and how: one partition at a time.

The newest snapshot is restored, the journal behind it folded, the result saved, and the memory let
go. So the snapshotter needs the memory of one partition, not of all, whatever is restored later has
been restored before, and a restart is a round like any other.
"""

from __future__ import annotations

import logging
import threading

from stockfold.contracts.snapshots import Head
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.recovery import Batches, recover
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold.runtime.steps import step
from stockfold.runtime.telemetry import measures
from stockfold_services.snapshotter.due import Due, Journal
from stockfold_services.snapshotter.rolling_digest import RollingDigest

log = logging.getLogger(__name__)


class _StopError(Exception):
    """We were asked to stop in the middle of a fold."""


class Snapshotter:
    """Makes the snapshots of the partitions that it is given."""

    def __init__(
        self,
        settings: Settings,
        store: SnapshotStore,
        stop: threading.Event,
        *,
        journal: Journal | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._clock = clock
        self._store = store
        self._stop = stop
        self._every_s = settings.snapshots.every_s
        self._ids_max = settings.ledger.dedupe_events_max
        self._journal: Journal = journal or PartitionReader(settings)
        self._due = Due(settings, JOURNAL, self._journal, store, clock)
        self._proven: set[int] = set()
        """Partitions whose digest this process has once computed from all rows."""

    def look(self, partitions: list[int]) -> None:
        """Make the snapshots that are due. Costs one question to the broker when none is.

        KafkaException or UnavailableError (the store); what is not made is due at the next look.
        """
        for partition, end in self._due.look(partitions):
            if self._stop.is_set():
                return
            try:
                self._make(partition, end)
            except DefectError as error:
                # The ledger will not serve such a partition; we go on with the others.
                log.error("partition %d has no new snapshot: %s", partition, error)  # noqa: TRY400
                self._due.done(partition, end)

    def _make(self, partition: int, end: int) -> None:
        digest = RollingDigest()
        saved_s = self._clock.monotonic_s()

        def fold(memory: Partition, head: Head | None, batches: Batches) -> None:
            nonlocal saved_s
            digest.begin(memory, head, proven=partition in self._proven)
            for batch in batches:
                digest.before(memory, batch)
                for record in batch:
                    memory.fold(record.value(), record.offset())
                if self._stop.is_set():
                    raise _StopError
                if self._clock.monotonic_s() - saved_s >= self._every_s:
                    # Far behind: what is folded so far must not have to be folded again.
                    self._save(memory, batch[-1].offset() + 1, digest)
                    saved_s = self._clock.monotonic_s()

        try:
            memory, head = recover(
                self._journal,
                self._store,
                partition,
                self._ids_max,
                end,
                fold,
                # To fold a long journal whole, only to have nowhere to put it, would be a waste.
                needs_store=True,
            )
        except _StopError:
            return
        self._proven.add(partition)
        folded_to = memory.last[0] if memory.last is not None else -1
        if folded_to > (head.last_offset if head is not None else -1):
            self._save(memory, end, digest)
        self._due.done(partition, end)

    def _save(self, memory: Partition, next_offset: int, digest: RollingDigest) -> None:
        began_s = self._clock.monotonic_s()
        step("snapshotter.before_save")
        said = self._store.save(memory, next_offset, digest=digest.value(memory))
        step("snapshotter.after_save")
        took_s = self._clock.monotonic_s() - began_s
        measures.SNAPSHOT_MADE.labels("ledger").observe(took_s)
        log.info(
            "partition %d: snapshot at %d, %d SKUs, digest %s, written in %.2f s",
            said.partition,
            said.next_offset,
            said.skus,
            said.digest,
            took_s,
        )
