"""Where files of snapshots are kept: a local folder, or any URL that fsspec can write.

A file is written beside its place, then renamed, so a half one is never read. Each has a small JSON
file beside it that says what it is:

    <url>/<journal topic>/<partition>/<next offset>.snapshot
    <url>/<journal topic>/<partition>/<next offset>.json
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import fsspec

from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.topics import Topic
from stockfold.domain.errors import SettingsError, UnavailableError
from stockfold.runtime.settings import Settings
from stockfold.runtime.steps import step

log = logging.getLogger(__name__)

ENDING = ".snapshot"
DESCRIPTION = ".json"
_PART = ".part"


def url_of(settings: Settings, journal: Topic) -> str:
    """Where the snapshots of a journal of this environment are."""
    chosen = settings.snapshots
    url = chosen.url or str(settings.environment.data_dir / "snapshots")
    return f"{url.rstrip('/')}/{journal.full_name(settings.environment.prefix)}"


class SnapshotFolder:
    """The files of one journal, by partition; the newest ``keep`` of each stay."""

    def __init__(self, url: str, *, keep: int = 3) -> None:
        try:
            self.files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise SettingsError(
                f"snapshots cannot be kept there: {error}",
                where=f"snapshots.url {url}",
                remedy="Write a folder or an fsspec URL, and install the package that serves it, "
                "such as s3fs.",
            ) from error
        self.url = url
        self._keep = keep

    def put(
        self, partition: int, next_offset: int, write: Callable[[Any], None], description: bytes
    ) -> None:
        """Have a file written for a journal offset; it is the newest from then on.

        UnavailableError when the store cannot be written; what was written before stays.
        """
        folder = self.folder(partition)
        path = self.path(partition, next_offset)
        part = f"{path}.{secrets.token_hex(4)}{_PART}"
        with told(path):
            self.files.makedirs(folder, exist_ok=True)
            try:
                with self.files.open(part, "wb") as file:
                    write(file)
                    _to_disk(file)
                step("snapshotter.before_rename")
                self.files.mv(part, path)
            except BaseException:
                # A full disk must not be filled further with every try.
                with suppress(OSError):
                    self.files.rm_file(part)
                raise
            self.files.pipe_file(f"{folder}/{next_offset:020d}{DESCRIPTION}", description)
            self._prune(partition, next_offset)

    def path(self, partition: int, offset: int) -> str:
        """The file of a journal offset."""
        return f"{self.folder(partition)}/{offset:020d}{ENDING}"

    def offsets(self, partition: int) -> list[int]:
        """Journal offsets of the snapshots that are there, damaged or not, oldest first."""
        return sorted(
            int(name.removesuffix(ENDING))
            for name in self.names(partition)
            if name.endswith(ENDING) and name.removesuffix(ENDING).isdecimal()
        )

    def _prune(self, partition: int, newest: int) -> None:
        """Keep the newest, which was just saved, and those before it; the others go.

        What a killed writer left goes with them. What stands behind the newest is of a journal that
        is no more, or lost its end: it would be in the way of all that are made from now on.
        """
        offsets = [offset for offset in self.offsets(partition) if offset <= newest]
        oldest = offsets[-self._keep :][0]
        for name in self.names(partition):
            number = name.partition(".")[0]
            if number.isdecimal() and not oldest <= int(number) <= newest:
                if int(number) > newest:
                    log.warning("%s/%s is of another journal: removed", partition, name)
                self.files.rm_file(f"{self.folder(partition)}/{name}")

    def names(self, partition: int) -> list[str]:
        """Every file of a partition."""
        folder = self.folder(partition)
        with told(folder):
            self.files.invalidate_cache(folder)
            try:
                paths = self.files.ls(folder, detail=False)
            except FileNotFoundError:
                return []
        return [str(path).rsplit("/", 1)[-1] for path in paths]

    def folder(self, partition: int) -> str:
        """Where the files of a partition are."""
        return f"{self._root}/{partition}"


def _to_disk(file: Any) -> None:
    """Have a local file on the disk before it is renamed; elsewhere closing it does that."""
    try:
        number = file.fileno()
    except (AttributeError, OSError):
        return
    file.flush()
    os.fsync(number)


@contextmanager
def told(path: str) -> Iterator[None]:
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
