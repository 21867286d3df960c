"""The snapshot of one partition of the order journal: checked frames (``frames``).

One head, orders (zlib of MessagePack rows, by key), forgotten orders (three columns of 64-bit
numbers), one end. Equal memories give equal bytes.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec

from stockfold.contracts.frames import (
    END,
    HEAD,
    FrameWriter,
    Readable,
    SnapshotError,
    Writable,
    head_of,
    open_frames,
)
from stockfold.orders.forgotten import Columns

VERSION = 1
MAGIC = b"SFORDER\n"
ROWS_PER_FRAME = 500
_ORDERS, _FORGOTTEN = b"O", b"F"


class OrderHead(msgspec.Struct, frozen=True):
    """What a snapshot says about itself; see ``snapshots.Head``. Times are UTC microseconds."""

    partition: int
    next_offset: int
    last_offset: int
    last_value: bytes
    recorded_us: int
    orders: int
    forgotten: int
    next_offsets: dict[str, int]


class Content(NamedTuple):
    """What a snapshot holds."""

    head: OrderHead
    rows: list[bytes]
    forgotten: Columns


_encode_head = msgspec.msgpack.Encoder(order="sorted").encode
_decode_head = msgspec.msgpack.Decoder(OrderHead).decode
_encode_rows = msgspec.msgpack.Encoder().encode
_decode_rows = msgspec.msgpack.Decoder(list[bytes]).decode


def write(file: Writable, head: OrderHead, rows: Iterable[bytes], forgotten: Columns) -> None:
    """Write a snapshot."""
    frames = FrameWriter(file, MAGIC, VERSION)
    frames.put(HEAD, _encode_head(head))
    left = iter(rows)
    while some := list(islice(left, ROWS_PER_FRAME)):
        frames.put(_ORDERS, zlib.compress(_encode_rows(some), 1))
    for column in forgotten:
        frames.put(_FORGOTTEN, _little(column).tobytes())
    frames.put(END, b"")


def read(file: Readable) -> Content:
    """Read a whole snapshot. SnapshotError when it is damaged."""
    _, frames = open_frames(file, MAGIC, (VERSION,))
    head = _head(frames)
    rows: list[bytes] = []
    columns: list[bytes] = []
    try:
        for kind, payload in frames:
            if kind == _ORDERS:
                rows += _decode_rows(zlib.decompress(payload))
            else:
                columns.append(payload)
        forgotten = Columns(*(_column(code, raw) for code, raw in zip("QqQ", columns, strict=True)))
    except (msgspec.MsgspecError, zlib.error, ValueError) as error:
        raise SnapshotError(f"a frame passes its checksum but makes no sense: {error}") from error
    if (len(rows), *map(len, forgotten)) != (head.orders, *[head.forgotten] * 3):
        raise SnapshotError(
            f"{len(rows)} orders and {len(forgotten.names)} forgotten ones are in it, its head "
            f"says {head.orders} and {head.forgotten}"
        )
    return Content(head, rows, forgotten)


def check(file: Readable) -> OrderHead:
    """Read it whole for its checksums alone; its head. SnapshotError when it is damaged."""
    _, frames = open_frames(file, MAGIC, (VERSION,))
    head = _head(frames)
    for _ in frames:
        pass
    return head


def _head(frames: Iterator[tuple[bytes, bytes]]) -> OrderHead:
    try:
        return _decode_head(head_of(frames))
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"its head makes no sense: {error}") from error


def _column(code: str, raw: bytes) -> array[int]:
    column: array[int] = array(code)
    column.frombytes(raw)
    return _little(column)


def _little(column: array[int]) -> array[int]:
    if sys.byteorder == "big":
        column = column[:]
        column.byteswap()
    return column
