"""The snapshot format: what is damaged is noticed, what is old is read."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import pytest
from tests.support.golden_snapshot import FOLDER
from tests.support.histories import Options, seeded
from tests.support.ledger_process import LedgerProcess
from tests.support.told_ledger import folded, journal, tell

from stockfold.contracts import snapshots
from stockfold.contracts.frames import FrameWriter, SnapshotError, open_frames
from stockfold.contracts.resting_rows import unpack
from stockfold.ledger.digest import digest
from stockfold.ledger.state import SkuState
from stockfold.runtime.snapshots import SnapshotStore

GOLDEN = sorted(FOLDER.glob("version-*.snapshot"))
GOLDEN_DIGESTS = {
    "version-1": "6ba88099aadc5798ae37f341bc5c11f1",
    "version-2": "4359a625b9a957077d3b6690bcd1986f",
}

IN_A_ROW = {
    "sku",
    "seq",
    "locations",
    "book",
    "outside",
    "moves",
    "moves_floor_us",
    "next_expiry_us",
    "claims",
    "backordered",
    "lines",
    "transfers",
    "inbounds",
    "expected",
    "returns",
    "numbers",
    "fences",
    "limits",
    "documents",
    "document_times",
    "counts",
    "ahead",
    "parked",
}
DERIVED_FROM_LINES = {"reservations", "allocations", "waiting", "expiring"}


@pytest.fixture(scope="module")
def raw() -> bytes:
    """A small snapshot: two SKUs with little, and some event ids."""
    return (FOLDER / "version-2.snapshot").read_bytes()


def test_everything_that_a_sku_holds_is_in_its_row_or_derived() -> None:
    # A new slot needs a place in the row, and a new format version.
    assert set(SkuState.__slots__) == IN_A_ROW | DERIVED_FROM_LINES


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_snapshot_of_every_release_is_still_read(path: Path) -> None:
    with path.open("rb") as file:
        content = snapshots.read(file)
    assert content.head.digest == GOLDEN_DIGESTS[path.stem]
    states = [unpack(sku, row) for sku, row in content.rows.items()]
    assert digest(states) == content.head.digest
    assert len(content.window) == content.head.young + content.head.old
    for slot in IN_A_ROW - {"moves_floor_us"} | DERIVED_FROM_LINES:
        assert any(getattr(state, slot) for state in states), f"no {slot}"


def test_there_is_a_golden_snapshot_of_every_version_that_is_read() -> None:
    assert [path.stem for path in GOLDEN] == [f"version-{n}" for n in sorted(snapshots.READERS)]


def test_a_version_of_a_later_release_is_refused(raw: bytes) -> None:
    later = raw[:8] + struct.pack("<H", snapshots.VERSION + 1) + raw[10:]
    with pytest.raises(SnapshotError, match="reads up to"):
        snapshots.read(io.BytesIO(later))


def test_any_changed_byte_is_noticed(raw: bytes) -> None:
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 0x40]) + raw[at + 1 :]
        with pytest.raises(SnapshotError):
            snapshots.check(io.BytesIO(changed))


def test_an_end_that_is_cut_off_or_added_is_noticed(raw: bytes) -> None:
    for end in range(len(raw)):
        with pytest.raises(SnapshotError, match="ends too early"):
            snapshots.check(io.BytesIO(raw[:end]))
    with pytest.raises(SnapshotError, match="behind its end"):
        snapshots.check(io.BytesIO(raw + b"\0"))


def test_frames_that_changed_places_are_noticed() -> None:
    # Two files of the same length whose frames all have the right form.
    one, other = (written(seed) for seed in (1, 2))
    with pytest.raises(SnapshotError):
        snapshots.check(io.BytesIO(one[: len(one) // 2] + other[len(one) // 2 :]))


def written(seed: int) -> bytes:
    ledger = LedgerProcess()
    tell(ledger, seeded(seed, size=40, options=Options(skus=("A", "B"))))
    store = SnapshotStore(f"memory://format-{seed}")
    store.save(folded(journal(ledger)), journal(ledger)[-1].offset() + 1)
    found = store.newest(0)
    assert found is not None
    return bytes(store.files.cat_file(found.path))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (b"S", b"no zlib"),
        (b"S", zlib.compress(b"no MessagePack")),
        (b"S", zlib.compress(b"\x91\x91\xa3SKU")),
        (b"I", b"123"),
        (b"H", b"\x80"),
    ],
)
def test_what_has_the_right_checksums_and_makes_no_sense_is_no_snapshot(
    raw: bytes, kind: bytes, payload: bytes
) -> None:
    out = io.BytesIO()
    frames = FrameWriter(out, snapshots.MAGIC, snapshots.VERSION)
    for known, content in open_frames(io.BytesIO(raw), snapshots.MAGIC, snapshots.READERS)[1]:
        frames.put(known, payload if known == kind else content)
    frames.put(b"E", b"")
    with pytest.raises(SnapshotError):
        snapshots.read(io.BytesIO(out.getvalue()))


@pytest.mark.parametrize("kind", [b"S", b"I"])
def test_a_snapshot_that_holds_less_than_its_head_says_is_none(raw: bytes, kind: bytes) -> None:
    out = io.BytesIO()
    frames = FrameWriter(out, snapshots.MAGIC, snapshots.VERSION)
    for known, content in open_frames(io.BytesIO(raw), snapshots.MAGIC, snapshots.READERS)[1]:
        if known != kind:
            frames.put(known, content)
    frames.put(b"E", b"")
    with pytest.raises(SnapshotError, match="its head says"):
        snapshots.read(io.BytesIO(out.getvalue()))


def test_equal_folds_give_equal_bytes() -> None:
    assert written(3) == written(3)


def test_a_frame_is_small_however_many_skus_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "FRAME_BYTES", 1)
    monkeypatch.setattr(snapshots, "IDS_PER_FRAME", 3)
    raw = written(4)
    content = snapshots.read(io.BytesIO(raw))
    states = (unpack(sku, row) for sku, row in content.rows.items())
    assert digest(states) == content.head.digest
    _, frames = open_frames(io.BytesIO(raw), snapshots.MAGIC, snapshots.READERS)
    kinds = [kind for kind, _ in frames]
    assert kinds.count(b"I") == -(-content.head.young // 3) - (-content.head.old // 3)
    assert kinds.count(b"S") == 2
