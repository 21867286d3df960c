"""Snapshots of a real journal: made by the snapshotter, recovered from by the ledger."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, committed, wait_for
from tests.support.running_ledger import ledger, running

from stockfold.contracts.topics import EXCEPTIONS, JOURNAL
from stockfold.ledger.digest import digest
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.recovery import fold_records
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore, open_store
from stockfold_services.snapshotter.main import run as snapshotter

pytestmark = pytest.mark.integration

IDS_MAX = 1_000
SKUS = [f"S{n}" for n in range(12)]


@pytest.fixture
def site(new_environment: NewEnvironment) -> Settings:
    """An environment in which every second may bring a snapshot."""
    return new_environment(
        snapshots={"every_s": 1}, ledger={"dedupe_events_max": IDS_MAX, "merge_wait_ms": 0}
    )


def folded(settings: Settings) -> dict[int, Partition]:
    """The memory of every partition, from the whole journal."""
    reader = PartitionReader(settings)
    found = {}
    for number in range(settings.kafka.sku_partitions):
        found[number] = Partition(number, IDS_MAX)
        fold_records(found[number], None, reader.read(JOURNAL, number))
    return found


def facts(settings: Settings) -> list[tuple[str, int]]:
    """(SKU, sequence number) of every fact."""
    return [
        (r.record["sku"], r.record["seq"])
        for r in committed(settings, JOURNAL)
        if r.name == "JournalFact"
    ]


def wave(sender: Sender, settings: Settings, *, skus: list[str] = SKUS) -> None:
    """One receipt and one reservation of each SKU, folded by a running ledger."""
    before = len(facts(settings))
    for sku in skus:
        sender.event("GoodsReceived", sku=sku, location="A", quantity=5, flush=False)
        line = {"sku": sku, "order": f"O{before}", "line": "1", "quantity": 1}
        name = f"R{before}-{sku}"
        sender.event(
            "ReserveStock", **line, reservation=name, channel="web", locations=["A"], flush=False
        )
    sender.flush()
    wait_for("the wave's facts", lambda: len(facts(settings)) >= before + 2 * len(skus))


def is_covered(settings: Settings, store: SnapshotStore) -> bool:
    """Whether the snapshots' digests are those of the whole journal."""
    for number, memory in folded(settings).items():
        found = store.newest(number)
        if found is None or found.digest != digest(memory.skus.values()):
            return False
    return True


def said_at_recovery(caplog: pytest.LogCaptureFixture) -> dict[int, int]:
    """By partition: where the snapshot stood that the last recovery took; 0 for none."""
    rows = [r.args for r in caplog.records if r.msg.startswith("partition %d: %d SKUs in")]
    return {
        int(str(row[0])): 0 if row[3] == "none" else int(str(row[3]))
        for row in rows
        if isinstance(row, tuple)
    }


def assert_numbers_are_whole(settings: Settings) -> None:
    """Every SKU's sequence is contiguous, and nothing was refused."""
    seen: dict[str, int] = {}
    for sku, seq in facts(settings):
        assert seq == seen.get(sku, 0) + 1
        seen[sku] = seq
    assert not committed(settings, EXCEPTIONS)


def paths(settings: Settings, ending: str = "snapshot") -> list[Path]:
    return sorted((settings.environment.data_dir / "snapshots").rglob(f"*.{ending}"))


def test_the_snapshotter_follows_the_journal_and_the_ledger_recovers_from_it(
    site: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sender, store = Sender(site), open_store(site)
    with running(snapshotter, site):
        with ledger(site):
            wave(sender, site)
            wait_for("the first snapshots", lambda: is_covered(site, store))
            first = {number: store.offsets(number)[-1] for number in (0, 1)}
            wave(sender, site)
            wait_for("the next snapshots", lambda: is_covered(site, store))
        assert {d.digest for n in (0, 1) for d in store.describe(n)} >= {
            digest(memory.skus.values()) for memory in folded(site).values()
        }
        made = paths(site)
        time.sleep(2)
        assert paths(site) == made  # No new facts, no new snapshots.
    newest = {number: store.offsets(number)[-1] for number in (0, 1)}
    assert all(newest[number] > first[number] for number in newest)
    with ledger(site):
        wave(sender, site)  # On top of the newest snapshots.
    assert said_at_recovery(caplog) == newest
    assert_numbers_are_whole(site)
    for number, memory in folded(site).items():
        found = store.newest(number)
        assert found is not None
        assert found.restore(verify=True).facts < memory.facts


def test_damaged_snapshots_cost_time_and_nothing_else(
    site: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    sender, store = Sender(site), open_store(site)
    offsets: dict[int, list[int]] = {0: [0], 1: [0]}
    with ledger(site), running(snapshotter, site):
        for _ in range(2):
            wave(sender, site)
            wait_for("snapshots", lambda: is_covered(site, store))
            for number, known in offsets.items():
                known.append(store.offsets(number)[-1])
    for damaged in (1, 2):
        for number, known in offsets.items():
            (path,) = [p for p in paths(site) if p.match(f"{number}/{known[-damaged]:020d}.*")]
            raw = path.read_bytes()
            path.write_bytes(raw[:-9] if number else b"\0" + raw[1:])
        others = [p for p in paths(site) if int(p.stem) not in offsets[int(p.parent.name)]]
        for path in others:
            path.unlink()  # Made between the waves.
        with ledger(site):
            wave(sender, site)
        assert said_at_recovery(caplog) == {n: known[-1 - damaged] for n, known in offsets.items()}
    assert_numbers_are_whole(site)
    assert caplog.text.count("snapshot skipped") == 2 + 4


DYING = """
import os, signal
from stockfold.contracts import frames
put = frames.FrameWriter.put
def dying(self, kind, payload):
    put(self, kind, payload)
    if kind == b"S":
        self._file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
frames.FrameWriter.put = dying
from stockfold_services.snapshotter.main import main
main()
"""


def child(settings: Settings, *command: str) -> subprocess.Popen[bytes]:
    """A service as a process of its own."""
    config = settings.environment.data_dir / "stockfold.toml"
    config.write_text("")
    environment = {
        "STOCKFOLD_CONFIG": str(config),
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.environment.prefix,
        "STOCKFOLD_ENVIRONMENT__DATA_DIR": str(settings.environment.data_dir),
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
        "STOCKFOLD_SNAPSHOTS__EVERY_S": str(settings.snapshots.every_s),
        "STOCKFOLD_LEDGER__DEDUPE_EVENTS_MAX": str(settings.ledger.dedupe_events_max),
        "STOCKFOLD_LEDGER__MERGE_WAIT_MS": "0",
    }
    return subprocess.Popen([sys.executable, *command], env={**os.environ, **environment})


def test_a_snapshotter_killed_in_the_middle_leaves_nothing_that_is_read(site: Settings) -> None:
    sender, store = Sender(site), open_store(site)
    with ledger(site):
        wave(sender, site)
    dying = child(site, "-c", DYING)
    assert dying.wait(60) == -signal.SIGKILL
    assert paths(site, "part")
    assert [store.newest(number) for number in (0, 1)] == [None, None]
    with running(snapshotter, site):
        wait_for("the snapshots after all", lambda: is_covered(site, store))


def test_a_ledger_killed_again_and_again_recovers_from_snapshot_and_journal(
    site: Settings,
) -> None:
    sender, store = Sender(site), open_store(site)
    with running(snapshotter, site):
        for _ in range(2):
            serving = child(site, "-m", "stockfold_services.ledger.main")
            try:
                wave(sender, site)
                wait_for("snapshots", lambda: is_covered(site, store))
                sender.event("GoodsReceived", sku="S0", location="A", quantity=1)
            finally:
                serving.kill()
                serving.wait(30)
        with ledger(site):
            wave(sender, site)
    assert_numbers_are_whole(site)
    told = [s for s in facts(site) if s[0] == "S0"]
    assert len(told) == 3 * 2 + 2
