"""Where an archive or export is: a folder, or any URL that fsspec can write."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from stockfold.domain.errors import SettingsError, UnavailableError

_PART = ".part"


class Place:
    """Files below a URL. A file is written beside its name, then renamed: never read half."""

    def __init__(self, url: str) -> None:
        self.url = url
        try:
            self._files, self._root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise SettingsError(
                f"nothing can be written there: {error}",
                where=url,
                remedy="Write a folder or an fsspec URL, and install the package that serves it, "
                "such as s3fs.",
            ) from error

    def write(self, name: str, content: bytes) -> None:
        """Write a file whole. UnavailableError when the place cannot be written."""
        with self.create(name) as file:
            file.write(content)

    @contextmanager
    def create(self, name: str) -> Iterator[Any]:
        """A new file to write to; it gets its name when the body ends well. UnavailableError."""
        path = self._path(name)
        with self._told(name):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            with self._files.open(path + _PART, "wb") as file:
                yield file
                _to_disk(file)
            self._files.mv(path + _PART, path)

    def write_new(self, name: str, content: bytes) -> bool:
        """Make a small file; False when it is there. Of several at once one makes it.

        So says the store: folders and object stores do, of the rest fsspec looks first.
        UnavailableError.
        """
        path = self._path(name)
        with self._told(name):
            self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            try:
                if isinstance(self._files, LocalFileSystem):
                    _create(Path(path), content)
                else:
                    self._files.pipe_file(path, content, mode="create")
            except FileExistsError:
                return False
        return True

    def names(self, folder: str) -> list[str]:
        """The files of a folder, none when it is not there. UnavailableError."""
        path = self._path(folder)
        with self._told(folder):
            self._files.invalidate_cache(path)
            try:
                found = self._files.ls(path, detail=False)
            except FileNotFoundError:
                return []
        return [name.rpartition("/")[2] for name in found if not name.endswith(_PART)]

    def exists(self, name: str) -> bool:
        """Whether there is a file or folder of that name. UnavailableError."""
        with self._told(name):
            return bool(self._files.exists(self._path(name)))

    def read(self, name: str) -> bytes | None:
        """A file's content, None when it is not there. UnavailableError."""
        with self._told(name):
            try:
                return bytes(self._files.cat_file(self._path(name)))
            except FileNotFoundError:
                return None

    def remove(self, name: str) -> None:
        """Remove a file, if it is there. UnavailableError."""
        with self._told(name):
            try:
                self._files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def where(self, name: str) -> str:
        """The address of a file."""
        return f"{self.url.rstrip('/')}/{name}"

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _told(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UnavailableError(
                f"the place did not answer: {error}",
                where=self.where(name),
                remedy="Check the address, the disk and the rights there, then run it again.",
            ) from error


def _create(path: Path, content: bytes) -> None:
    """Make a local file whole or not at all, FileExistsError when it is there."""
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}{_PART}")
    part.write_bytes(content)
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # A disk without links, such as FAT: whole a moment later.
        with path.open("xb") as file:
            file.write(content)
    finally:
        part.unlink()


def _to_disk(file: Any) -> None:
    """Have a local file on the disk before it is renamed; elsewhere closing it does that."""
    try:
        number = file.fileno()
    except (AttributeError, OSError):
        return
    file.flush()
    os.fsync(number)
