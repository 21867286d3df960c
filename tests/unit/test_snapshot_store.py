"""Where snapshots are kept, and how a ledger recovers from them."""

from __future__ import annotations

import errno
import json
import logging
from pathlib import Path
from typing import IO

import pytest
from tests.support.command_line import stockfold_json
from tests.support.histories import Input, Options, seeded
from tests.support.ledger_process import LedgerProcess
from tests.support.told_ledger import IDS_MAX, folded, journal, tell

from stockfold.contracts import snapshots
from stockfold.contracts.frames import SnapshotError
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError, SettingsError, UnavailableError
from stockfold.ledger.digest import digest
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore, open_store

HISTORY = seeded(11, size=120, options=Options(skus=("A", "B", "C")))


def told(store: SnapshotStore | None, events: list[Input]) -> LedgerProcess:
    ledger = LedgerProcess(snapshots=store, dedupe_events_max=IDS_MAX)
    tell(ledger, events)
    return ledger


def save(store: SnapshotStore, ledger: LedgerProcess, records: int) -> int:
    """A snapshot of so many journal records; the offset at which it stands."""
    kept = journal(ledger)[:records]
    store.save(folded(kept), kept[-1].offset() + 1)
    return kept[-1].offset() + 1


def paths(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.snapshot"))


def restored_offset(caplog: pytest.LogCaptureFixture) -> int:
    """Where the snapshot stood that the last recovery took; 0 for the whole journal."""
    said = [r.args for r in caplog.records if r.msg.startswith("partition %d: %d SKUs in")][-1]
    assert isinstance(said, tuple)
    return 0 if said[3] == "none" else int(str(said[3]))


@pytest.fixture(params=["folder", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "store") if request.param == "folder" else f"memory://{tmp_path.name}"


def test_what_was_saved_is_restored_with_its_digest(url: str) -> None:
    ledger = told(None, HISTORY)
    store = SnapshotStore(url)
    at = save(store, ledger, 100)
    found = store.newest(0)
    assert found is not None
    memory = found.restore(verify=True)
    expected = folded(journal(ledger)[:100])
    assert (found.next_offset, found.digest) == (at, digest(expected.skus.values()))
    assert memory.next_offsets == expected.next_offsets
    (described,) = store.describe(0)
    assert (described.digest, described.next_offset) == (found.digest, at)
    assert (described.skus, described.facts) == (3, expected.facts)


def test_the_newest_stay_and_older_ones_go_with_what_a_killed_writer_left(tmp_path: Path) -> None:
    ledger = told(None, HISTORY)
    store = SnapshotStore(str(tmp_path), keep=2)
    offsets = [save(store, ledger, 10)]
    left = tmp_path / "0" / f"{offsets[0]:020d}.snapshot.0123abcd.part"
    left.write_bytes(b"half")
    offsets += [save(store, ledger, count) for count in (20, 30, 40)]
    assert store.offsets(0) == offsets[-2:]
    assert [d.next_offset for d in store.describe(0)] == offsets[-2:]
    assert not left.exists()


def test_what_stands_behind_the_newest_is_of_another_journal_and_goes(tmp_path: Path) -> None:
    store = SnapshotStore(str(tmp_path), keep=2)
    ledger = told(None, HISTORY)
    for count in (100, 120):
        save(store, ledger, count)
    again = told(None, HISTORY[3:])  # The journal was begun anew.
    last = store.offsets(0)[-1]
    at = save(store, again, 30)
    assert at < last
    assert store.offsets(0) == [at]


def test_a_half_written_snapshot_is_never_read(tmp_path: Path) -> None:
    ledger = told(None, HISTORY)
    store = SnapshotStore(str(tmp_path))
    at = save(store, ledger, 50)
    whole = paths(tmp_path)[0].read_bytes()
    (tmp_path / "0" / f"{at + 9:020d}.snapshot.0123abcd.part").write_bytes(whole[:99])
    found = store.newest(0)
    assert found is not None
    assert found.next_offset == at


def test_a_full_disk_leaves_what_was_there_and_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = told(None, HISTORY)
    store = SnapshotStore(str(tmp_path))
    at = save(store, ledger, 50)

    def fill(file: IO[bytes], *_: object) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(snapshots, "write", fill)
    with pytest.raises(UnavailableError, match="No space left"):
        save(store, ledger, 100)
    assert [path.name for path in sorted((tmp_path / "0").iterdir())] == [
        f"{at:020d}.json",
        f"{at:020d}.snapshot",
    ]


def test_the_newest_before_an_offset_is_strictly_before_it(url: str) -> None:
    ledger = told(None, HISTORY)
    store = SnapshotStore(url)
    first, second = save(store, ledger, 50), save(store, ledger, 100)
    found = store.newest(0, before=second)
    assert found is not None
    assert found.next_offset == first
    assert store.newest(0, before=first) is None
    assert store.newest(1) is None


def test_a_memory_is_not_saved_at_an_offset_that_it_has_passed(tmp_path: Path) -> None:
    memory = folded(journal(told(None, HISTORY))[:10])
    with pytest.raises(DefectError):
        SnapshotStore(str(tmp_path)).save(memory, 5)


def test_a_digest_that_is_not_of_its_rows_is_found_on_demand(tmp_path: Path) -> None:
    memory = folded(journal(told(None, HISTORY))[:10])
    store = SnapshotStore(str(tmp_path))
    store.save(memory, 10, digest="0" * 32)
    found = store.newest(0)
    assert found is not None
    with pytest.raises(SnapshotError, match="digest"):
        found.restore(verify=True)


# --- recovery of the ledger -------------------------------------------------------------------


def recovered(ledger: LedgerProcess) -> str:
    """The digest after a restart."""
    ledger.restart()
    return digest(ledger.processor.partitions[0].skus.values())


@pytest.fixture
def story(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> tuple[LedgerProcess, list[int], str]:
    """A ledger with three snapshots of its journal, their offsets, and the digest at its end."""
    caplog.set_level(logging.INFO)
    store = SnapshotStore(str(tmp_path))
    ledger = told(store, HISTORY)
    offsets = [save(store, ledger, count) for count in (60, 120, 180)]
    return ledger, offsets, digest(folded(journal(ledger)).skus.values())


Story = tuple[LedgerProcess, list[int], str]


def test_the_ledger_recovers_from_the_newest_and_the_journal_behind(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, offsets, expected = story
    assert recovered(ledger) == expected
    assert restored_offset(caplog) == offsets[-1]


@pytest.mark.parametrize("damage", ["flipped", "truncated", "emptied"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_damaged_snapshots_are_passed_over_for_the_one_before_at_worst_the_whole_journal(
    story: Story, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str, count: int
) -> None:
    ledger, offsets, expected = story
    for path in paths(tmp_path)[-count:]:
        raw = bytearray(path.read_bytes())
        raw[len(raw) // 2] ^= 1
        half = raw[: len(raw) // 2]
        path.write_bytes({"flipped": raw, "truncated": half, "emptied": b""}[damage])
    assert recovered(ledger) == expected
    assert restored_offset(caplog) == [0, *offsets][-1 - count]
    said = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(said) == count
    assert all(str(path) in " ".join(said) for path in paths(tmp_path)[-count:])


def test_snapshots_of_another_journal_are_passed_over(
    story: Story, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert story[1]
    other = told(SnapshotStore(str(tmp_path)), HISTORY[7:])
    expected = digest(folded(journal(other)).skus.values())
    assert recovered(other) == expected
    assert restored_offset(caplog) == 0
    assert "another journal" in caplog.text


def test_snapshots_that_the_journal_no_longer_reaches_are_passed_over(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, offsets, _ = story
    kept = journal(ledger)[:130]
    ledger.log.records[JOURNAL.name] = kept
    ledger.log._offsets[JOURNAL.name] = kept[-1].offset() + 1
    assert recovered(ledger) == digest(folded(kept).skus.values())
    assert restored_offset(caplog) == offsets[1]
    assert "the journal ends before it" in caplog.text


def test_a_journal_whose_beginning_retention_took_is_carried_on_from_a_snapshot(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, offsets, expected = story
    whole = journal(ledger)
    ledger.log.records[JOURNAL.name] = [m for m in whole if m.offset() >= offsets[-1]]
    assert recovered(ledger) == expected
    assert restored_offset(caplog) == offsets[-1]


def test_a_gap_between_snapshot_and_journal_is_never_folded(story: Story) -> None:
    ledger, offsets, _ = story
    whole = journal(ledger)
    ledger.log.records[JOURNAL.name] = [m for m in whole if m.offset() >= offsets[-1] + 5]
    with pytest.raises(DefectError, match="has fact"):
        ledger.restart()


def test_a_store_that_cannot_be_read_leaves_the_whole_journal(
    story: Story, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, _, expected = story
    (tmp_path / "file").write_text("no folder")
    ledger.snapshots = SnapshotStore(str(tmp_path / "file"))
    assert recovered(ledger) == expected
    assert restored_offset(caplog) == 0
    assert "no further snapshots" in caplog.text


# --- settings ---------------------------------------------------------------------------------


def test_snapshots_are_kept_in_the_data_folder_unless_a_url_is_set(tmp_path: Path) -> None:
    def place(**snapshots: str) -> str:
        environment = {"prefix": "it.", "data_dir": tmp_path}
        return open_store(Settings(environment=environment, snapshots=snapshots)).url

    assert place() == str(tmp_path / "snapshots" / "it.stockfold.journal.v1")
    assert place(url="memory://shop/") == "memory://shop/it.stockfold.journal.v1"


def test_a_url_that_nothing_serves_is_a_setting_to_mend() -> None:
    with pytest.raises(SettingsError, match=r"snapshots\.url"):
        SnapshotStore("nosuch://bucket")


def test_the_description_beside_a_snapshot_is_plain_json(tmp_path: Path) -> None:
    store = SnapshotStore(str(tmp_path))
    at = save(store, told(None, HISTORY), 30)
    said = json.loads((tmp_path / "0" / f"{at:020d}.json").read_text())
    assert (said["partition"], said["next_offset"], said["format_version"]) == (
        0,
        at,
        snapshots.VERSION,
    )
    assert said["recorded_at"].endswith("Z")


# --- the command line -------------------------------------------------------------------------


def test_snapshots_are_listed_and_verified_by_command(tmp_path: Path) -> None:
    settings = Settings(
        environment={"data_dir": tmp_path}, kafka={"bootstrap": "nobody:1", "sku_partitions": 2}
    )
    store = open_store(settings)
    ledger = told(None, HISTORY)
    offsets = [save(store, ledger, count) for count in (50, 100)]
    listed = stockfold_json(settings, "snapshots", "list")
    assert [row["next_offset"] for row in listed] == offsets[::-1]
    assert stockfold_json(settings, "snapshots", "verify", "--all") == [
        {"partition": 0, "next_offset": row["next_offset"], "digest": row["digest"]}
        | {"problem": None}
        for row in listed[::-1]
    ]
    path = paths(tmp_path)[-1]
    path.write_bytes(path.read_bytes()[:-20])
    (damaged,) = stockfold_json(settings, "snapshots", "verify", exit_code=3)
    assert "ends too early" in damaged["problem"]
