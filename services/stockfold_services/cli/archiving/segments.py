"""A segment: some records of one partition, in one compressed file.

zstd of MessagePack: [version, topic, partition, start, end, records], a record being [offset, time,
key, value, headers]. Times are the broker's, in ms since 1970. ``start`` to before ``end`` is what
the segment covers: an offset in it without a record was a transaction's marker, an aborted record,
or one that compaction or retention had removed.
"""

from __future__ import annotations

import hashlib

import cramjam
import msgspec

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.records import Record

VERSION = 1
LEVEL = 3
BYTES_MAX = 32 * 1024 * 1024
"""Of keys and values in one segment, before compression; it is held in memory whole."""
RECORDS_MAX = 100_000
UNPACKED_BYTES_MAX = 512 * 1024 * 1024
"""Of a segment with its headers and offsets: what unpacks to more was not written by us."""


class Kept(msgspec.Struct, array_like=True, gc=False):
    """One record."""

    offset: int
    at_ms: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]

    @property
    def size(self) -> int:
        """Bytes of key and value."""
        return len(self.key or b"") + len(self.value or b"")


class Segment(msgspec.Struct, array_like=True):
    """See the module."""

    version: int
    topic: str
    partition: int
    start: int
    end: int
    records: list[Kept]


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Segment)


def kept(record: Record) -> Kept:
    """A record as it is archived."""
    return Kept(
        record.offset(),
        record.timestamp()[1],
        record.key(),
        record.value(),
        list(record.headers() or ()),
    )


def fingerprint(record: Kept) -> bytes:
    """Everything about a record, as bytes that are equal when it is."""
    return _encode(record)


def pack(segment: Segment) -> bytes:
    """The file of a segment."""
    return bytes(cramjam.zstd.compress(_encode(segment), level=LEVEL))


def checksum(file: bytes) -> str:
    """SHA-256, as ``sha256sum`` prints it."""
    return hashlib.sha256(file).hexdigest()


def unpack(file: bytes, expected: str, where: str) -> Segment:
    """The segment of a file; StockfoldError when it is not the one that was written."""
    found = checksum(file)
    if found != expected:
        raise StockfoldError(
            f"a segment is damaged: its SHA-256 is {found}, the manifest says {expected}",
            where=where,
            remedy="Fetch another copy of the file; nothing was restored from this one.",
        )
    segment = _decoder.decode(_unpacked(file, where))
    if segment.version != VERSION:
        raise StockfoldError(
            f"the segment has format {segment.version}, this release reads {VERSION}",
            where=where,
            remedy="Use the release that wrote it, or a newer one.",
        )
    return segment


def _unpacked(file: bytes, where: str) -> memoryview:
    room = bytearray(UNPACKED_BYTES_MAX)  # Taken from the machine only as far as it is written.
    try:
        size = cramjam.zstd.decompress_into(file, room)
    except cramjam.DecompressionError as error:
        raise StockfoldError(
            f"a segment is no zstd, or unpacks to more than {UNPACKED_BYTES_MAX} bytes: {error}",
            where=where,
            remedy="No release writes such a file; fetch another copy, from a safe place.",
        ) from error
    return memoryview(room)[:size]
