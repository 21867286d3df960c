"""Positions and summaries of a partition, folded from its journal, as rows of the read model."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal, Protocol

import msgspec

from stockfold.contracts.places import Record as PlaceRecord
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import SettingsError
from stockfold.runtime.batch_reader import BatchReader
from stockfold.runtime.journal_fold import JournalFold
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store
from stockfold_services.projector.rows import Row, position_row, summary_row

log = logging.getLogger(__name__)

Path = Literal["bulk", "scalar"]
Tell = Callable[[int], None]
"""Told how many records have been read since the last time."""

NO_RECORD = -1
"""``record_offset`` of a row that was folded, not read from the positions topic."""


class Folded(msgspec.Struct):
    """What the fold of a partition gave."""

    facts: int
    skus: int
    positions: list[Row]
    summaries: list[Row]


class Fold(Protocol):
    """One of the two ways."""

    facts: int

    @property
    def skus(self) -> int:
        """SKUs that have facts, once all was read."""
        ...

    def add(self, records: list[Record]) -> None:
        """Take records of the journal, in order."""
        ...

    def records(self) -> Iterable[PlaceRecord]:
        """The record of every place that was changed."""
        ...


def choose_path(wanted: Path | None) -> Path:
    """The path to take: bulk where numpy is installed, unless told otherwise."""
    installed = find_spec("numpy") is not None
    if wanted == "bulk" and not installed:
        raise SettingsError(
            "the bulk path needs numpy, which is not installed",
            where="the extra `bulk`",
            remedy="Run `pip install 'stockfold[bulk]'`, or rebuild with --path scalar.",
        )
    return wanted or ("bulk" if installed else "scalar")


@contextmanager
def open_batches(settings: Settings, path: Path) -> Iterator[BatchReader | None]:
    """What the bulk path reads with; None where it reads record by record.

    That is on the scalar path, and with security options that only librdkafka has.
    """
    if path == "scalar":
        yield None
        return
    try:
        batches = BatchReader(settings)
    except SettingsError as error:
        log.info("the journal is read record by record, which takes longer: %s", error)
        yield None
        return
    with batches:
        yield batches


def fold_partition(
    reader: PartitionReader,
    partition: int,
    end: int,
    path: Path,
    tell: Tell,
    batches: BatchReader | None = None,
) -> Folded:
    """Fold a partition's journal up to before ``end``; the bulk path from ``batches``, if given."""
    if path == "scalar":
        return _fold(JournalFold(partition), reader, partition, end, tell)
    from stockfold.runtime.journal_arrays import NotColumnar  # noqa: PLC0415  (an extra)
    from stockfold.runtime.journal_columns import JournalColumns  # noqa: PLC0415  (an extra)

    try:
        columns = JournalColumns(partition)
        if batches is None:
            return _fold(columns, reader, partition, end, tell)
        start = reader.earliest(JOURNAL, partition)
        with _no_collector():
            for part in batches.read(JOURNAL, partition, start, end):
                tell(columns.add_batches(part, start, end))
            return _folded(columns, partition)
    except NotColumnar:
        log.info("partition %d holds records of an earlier release: folded one by one", partition)
        return _fold(JournalFold(partition), reader, partition, end, tell)


def fold_from_snapshot(
    settings: Settings, reader: PartitionReader, partition: int, end: int, tell: Tell
) -> JournalFold:
    """The newest snapshot whose digest proves right, and the journal behind it, up to ``end``.

    Without a snapshot it is the fold of the whole journal. ``touched`` is of the tail only.
    """
    snapshot = open_store(settings).newest(partition, before=end + 1)
    fold, start = JournalFold(partition), None
    if snapshot is None:
        log.warning("partition %d has no snapshot: its whole journal is folded", partition)
    else:
        memory = snapshot.restore(verify=True)
        fold, start = JournalFold(partition, memory.skus), snapshot.next_offset
        fold.facts = memory.facts
        log.info("partition %d: %s", partition, snapshot.path)
    for batch in reader.read(JOURNAL, partition, start, end):
        fold.add(batch)
        tell(len(batch))
    return fold


def _fold(fold: Fold, reader: PartitionReader, partition: int, end: int, tell: Tell) -> Folded:
    with _no_collector():
        for batch in reader.read(JOURNAL, partition, None, end):
            fold.add(batch)
            tell(len(batch))
        return _folded(fold, partition)


def _folded(fold: Fold, partition: int) -> Folded:
    positions, summaries = as_rows(fold.records(), partition)
    return Folded(fold.facts, fold.skus, positions, summaries)


@contextmanager
def _no_collector() -> Iterator[None]:
    """Without the search for cycles: a fold makes none, and it takes a fifth of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def as_rows(records: Iterable[PlaceRecord], partition: int) -> tuple[list[Row], list[Row]]:
    """Records as rows of positions and of sku_summaries."""
    positions: list[Row] = []
    summaries: list[Row] = []
    for record in records:
        if "location" in record:
            positions.append(position_row(record, partition, NO_RECORD))
        else:
            summaries.append(summary_row(record, partition, NO_RECORD))
    return positions, summaries
