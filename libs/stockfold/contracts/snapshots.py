"""The snapshot format: the memory of one journal partition as a file that is read as a stream.

The file is one of checked frames (``frames``): one head, SKUs (zlib of MessagePack, each with its
row of ``resting_rows``), remembered event ids (pairs of u64: event, payload; the younger generation
first), one end. The head says how many of each there are.

Equal memories give equal bytes. A release reads every version up to its own; ``READERS`` brings
rows of older versions up to date. Rows are not looked into when they are read: their checksums say
that they are as they were written, and each is unpacked when its SKU's next event comes.
"""

from __future__ import annotations

import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
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
from stockfold.contracts.resting_rows import pack
from stockfold.contracts.snapshot_rows import decode_rows
from stockfold.ledger.dedupe import Window

Rows = Iterable[tuple[str, bytes]]
"""(SKU, its row)."""


def _packed(raw: bytes) -> Rows:
    return ((state.sku, pack(state)) for state in decode_rows(raw))


VERSION = 2
MAGIC = b"SFSNAP\r\n"
READERS: dict[int, Callable[[bytes], Rows]] = {
    1: _packed,
    2: msgspec.msgpack.Decoder(list[tuple[str, bytes]]).decode,
}
"""By format version: a frame of rows as rows of today."""

FRAME_BYTES = 200_000
"""Of rows, before they are compressed."""
IDS_PER_FRAME = 50_000
_SKUS, _IDS = b"S", b"I"


class Head(msgspec.Struct, frozen=True):
    """What a snapshot says about itself. Times are UTC microseconds."""

    partition: int
    next_offset: int
    """Journal offset it stands at: every record below it is folded."""
    last_offset: int
    last_value: bytes
    """The last record folded: proof that a journal is the one the snapshot was made from."""
    recorded_us: int
    """When the ledger recorded that record."""
    digest: str
    """``stockfold.ledger.digest`` of its SKUs."""
    facts: int
    skus: int
    next_offsets: dict[str, int]
    """Next offset per input topic."""
    ids_max: int
    young: int
    old: int
    young_newest_us: int
    old_newest_us: int
    floor_us: int


class Content(NamedTuple):
    """What a snapshot holds."""

    head: Head
    rows: dict[str, bytes]
    """By SKU."""
    window: Window


_encode_rows = msgspec.msgpack.Encoder().encode
_encode_head = msgspec.msgpack.Encoder(order="sorted").encode
_decode_head = msgspec.msgpack.Decoder(Head).decode


def write(file: Writable, head: Head, rows: Rows, window: Window) -> None:
    """Write a snapshot; memory beyond what is given stays within a few frames."""
    frames = FrameWriter(file, MAGIC, VERSION)
    frames.put(HEAD, _encode_head(head))
    for group in _groups(rows):
        frames.put(_SKUS, zlib.compress(_encode_rows(group), 1))
    for ids, _ in window.generations():
        items = iter(ids.items())
        while chunk := list(islice(items, IDS_PER_FRAME)):
            frames.put(_IDS, _little(array("Q", chain.from_iterable(chunk))).tobytes())
    frames.put(END, b"")


def read(file: Readable, ids_max: int | None = None) -> Content:
    """Read a whole snapshot. SnapshotError when it is damaged.

    ``ids_max`` is how many event ids the window shall remember from now on (default: as before).
    """
    version, frames = open_frames(file, MAGIC, READERS)
    head = _head(frames)
    rows_of = READERS[version]
    rows: dict[str, bytes] = {}
    pairs = array("Q")
    try:
        for kind, payload in frames:
            if kind == _SKUS:
                rows.update(rows_of(zlib.decompress(payload)))
            else:
                pairs.frombytes(payload)
    except (msgspec.MsgspecError, zlib.error, ValueError, IndexError) as error:
        raise SnapshotError(f"a frame passes its checksum but makes no sense: {error}") from error
    if len(rows) != head.skus or len(pairs) != 2 * (head.young + head.old):
        raise SnapshotError(
            f"{len(rows)} SKUs and {len(pairs) // 2} event ids are in it, its head says "
            f"{head.skus} and {head.young + head.old}"
        )
    return Content(head, rows, _window(head, _little(pairs), ids_max))


def check(file: Readable) -> Head:
    """Read it whole for its checksums alone; its head. SnapshotError when it is damaged."""
    _, frames = open_frames(file, MAGIC, READERS)
    head = _head(frames)
    for _ in frames:
        pass
    return head


def _groups(rows: Rows) -> Iterator[list[tuple[str, bytes]]]:
    """SKUs in groups of about equal size, so that a frame stays small."""
    group: list[tuple[str, bytes]] = []
    total = 0
    for sku, row in rows:
        group.append((sku, row))
        total += len(row) + len(sku)
        if total >= FRAME_BYTES:
            yield group
            group, total = [], 0
    if group:
        yield group


def _window(head: Head, pairs: array[int], ids_max: int | None) -> Window:
    at = 2 * head.young
    window = Window(head.ids_max if ids_max is None else ids_max)
    young = dict(zip(pairs[:at:2], pairs[1:at:2], strict=True))
    old = dict(zip(pairs[at::2], pairs[at + 1 :: 2], strict=True))
    window.put_back((young, head.young_newest_us), (old, head.old_newest_us), head.floor_us)
    return window


def _little(numbers: array[int]) -> array[int]:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _head(frames: Iterator[tuple[bytes, bytes]]) -> Head:
    try:
        return _decode_head(head_of(frames))
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"its head makes no sense: {error}") from error
