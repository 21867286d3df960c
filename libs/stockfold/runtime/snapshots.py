"""Where snapshots are kept: a local folder, or any URL that fsspec can write.

A snapshot is written beside its place, then renamed, so a half one is never read. Each has a small
JSON file beside it that says what it is (``Description``), its digest among it:

    <url>/<journal topic>/<partition>/<next offset>.snapshot
    <url>/<journal topic>/<partition>/<next offset>.json

One that is damaged is skipped for the one before it.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import fsspec
import msgspec

from stockfold.contracts import snapshots
from stockfold.contracts.journal import decode_entry
from stockfold.contracts.snapshots import Head, SnapshotError
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError, SettingsError, UnavailableError
from stockfold.domain.times import format_us
from stockfold.ledger.digest import digest as digest_of
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import step

log = logging.getLogger(__name__)

_ENDING = ".snapshot"
_DESCRIPTION = ".json"
_PART = ".part"


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
        with _told(self.path), self._file_system.open(self.path, "rb") as file:
            content = snapshots.read(file, ids_max)
        head = content.head
        memory = Partition(head.partition, content.window.ids_max)
        memory.skus = content.skus
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


class SnapshotStore:
    """The snapshots of one journal, by partition; the newest ``keep`` of each stay."""

    def __init__(self, url: str, *, keep: int = 3) -> None:
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise SettingsError(
                f"snapshots cannot be kept there: {error}",
                where=f"snapshots.url {url}",
                remedy="Write a folder or an fsspec URL, and install the package that serves it, "
                "such as s3fs.",
            ) from error
        self.url = url
        self._keep = keep

    def save(
        self, memory: Partition, next_offset: int, *, digest: str | None = None
    ) -> Description:
        """Write the memory as it stands before the journal offset; it is the newest from then on.

        ``digest`` saves the time to compute it, when it is known. UnavailableError when the store
        cannot be written; what was written before stays.
        """
        head = _head_of(memory, next_offset, digest)
        folder = self._folder(memory.number)
        path = f"{folder}/{next_offset:020d}{_ENDING}"
        part = f"{path}.{secrets.token_hex(4)}{_PART}"
        with _told(path):
            self._files.makedirs(folder, exist_ok=True)
            try:
                with self._files.open(part, "wb") as file:
                    snapshots.write(file, head, memory.skus.values(), memory.window)
                    _to_disk(file)
                step("snapshotter.before_rename")
                self._files.mv(part, path)
            except BaseException:
                # A full disk must not be filled further with every try.
                with suppress(OSError):
                    self._files.rm_file(part)
                raise
            description = _description_of(head)
            self._files.pipe_file(
                f"{folder}/{next_offset:020d}{_DESCRIPTION}", msgspec.json.encode(description)
            )
            self._prune(memory.number, next_offset)
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
        path = f"{self._folder(partition)}/{offset:020d}{_ENDING}"
        with _told(path), self._files.open(path, "rb") as file:
            head = snapshots.check(file)
            if (head.partition, head.next_offset) != (partition, offset):
                raise SnapshotError(
                    f"it is of partition {head.partition} at offset {head.next_offset}"
                )
        return Snapshot(self._files, path, head)

    def offsets(self, partition: int) -> list[int]:
        """Journal offsets of the snapshots that are there, damaged or not, oldest first."""
        return sorted(
            int(name.removesuffix(_ENDING))
            for name in self._names(partition)
            if name.endswith(_ENDING) and name.removesuffix(_ENDING).isdecimal()
        )

    def describe(self, partition: int) -> list[Description]:
        """What the partition's snapshots say about themselves, oldest first, unchecked."""
        found = []
        for name in sorted(self._names(partition)):
            if name.endswith(_DESCRIPTION):
                path = f"{self._folder(partition)}/{name}"
                try:
                    with _told(path):
                        raw = self._files.cat_file(path)
                    found.append(msgspec.json.decode(raw, type=Description))
                except (SnapshotError, msgspec.MsgspecError) as error:
                    log.warning("%s cannot be read: %s", path, error)
        return found

    def _prune(self, partition: int, newest: int) -> None:
        """Keep the newest, which was just saved, and those before it; the others go.

        What a killed writer left goes with them. What stands behind the newest is of a journal that
        is no more, or lost its end: it would be in the way of all that are made from now on.
        """
        offsets = [offset for offset in self.offsets(partition) if offset <= newest]
        oldest = offsets[-self._keep :][0]
        for name in self._names(partition):
            number = name.partition(".")[0]
            if number.isdecimal() and not oldest <= int(number) <= newest:
                if int(number) > newest:
                    log.warning("%s/%s is of another journal: removed", partition, name)
                self._files.rm_file(f"{self._folder(partition)}/{name}")

    def _names(self, partition: int) -> list[str]:
        folder = self._folder(partition)
        with _told(folder):
            self._files.invalidate_cache(folder)
            try:
                paths = self._files.ls(folder, detail=False)
            except FileNotFoundError:
                return []
        return [str(path).rsplit("/", 1)[-1] for path in paths]

    def _folder(self, partition: int) -> str:
        return f"{self._root}/{partition}"


def open_store(settings: Settings) -> SnapshotStore:
    """The store of this environment's journal. SettingsError when its URL cannot be used."""
    chosen = settings.snapshots
    url = chosen.url or str(settings.environment.data_dir / "snapshots")
    topic = JOURNAL.full_name(settings.environment.prefix)
    return SnapshotStore(f"{url.rstrip('/')}/{topic}", keep=chosen.keep)


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


def _to_disk(file: Any) -> None:
    """Have a local file on the disk before it is renamed; elsewhere closing it does that."""
    try:
        number = file.fileno()
    except (AttributeError, OSError):
        return
    file.flush()
    os.fsync(number)


@contextmanager
def _told(path: str) -> Iterator[None]:
    """Say which file it was, and tell a damaged one from a store that does not answer."""
    try:
        yield
    except SnapshotError as error:
        if error.where:
            raise
        raise SnapshotError(error.what, where=path, remedy=error.remedy) from error
    except FileNotFoundError as error:
        raise SnapshotError("it is not there any more", where=path) from error
    except OSError as error:
        raise UnavailableError(
            f"the snapshot store did not answer: {error}",
            where=path,
            remedy="Check snapshots.url, the disk and the rights there.",
        ) from error
