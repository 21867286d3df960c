"""Record batches as a broker keeps them, in Kafka's message format v2 (since release 0.11).

The layout is of https://kafka.apache.org/documentation/#recordbatch.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cramjam
from aiokafka.codec import gzip_decode, snappy_decode, zstd_decode
from aiokafka.record.util import calc_crc32c

from stockfold.domain.errors import UnavailableError

# base offset, length, leader epoch, magic, CRC, attributes, last offset delta, first and last
# timestamp, producer id, producer epoch, base sequence, records
HEAD = struct.Struct(">qiibIhiqqqhii")
LENGTH_FROM = 12
CRC_FROM = 21
MAGIC = 2
_CODEC, TRANSACTIONAL, _CONTROL = 0x07, 0x10, 0x20
LZ4 = 3
_DECODERS = {1: gzip_decode, 2: snappy_decode, 4: zstd_decode}
_ABORT = 0
_BUFFER_BYTES = 4 * 1024 * 1024


class Batch(NamedTuple):
    """Committed records with consecutive offsets from ``base_offset``, as they were written."""

    base_offset: int
    records: int
    codec: int
    whole: memoryview
    """With its head."""

    @property
    def body(self) -> memoryview:
        """The records, compressed as ``codec`` says."""
        return self.whole[HEAD.size :]


class Fetched(NamedTuple):
    """Batches of a partition, and the offset behind all that was read for them."""

    batches: list[Batch]
    next_offset: int


def committed(
    raw: bytes | memoryview, aborted: Iterable[tuple[int, int]], offset: int, where: str
) -> Fetched:
    """The committed batches of a fetch from ``offset``; ``aborted`` are (producer, first offset).

    UnavailableError for bytes that do not have their checksum, or an older format.
    """
    waiting = sorted(aborted or (), key=lambda row: row[1])
    dropped: set[int] = set()
    batches: list[Batch] = []
    for head, whole in _batches(raw, where):
        base, _, _, _, _, attributes, last_delta, _, _, producer, _, _, count = head
        while waiting and waiting[0][1] <= base:
            dropped.add(waiting.pop(0)[0])
        offset = base + last_delta + 1
        if attributes & _CONTROL:
            if _says_abort(whole[HEAD.size :]):
                dropped.discard(producer)
        elif count and not (attributes & TRANSACTIONAL and producer in dropped):
            batches.append(Batch(base, count, attributes & _CODEC, whole))
    return Fetched(batches, offset)


def _batches(raw: bytes | memoryview, where: str) -> Iterator[tuple[tuple[int, ...], memoryview]]:
    """Heads, and batches whole; the last of a fetch may be cut off, and is left out then."""
    view = memoryview(raw)
    at = 0
    while at + HEAD.size <= len(raw):
        head = HEAD.unpack_from(raw, at)
        end = at + LENGTH_FROM + head[1]
        if head[3] != MAGIC:
            raise _unreadable(
                f"has message format v{head[3]}, not v{MAGIC}",
                head[0],
                where,
                "Kafka writes no older format any more; a rebuild with --path scalar reads it.",
            )
        if end > len(raw):
            return
        if calc_crc32c(view[at + CRC_FROM : end]) != head[4]:
            raise _unreadable("does not have its checksum", head[0], where, _CHANGED)
        yield head, view[at:end]
        at = end


_CHANGED = (
    "Its bytes changed on the broker's disk or on the way. Read it again; if it stays so, restore "
    "the partition from its replica, or from the archive with `stockfold restore`."
)
"""The scalar path is no way out: it would take the record, for it looks at no checksum."""


def _unreadable(what: str, offset: int, where: str, remedy: str) -> UnavailableError:
    place = f"{where} offset {offset}"
    return UnavailableError(f"the batch of records {what}", where=place, remedy=remedy)


def _says_abort(body: memoryview) -> bool:
    """What the key of a control record says, behind five numbers of one byte each."""
    return int.from_bytes(body[7:9], "big") == _ABORT


class Unpacked:
    """Records of batches one behind the other, in a buffer that is filled again and again.

    New memory for each costs more than unpacking it. ``slack`` bytes are free behind them.
    """

    def __init__(self, slack: int) -> None:
        self.buffer = bytearray(_BUFFER_BYTES)
        self.size = 0
        self._slack = slack

    def add(self, batch: Batch) -> None:
        """Put the records of a batch behind those that are here."""
        if batch.codec == LZ4:
            with memoryview(self.buffer) as whole, whole[self.size : -self._slack] as free:
                try:
                    self.size += cramjam.lz4.decompress_into(batch.body, free)
                except cramjam.DecompressionError:
                    pass  # It does not fit, most likely.
                else:
                    return
        body = unpacked(batch)
        end = self.size + len(body)
        if end + self._slack > len(self.buffer):
            grown = bytearray(2 * end + self._slack)
            grown[: self.size] = self.buffer[: self.size]
            self.buffer = grown
        self.buffer[self.size : end] = body
        self.size = end


def unpacked(batch: Batch) -> bytes:
    """The records of a batch, one behind the other."""
    if batch.codec == LZ4:
        return bytes(cramjam.lz4.decompress(batch.body))
    if batch.codec:
        return bytes(_DECODERS[batch.codec](bytes(batch.body)))
    return bytes(batch.body)
