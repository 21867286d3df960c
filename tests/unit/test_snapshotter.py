"""When the snapshotter makes a snapshot, and what it does about what is broken."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from tests.support.histories import Options, seeded
from tests.support.ledger_process import LedgerProcess
from tests.support.told_ledger import IDS_MAX, folded, journal, tell

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.digest import digest
from stockfold.runtime.clock import ManualClock
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold_services.snapshotter.snapshotter import Snapshotter

EVERY_S = 60
RECORDS_MAX = 150


class Journals:
    """Two partitions of a journal, each as far as it is committed."""

    def __init__(self) -> None:
        self.whole: dict[int, list[LoopRecord]] = {}
        for number in (0, 1):
            ledger = LedgerProcess(dedupe_events_max=IDS_MAX)
            tell(ledger, seeded(number + 1, size=160, options=Options(skus=("A", "B", "C"))))
            self.whole[number] = journal(ledger)
        self.shown = {0: 0, 1: 0}
        self.reads: list[tuple[int, int]] = []
        self.batch = 40
        self.on_read = lambda: None

    def committed_ends(self, topic: Topic, partitions: Iterable[int]) -> dict[int, int]:
        del topic
        return {number: self.shown[number] for number in partitions}

    def earliest(self, topic: Topic, partition: int) -> int:
        del topic, partition
        return 0

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[LoopRecord]]:
        del topic
        self.reads.append((partition, start or 0))
        kept = [m for m in self.whole[partition] if (start or 0) <= m.offset() < (end or 0)]
        for at in range(0, len(kept), self.batch):
            self.on_read()
            yield kept[at : at + self.batch]

    def digest(self, partition: int) -> str:
        kept = [m for m in self.whole[partition] if m.offset() < self.shown[partition]]
        return digest(folded(kept).skus.values())


class Scene:
    """A snapshotter over them, and a clock that is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.journals = Journals()
        self.clock = ManualClock()
        self.store = SnapshotStore(str(folder), keep=9)
        self.stop = threading.Event()
        self.start()

    def start(self) -> None:
        settings = Settings(
            kafka={"bootstrap": "nobody:1"},
            snapshots={"every_s": EVERY_S, "records_max": RECORDS_MAX},
            ledger={"dedupe_events_max": IDS_MAX},
        )
        self.snapshotter = Snapshotter(
            settings, self.store, self.stop, journal=self.journals, clock=self.clock
        )

    def look(self, *, after_s: float = 0, partitions: tuple[int, ...] = (0, 1)) -> list[int]:
        """Look once; how many snapshots each partition has afterwards."""
        self.clock.sleep(after_s)
        self.snapshotter.look(list(partitions))
        return [len(self.store.offsets(number)) for number in (0, 1)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "store")


def test_a_snapshot_is_made_when_there_are_new_facts_and_it_is_time(scene: Scene) -> None:
    assert scene.look() == [0, 0]
    assert scene.look(after_s=EVERY_S) == [0, 0]  # Nothing has happened yet.
    scene.journals.shown = {0: 50, 1: 0}
    assert scene.look(after_s=1) == [1, 0]
    scene.journals.shown = {0: 60, 1: 60}
    assert scene.look(after_s=EVERY_S / 2) == [1, 1]
    assert scene.look(after_s=EVERY_S / 2) == [2, 1]
    assert scene.look(after_s=EVERY_S) == [2, 1]
    assert scene.store.offsets(0) == [50, 60]
    for number in (0, 1):
        found = scene.store.newest(number)
        assert found is not None
        assert found.digest == scene.journals.digest(number)
        found.restore(verify=True)


def test_many_records_bring_a_snapshot_before_its_time(scene: Scene) -> None:
    assert scene.look() == [0, 0]
    scene.journals.shown = {0: RECORDS_MAX - 1, 1: RECORDS_MAX}
    assert scene.look() == [0, 1]


def test_the_next_one_folds_only_what_came_since_also_after_a_restart(scene: Scene) -> None:
    scene.journals.shown = {0: RECORDS_MAX, 1: 0}
    scene.look()
    scene.start()
    scene.journals.shown[0] = RECORDS_MAX + 20
    assert scene.look() == [1, 0]
    assert scene.look(after_s=EVERY_S) == [2, 0]
    assert scene.journals.reads[-1] == (0, RECORDS_MAX - 1)  # The last record it knows, to compare.
    found = scene.store.newest(0)
    assert found is not None
    assert found.digest == scene.journals.digest(0)


def test_a_partition_that_is_another_instance_s_is_left_alone(scene: Scene) -> None:
    scene.journals.shown = {0: RECORDS_MAX, 1: RECORDS_MAX}
    assert scene.look(partitions=(1,)) == [0, 1]


def test_far_behind_it_saves_what_it_has_folded_on_the_way(scene: Scene) -> None:
    scene.journals.shown = {0: 200, 1: 0}
    scene.journals.on_read = lambda: scene.clock.sleep(EVERY_S / 2)
    scene.look()
    assert scene.store.offsets(0) == [80, 160, 200]
    for offset in scene.store.offsets(0):
        scene.store.open(0, offset).restore(verify=True)


def test_asked_to_stop_it_leaves_a_fold_unfinished(scene: Scene) -> None:
    scene.journals.shown = {0: 200, 1: 200}
    scene.journals.on_read = scene.stop.set
    assert scene.look() == [0, 0]
    assert scene.journals.reads == [(0, 0)]


def test_a_journal_with_a_gap_has_no_snapshot_and_holds_up_no_other(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    del scene.journals.whole[0][20:23]
    scene.journals.shown = {0: RECORDS_MAX, 1: RECORDS_MAX}
    assert scene.look() == [0, 1]
    assert "partition 0 has no new snapshot" in caplog.text


def test_a_snapshot_whose_digest_is_not_of_its_rows_is_not_built_on(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    scene.store.save(folded(scene.journals.whole[0][:50]), 50, digest="0" * 32)
    scene.journals.shown[0] = 50 + RECORDS_MAX
    assert scene.look() == [2, 0]
    assert "its rows have the digest" in caplog.text
    found = scene.store.newest(0)
    assert found is not None
    assert found.digest == scene.journals.digest(0)


def test_while_the_store_is_away_nothing_is_folded(scene: Scene, tmp_path: Path) -> None:
    scene.journals.shown = {0: RECORDS_MAX, 1: 0}
    scene.look()
    scene.journals.shown[0] += RECORDS_MAX
    scene.journals.reads.clear()
    (tmp_path / "store").rename(tmp_path / "away")
    (tmp_path / "store").write_text("a file where the folder was")
    with pytest.raises(UnavailableError):
        scene.look()
    assert scene.journals.reads == []
    (tmp_path / "store").unlink()
    (tmp_path / "away").rename(tmp_path / "store")
    assert scene.look() == [2, 0]
