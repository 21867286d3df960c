"""Recovering a partition's memory: the newest good snapshot that agrees with the journal, and the
journal behind it; at worst the whole journal.

The journal is the truth. A snapshot agrees with it when the journal still holds the last record
that the snapshot folded, byte for byte, and everything behind it, and when no SKU's sequence has a
gap where the two meet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Protocol

from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.snapshots import Head
from stockfold.contracts.topics import JOURNAL, Topic
from stockfold.domain.errors import DefectError, UnavailableError
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.records import Record
from stockfold.runtime.snapshots import Snapshot, SnapshotStore

log = logging.getLogger(__name__)

Batches = Iterator[list[Record]]


class Reader(Protocol):
    """What recovery asks of the journal; ``PartitionReader`` is one."""

    def earliest(self, topic: Topic, partition: int) -> int:
        """The first offset that retention has kept."""
        ...

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Batches:
        """Committed records."""
        ...


Fold = Callable[[Partition, Head | None, Batches], None]
"""Folds the batches into the memory, which the snapshot of that head has filled, if any."""


def fold_records(memory: Partition, head: Head | None, batches: Batches) -> None:
    """The plain ``Fold``."""
    del head
    fold = memory.fold
    for batch in batches:
        for record in batch:
            fold(record.value(), record.offset())


def recover(
    reader: Reader,
    store: SnapshotStore | None,
    partition: int,
    ids_max: int,
    end: int,
    fold: Fold = fold_records,
    *,
    needs_store: bool = False,
) -> tuple[Partition, Head | None]:
    """The memory as the journal before ``end`` makes it, and the snapshot that it came from.

    Snapshots that are damaged or do not agree with the journal are passed over, each with a line in
    the log; so is a store that does not answer, unless ``needs_store``: then UnavailableError.
    DefectError when the journal itself has a gap, KafkaException when it cannot be read.
    """
    for snapshot, memory in _restored(store, partition, ids_max, end, needs_store=needs_store):
        try:
            fold(memory, snapshot.head, behind(reader, JOURNAL, snapshot.head, end))
        except (SnapshotError, DefectError) as error:
            _pass_over(snapshot, error)
            del memory  # Never two of them.
        else:
            return memory, snapshot.head
    memory = Partition(partition, ids_max)
    fold(memory, None, reader.read(JOURNAL, partition, None, end))
    return memory, None


def _restored(
    store: SnapshotStore | None, partition: int, ids_max: int, end: int, *, needs_store: bool
) -> Iterator[tuple[Snapshot, Partition]]:
    """The snapshots that can be restored, newest first; a store that fails us has no more."""
    before: int | None = None
    while store is not None:
        try:
            snapshot = store.newest(partition, before=before)
            if snapshot is None:
                return
            before = snapshot.next_offset
            if before > end:
                _pass_over(snapshot, f"the journal ends before it, at {end}")
                continue
            memory = snapshot.restore(ids_max)
        except SnapshotError as error:
            log.error("snapshot passed over: %s", error)  # noqa: TRY400  (it says it all)
        except UnavailableError as error:
            if needs_store:
                raise
            log.error("partition %d: no further snapshots: %s", partition, error)  # noqa: TRY400
            return
        else:
            if snapshot.head.ids_max != ids_max:
                log.warning(
                    "snapshot %s remembers %d event ids, here ledger.dedupe_events_max is %d: the "
                    "ledger and the snapshotter must have the same",
                    snapshot.path,
                    snapshot.head.ids_max,
                    ids_max,
                )
            yield snapshot, memory
            del memory


def _pass_over(snapshot: Snapshot, why: object) -> None:
    log.error("snapshot %s passed over: %s", snapshot.path, why)


class Place(Protocol):
    """Where a snapshot stands in its journal."""

    @property
    def partition(self) -> int:
        """The partition."""
        ...

    @property
    def next_offset(self) -> int:
        """Every record below it is folded."""
        ...

    @property
    def last_offset(self) -> int:
        """The last record that was folded."""
        ...

    @property
    def last_value(self) -> bytes:
        """Its bytes."""
        ...


def behind(reader: Reader, journal: Topic, head: Place, end: int) -> Batches:
    """The records behind a snapshot. SnapshotError when the journal is not the one it was made of.

    What the journal's retention has removed cannot be compared; a journal that begins exactly
    behind the snapshot, or before, still carries on from it.
    """
    partition = head.partition
    earliest = reader.earliest(journal, partition)
    if earliest > head.last_offset:
        if earliest > head.next_offset:
            raise SnapshotError(
                f"the journal begins at {earliest}, the snapshot ends at {head.next_offset}: "
                "what lies between is gone",
                remedy="Restore the journal from its archive.",
            )
        yield from reader.read(journal, partition, head.next_offset, end)
        return
    batches = reader.read(journal, partition, head.last_offset, end)
    first = next(batches, [])
    if not first or (first[0].offset(), first[0].value()) != (head.last_offset, head.last_value):
        raise SnapshotError(
            f"the journal holds another record at offset {head.last_offset}: the snapshot was made "
            "from another journal",
            remedy="Delete the snapshots of journals that are no more.",
        )
    yield first[1:]
    yield from batches
