"""Record batches on their way to a broker, in Kafka's message format v2."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable
from typing import NamedTuple

import cramjam
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from stockfold.runtime.record_batches import CRC_FROM, HEAD, LENGTH_FROM, LZ4, MAGIC, TRANSACTIONAL
from stockfold.runtime.records import Headers, Keyed

BATCH_BYTES = 1024 * 1024
"""Of records before they are compressed; a larger record has a batch of its own."""
SEQUENCES = 2**31
_NO_HEADERS: Headers = []
_UNCOMPRESSED, _LZ4_LEVEL = 0, 1
_CRC = struct.Struct(">I")
_CRC_AT = 17


class Sealed(NamedTuple):
    """A batch that is complete but for who sends it."""

    head: tuple[int, ...]
    body: bytes
    codec: int

    @property
    def records(self) -> int:
        """How many it holds."""
        return self.head[-1]

    def signed(self, producer: tuple[int, int], sequence: int) -> bytes:
        """As it goes to the broker: of a producer (id, epoch), from a sequence number on."""
        _, _, epoch, magic, _, _, last_delta, first_ms, newest_ms, *_, records = self.head
        raw = bytearray(HEAD.size)
        HEAD.pack_into(
            raw,
            0,
            0,
            HEAD.size - LENGTH_FROM + len(self.body),
            epoch,
            magic,
            0,
            TRANSACTIONAL | self.codec,
            last_delta,
            first_ms,
            newest_ms,
            *producer,
            sequence,
            records,
        )
        raw += self.body
        _CRC.pack_into(raw, _CRC_AT, calc_crc32c(memoryview(raw)[CRC_FROM:]))
        return bytes(raw)


class Outgoing:
    """Records of one partition, in order, in as few batches as they fit in."""

    def __init__(self) -> None:
        self._sealed: list[Sealed] = []
        self._begin()

    def _begin(self) -> None:
        self._count = 0
        self._builder = DefaultRecordBatchBuilder(MAGIC, _UNCOMPRESSED, 1, -1, -1, -1, BATCH_BYTES)

    def extend(self, records: Iterable[Keyed]) -> None:
        """Add records, of now."""
        at_ms = int(time.time() * 1000)
        count, append = self._count, self._builder.append
        for key, value, headers in records:
            if append(count, at_ms, key, value, headers or _NO_HEADERS) is None:
                self._count = count
                self._seal()
                count, append = 0, self._builder.append
                append(count, at_ms, key, value, headers or _NO_HEADERS)
            count += 1
        self._count = count

    def _seal(self) -> None:
        raw = self._builder.build()
        # aiokafka would take the slow level 9; this one is librdkafka's.
        packer = cramjam.lz4.Compressor(
            level=_LZ4_LEVEL, content_checksum=False, block_linked=False
        )
        records = bytes(memoryview(raw)[HEAD.size :])
        packer.compress(records)
        body, codec = bytes(packer.finish()), LZ4
        if len(body) >= len(records):
            body, codec = records, _UNCOMPRESSED
        self._sealed.append(Sealed(HEAD.unpack_from(raw), body, codec))
        self._begin()

    def sealed(self) -> list[Sealed]:
        """All of them; nothing can be added any more."""
        if self._count:
            self._seal()
        return self._sealed
