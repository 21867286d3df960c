"""The snapshot format: the memory of one journal partition as a file that is read as a stream.

::

    magic    8 bytes
    version  u16, little-endian
    frame*   kind (1 byte), length of the payload (u32), checksum (u64), payload

A checksum is the XXH3-64 of kind, length and payload, seeded with the checksum before it, so that a
frame that is changed, missing, doubled or out of place is noticed. The frames are, in this order:
one head, SKUs (zlib of ``snapshot_rows``), remembered event ids (pairs of u64: event, payload; the
younger generation first), one end. The head says how many of each there are.

Equal memories give equal bytes. A release reads every version up to its own; ``READERS`` brings
rows of older versions up to date.
"""

from __future__ import annotations

import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple, Protocol

import msgspec
import xxhash

from stockfold.contracts.snapshot_rows import decode_rows, encode_rows, weight
from stockfold.domain.errors import ContractError
from stockfold.ledger.dedupe import Window
from stockfold.ledger.state import SkuState

VERSION = 1
MAGIC = b"SFSNAP\r\n"
READERS: dict[int, Callable[[bytes], Iterator[SkuState]]] = {1: decode_rows}
"""By format version: a frame of rows as SKUs of today."""

FRAME_WEIGHT = 2_000
IDS_PER_FRAME = 50_000
FRAME_BYTES_MAX = 1 << 30
_PREAMBLE = struct.Struct("<8sH")
_KIND_AND_LENGTH = struct.Struct("<cI")
_CHECKSUM = struct.Struct("<Q")
_HEAD, _SKUS, _IDS, _END = b"H", b"S", b"I", b"E"


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
    skus: dict[str, SkuState]
    window: Window


_encode_head = msgspec.msgpack.Encoder(order="sorted").encode
_decode_head = msgspec.msgpack.Decoder(Head).decode


def write(file: Writable, head: Head, skus: Iterable[SkuState], window: Window) -> None:
    """Write a snapshot; memory beyond what is given stays within a few frames."""
    frames = _FrameWriter(file)
    frames.put(_HEAD, _encode_head(head))
    for group in _groups(skus):
        frames.put(_SKUS, zlib.compress(encode_rows(group), 1))
    for ids, _ in window.generations():
        items = iter(ids.items())
        while chunk := list(islice(items, IDS_PER_FRAME)):
            frames.put(_IDS, _little(array("Q", chain.from_iterable(chunk))).tobytes())
    frames.put(_END, b"")


def read(file: Readable, ids_max: int | None = None) -> Content:
    """Read a whole snapshot. SnapshotError when it is damaged.

    ``ids_max`` is how many event ids the window shall remember from now on (default: as before).
    """
    version, frames = _open(file)
    head = _head(frames)
    rows_of = READERS[version]
    skus: dict[str, SkuState] = {}
    pairs = array("Q")
    try:
        for kind, payload in frames:
            if kind == _SKUS:
                for state in rows_of(zlib.decompress(payload)):
                    skus[state.sku] = state
            else:
                pairs.frombytes(payload)
    except (msgspec.MsgspecError, zlib.error, ValueError, IndexError) as error:
        raise SnapshotError(f"a frame passes its checksum but makes no sense: {error}") from error
    if len(skus) != head.skus or len(pairs) != 2 * (head.young + head.old):
        raise SnapshotError(
            f"{len(skus)} SKUs and {len(pairs) // 2} event ids are in it, its head says "
            f"{head.skus} and {head.young + head.old}"
        )
    return Content(head, skus, _window(head, _little(pairs), ids_max))


def check(file: Readable) -> Head:
    """Read it whole for its checksums alone; its head. SnapshotError when it is damaged."""
    _, frames = _open(file)
    head = _head(frames)
    for _ in frames:
        pass
    return head


def _groups(skus: Iterable[SkuState]) -> Iterator[list[SkuState]]:
    """SKUs in groups of about equal size, so that a frame stays small."""
    group: list[SkuState] = []
    total = 0
    for state in skus:
        group.append(state)
        total += weight(state)
        if total >= FRAME_WEIGHT:
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


class _FrameWriter:
    def __init__(self, file: Writable) -> None:
        self._file = file
        self._checksum = VERSION
        file.write(_PREAMBLE.pack(MAGIC, VERSION))

    def put(self, kind: bytes, payload: bytes) -> None:
        start = _KIND_AND_LENGTH.pack(kind, len(payload))
        self._checksum = _checksum(start, payload, self._checksum)
        self._file.write(start + _CHECKSUM.pack(self._checksum))
        self._file.write(payload)


def _checksum(start: bytes, payload: bytes, before: int) -> int:
    digest = xxhash.xxh3_64(start, seed=before)
    digest.update(payload)
    return int(digest.intdigest())


def _open(file: Readable) -> tuple[int, Iterator[tuple[bytes, bytes]]]:
    magic, version = _PREAMBLE.unpack(_exactly(file, _PREAMBLE.size))
    if magic != MAGIC:
        raise SnapshotError("it does not begin as a snapshot does")
    if version not in READERS:
        raise SnapshotError(
            f"it is of format version {version}, this release reads up to {VERSION}",
            remedy="Run the release that wrote it, or a later one.",
        )
    return version, _frames(file, version)


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
        before = _checksum(start, payload, before)
        if before != expected:
            raise SnapshotError("a checksum differs: its bytes were changed")
        if kind == _END:
            break
        yield kind, payload
    if file.read(1):
        raise SnapshotError("there is something behind its end")


def _head(frames: Iterator[tuple[bytes, bytes]]) -> Head:
    kind, payload = next(frames, (b"", b""))
    if kind != _HEAD:
        raise SnapshotError("its first frame is no head")
    try:
        return _decode_head(payload)
    except msgspec.MsgspecError as error:
        raise SnapshotError(f"its head makes no sense: {error}") from error


def _exactly(file: Readable, size: int) -> bytes:
    raw = file.read(size)
    if len(raw) != size:
        raise SnapshotError("it ends too early")
    return raw
