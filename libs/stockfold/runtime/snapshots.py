"""The snapshots of the ledger's journal, as files with a digest: see ``snapshot_folder``.

One that is damaged is skipped for the one before it.
"""

from __future__ import annotations

import logging
from typing import Any

import msgspec

from stockfold.contracts import snapshots
from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.journal import decode_entry
from stockfold.contracts.snapshots import Head
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.domain.times import format_us
from stockfold.ledger.digest import digest as digest_of
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.resting_skus import Skus
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshot_folder import DESCRIPTION, SnapshotFolder, told, url_of

log = logging.getLogger(__name__)


class Description(msgspec.Struct, frozen=True):
    """What the JSON file beside a snapshot says."""

    partition: int
    next_offset: int
    digest: str
    skus: int
    facts: int
    recorded_at: str
    """When the ledger recorded the last record in it, RFC 3339."""
    format_version: int


class Snapshot:
    """One snapshot in a store, whose checksums were right when it was found."""

    def __init__(self, file_system: Any, path: str, head: Head) -> None:
        self._file_system = file_system
        self.path = path
        self.head = head

    @property
    def next_offset(self) -> int:
        """Journal offset it stands at: every record below it is folded."""
        return self.head.next_offset

    @property
    def digest(self) -> str:
        """The digest of its SKUs, as it was saved with it."""
        return self.head.digest

    def restore(self, ids_max: int | None = None, *, verify: bool = False) -> Partition:
        """The partition's memory as it was. SnapshotError when damaged, UnavailableError.

        ``ids_max`` is the ``ledger.dedupe_events_max`` in force (default: as it was saved with).
        With ``verify`` the digest is computed anew from the rows, and must be the same.
        """
        with told(self.path), self._file_system.open(self.path, "rb") as file:
            content = snapshots.read(file, ids_max)
        head = content.head
        memory = Partition(head.partition, content.window.ids_max)
        memory.skus = Skus(content.rows)
        memory.window = content.window
        memory.next_offsets = dict(head.next_offsets)
        memory.facts = head.facts
        memory.last = (head.last_offset, head.last_value)
        if verify:
            found = digest_of(memory.skus.values())
            if found != head.digest:
                raise SnapshotError(
                    f"its rows have the digest {found}, its head says {head.digest}",
                    where=self.path,
                    remedy="Delete it; the one before it is used then.",
                )
        return memory


class SnapshotStore(SnapshotFolder):
    """The snapshots of one journal, by partition; the newest ``keep`` of each stay."""

    def save(
        self, memory: Partition, next_offset: int, *, digest: str | None = None
    ) -> Description:
        """Write the memory as it stands before the journal offset; it is the newest from then on.

        ``digest`` saves the time to compute it, when it is known. UnavailableError when the store
        cannot be written; what was written before stays.
        """
        head = _head_of(memory, next_offset, digest)
        description = _description_of(head)
        self.put(
            memory.number,
            next_offset,
            lambda file: snapshots.write(file, head, memory.skus.rows(), memory.window),
            msgspec.json.encode(description),
        )
        return description

    def newest(self, partition: int, *, before: int | None = None) -> Snapshot | None:
        """The newest whole snapshot that stands below the journal offset ``before``, if any.

        Damaged ones are skipped, and said so in the log. UnavailableError when the store cannot be
        read.
        """
        for offset in reversed(self.offsets(partition)):
            if before is None or offset < before:
                try:
                    return self.open(partition, offset)
                except SnapshotError as error:
                    log.error("snapshot skipped: %s", error)  # noqa: TRY400  (it says it all)
        return None

    def open(self, partition: int, offset: int) -> Snapshot:
        """The snapshot that stands at the offset. SnapshotError when it is damaged or not there."""
        path = self.path(partition, offset)
        with told(path), self.files.open(path, "rb") as file:
            head = snapshots.check(file)
            if (head.partition, head.next_offset) != (partition, offset):
                raise SnapshotError(
                    f"it is of partition {head.partition} at offset {head.next_offset}"
                )
        return Snapshot(self.files, path, head)

    def describe(self, partition: int) -> list[Description]:
        """What the partition's snapshots say about themselves, oldest first, unchecked."""
        found = []
        for name in sorted(self.names(partition)):
            if name.endswith(DESCRIPTION):
                path = f"{self.folder(partition)}/{name}"
                try:
                    with told(path):
                        raw = self.files.cat_file(path)
                    found.append(msgspec.json.decode(raw, type=Description))
                except (SnapshotError, msgspec.MsgspecError) as error:
                    log.warning("%s cannot be read: %s", path, error)
        return found


def open_store(settings: Settings) -> SnapshotStore:
    """The store of this environment's journal. SettingsError when its URL cannot be used."""
    return SnapshotStore(url_of(settings, JOURNAL), keep=settings.snapshots.keep)


def _head_of(memory: Partition, next_offset: int, digest: str | None) -> Head:
    if memory.last is None or memory.last[0] >= next_offset:
        raise DefectError(
            f"a memory that folded up to {memory.last and memory.last[0]} does not stand before "
            f"{next_offset}",
            where=f"journal partition {memory.number}",
            remedy="Save what was folded from the journal, at the offset behind it.",
        )
    last_offset, last_value = memory.last
    (young, young_us), (old, old_us) = memory.window.generations()
    return Head(
        memory.number,
        next_offset,
        last_offset,
        last_value,
        decode_entry(last_value).recorded_us,
        digest if digest is not None else digest_of(memory.skus.values()),
        memory.facts,
        len(memory.skus),
        dict(memory.next_offsets),
        memory.window.ids_max,
        len(young),
        len(old),
        young_us,
        old_us,
        memory.window.floor_us,
    )


def _description_of(head: Head) -> Description:
    return Description(
        head.partition,
        head.next_offset,
        head.digest,
        head.skus,
        head.facts,
        format_us(head.recorded_us),
        snapshots.VERSION,
    )
