"""Kafka's own record batches of messages, made by aiokafka's writer."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from stockfold.runtime.records import LoopRecord

GZIP, SNAPPY, LZ4, ZSTD = 1, 2, 3, 4
PRODUCER = 7
_BYTES_MAX = 1 << 24


def batch(
    messages: Sequence[LoopRecord], first: int, codec: int = LZ4, producer: int = PRODUCER
) -> bytes:
    """One batch of a transaction, whose first record has the offset ``first``."""
    builder = DefaultRecordBatchBuilder(2, codec, True, producer, 0, 0, _BYTES_MAX)
    for number, message in enumerate(messages):
        builder.append(
            number, message.timestamp()[1], message.key(), message.value(), message.headers()
        )
    return at_offset(bytes(builder.build()), first)


def end_of_transaction(first: int, *, commit: bool, producer: int = PRODUCER) -> bytes:
    """The control batch that the broker writes: a key of its version and what it says."""
    builder = DefaultRecordBatchBuilder(2, 0, True, producer, 0, -1, _BYTES_MAX)
    builder.append(0, 0, struct.pack(">hh", 0, int(commit)), b"\0\0\0\0\0\0", [])
    raw = bytearray(builder.build())
    attributes = struct.unpack_from(">h", raw, 21)[0] | 0x20
    struct.pack_into(">h", raw, 21, attributes)
    return at_offset(with_checksum(raw), first)


def at_offset(raw: bytes, first: int) -> bytes:
    """The same batch elsewhere; the checksum does not cover where."""
    return struct.pack(">q", first) + raw[8:]


def with_checksum(raw: bytearray) -> bytes:
    """The batch with the checksum that its bytes have."""
    struct.pack_into(">I", raw, 17, calc_crc32c(raw[21:]))
    return bytes(raw)
