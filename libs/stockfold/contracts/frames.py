"""Files of checked frames, read as a stream: what every snapshot is made of.

::

    magic    8 bytes
    version  u16, little-endian
    frame*   kind (1 byte), length of the payload (u32), checksum (u64), payload

A checksum is the XXH3-64 of kind, length and payload, seeded with the checksum before it, so that a
frame that is changed, missing, doubled or out of place is noticed. The last frame is an end.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from typing import Protocol

import xxhash

from stockfold.domain.errors import ContractError

FRAME_BYTES_MAX = 1 << 30
_PREAMBLE = struct.Struct("<8sH")
_KIND_AND_LENGTH = struct.Struct("<cI")
_CHECKSUM = struct.Struct("<Q")
HEAD, END = b"H", b"E"


class SnapshotError(ContractError):
    """A file that is no snapshot, or not a whole one, or of a version from the future."""

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__("bad_snapshot", what, where=where, remedy=remedy)


class Readable(Protocol):
    """A binary file to read."""

    def read(self, size: int = -1, /) -> bytes:
        """At most so many bytes; fewer only at the end."""
        ...


class Writable(Protocol):
    """A binary file to write."""

    def write(self, data: bytes, /) -> int:
        """All of it."""
        ...


class FrameWriter:
    """Writes frames one after the other; the caller ends with an ``END``."""

    def __init__(self, file: Writable, magic: bytes, version: int) -> None:
        self._file = file
        self._checksum = version
        file.write(_PREAMBLE.pack(magic, version))

    def put(self, kind: bytes, payload: bytes) -> None:
        """One frame."""
        start = _KIND_AND_LENGTH.pack(kind, len(payload))
        self._checksum = _checksum_of(start, payload, self._checksum)
        self._file.write(start + _CHECKSUM.pack(self._checksum))
        self._file.write(payload)


def _checksum_of(start: bytes, payload: bytes, before: int) -> int:
    digest = xxhash.xxh3_64(start, seed=before)
    digest.update(payload)
    return int(digest.intdigest())


def open_frames(
    file: Readable, magic: bytes, versions: Collection[int]
) -> tuple[int, Iterator[tuple[bytes, bytes]]]:
    """The format version, and (kind, payload) of each frame but the end. SnapshotError."""
    found, version = _PREAMBLE.unpack(_exactly(file, _PREAMBLE.size))
    if found != magic:
        raise SnapshotError("it does not begin as a snapshot does")
    if version not in versions:
        raise SnapshotError(
            f"it is of format version {version}, this release reads up to {max(versions)}",
            remedy="Run the release that wrote it, or a later one.",
        )
    return version, _frames(file, version)


def head_of(frames: Iterator[tuple[bytes, bytes]]) -> bytes:
    """The payload of the first frame, which must be a head. SnapshotError."""
    kind, payload = next(frames, (b"", b""))
    if kind != HEAD:
        raise SnapshotError("its first frame is no head")
    return payload


def _frames(file: Readable, version: int) -> Iterator[tuple[bytes, bytes]]:
    """Every frame to the end, which must be the end of the file too."""
    before = version
    while True:
        start = _exactly(file, _KIND_AND_LENGTH.size)
        (expected,) = _CHECKSUM.unpack(_exactly(file, _CHECKSUM.size))
        kind, length = _KIND_AND_LENGTH.unpack(start)
        if length > FRAME_BYTES_MAX:
            raise SnapshotError(f"a frame says that it has {length} bytes")
        payload = _exactly(file, length)
        before = _checksum_of(start, payload, before)
        if before != expected:
            raise SnapshotError("a checksum differs: its bytes were changed")
        if kind == END:
            break
        yield kind, payload
    if file.read(1):
        raise SnapshotError("there is something behind its end")


def _exactly(file: Readable, size: int) -> bytes:
    raw = file.read(size)
    if len(raw) != size:
        raise SnapshotError("it ends too early")
    return raw
