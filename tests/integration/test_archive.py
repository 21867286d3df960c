"""Everything restored from an archive alone, on a real Kafka: the same log, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from confluent_kafka import Producer
from tests.conftest import NewEnvironment
from tests.support.command_line import stockfold, stockfold_json, variables
from tests.support.kafka_io import Sender, committed, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import (
    CATALOG,
    EXCEPTIONS,
    INPUTS,
    JOURNAL,
    POSITIONS,
    RECEIPTS,
    RESERVATION_STATUS,
    Topic,
)
from stockfold.domain.errors import SettingsError, StockfoldError, UnavailableError
from stockfold.ledger.digest import digest
from stockfold.runtime import audit
from stockfold.runtime.clock import SYSTEM_CLOCK, ManualClock
from stockfold.runtime.kafka import confluent_config, plan_topics
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.recovery import recover
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import SnapshotStore
from stockfold_services.cli.archiving import target
from stockfold_services.cli.archiving.claiming import LASTS_S
from stockfold_services.cli.archiving.manifest import load
from stockfold_services.cli.archiving.segments import Kept, kept
from stockfold_services.cli.archiving.sending import ExactSender
from stockfold_services.cli.archiving.writing import Archiver
from stockfold_services.cli.place import Place
from stockfold_services.cli.repartition.proving import fold
from stockfold_services.cli.running import refuse_half_restored

pytestmark = pytest.mark.integration

SKUS = [f"SKU-{n}" for n in range(6)]
ITEMS = "sku,name\n" + "".join(f"{sku},Thing\n" for sku in SKUS)


def facts(settings: Settings) -> list[dict]:
    return [r.record for r in committed(settings, JOURNAL) if r.name == "JournalFact"]


def told(settings: Settings) -> set[str]:
    return {fact["event_id"] for fact in facts(settings)}


def latest(settings: Settings, topic: Topic) -> dict[bytes | None, dict]:
    return {r.key: r.record for r in committed(settings, topic)}


def visible(settings: Settings, topic: Topic) -> dict[tuple[int, int], tuple]:
    """What a reader of committed records sees: by partition and offset, key, value and time."""
    reader = PartitionReader(settings)
    return {
        (partition, r.offset()): (r.key(), r.value(), r.timestamp()[1])
        for partition in range(settings.kafka.sku_partitions)
        for batch in reader.read(topic, partition)
        for r in batch
    }


def send(settings: Settings, name: str, count: int) -> None:
    sender = Sender(settings)
    for number in range(count):
        sku, event_id = SKUS[number % len(SKUS)], f"{name}{number}"
        if number % 3:
            sender.event(
                "GoodsReceived", event_id=event_id, sku=sku, location="A", quantity=2, flush=False
            )
        else:
            sender.event(
                "ReserveStock",
                event_id=event_id,
                sku=sku,
                reservation=f"R{event_id}",
                order=f"O{event_id}",
                line="1",
                channel="web",
                quantity=1,
                locations=["A"],
                flush=False,
            )
    sender.flush()


def in_transactions(settings: Settings, ends: str) -> None:
    """Take up offsets of the receipts' first partition that nobody sees: c commits, a aborts."""
    producer = Producer(
        {**confluent_config(settings), "transactional.id": f"{settings.prefix}{uuid.uuid4().hex}"}
    )
    producer.init_transactions(30)
    for end in ends:
        producer.begin_transaction()
        producer.produce(RECEIPTS.full_name(settings.prefix), b"?", b"x", 0)
        producer.flush(30)
        if end == "c":
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)


def lived_in(settings: Settings, tmp_path: Path) -> Path:
    """An environment with something of everything, archived in two passes."""
    place = tmp_path / "archive"
    items = tmp_path / "items.csv"
    items.write_text(ITEMS, "utf-8")
    stockfold(settings, "catalog", "import", str(items), "--yes")
    in_transactions(settings, "aac")
    send(settings, "a", 30)
    with ledger(settings):
        wait_for("the facts", lambda: len(told(settings)) == 30)
        wait_for_records(settings, EXCEPTIONS, 1)
        first = stockfold_json(settings, "archive", "--to", str(place), "--yes")
        assert first["new_records"][CATALOG.name] == len(SKUS)
        in_transactions(settings, "ca")
        Sender(settings).event("GoodsReceived", sku=SKUS[0], location="A", quantity=-1)
        wait_for_records(settings, EXCEPTIONS, 3)
        send(settings, "b", 12)
        wait_for("the facts", lambda: len(told(settings)) == 42)
    stockfold(
        settings,
        *("exceptions", "discard", "--kind", "quantity_out_of_range"),
        "--reason",
        "x",
        "--yes",
    )
    send(settings, "undecided", 9)
    second = stockfold_json(settings, "archive", "--to", str(place), "--yes")
    assert 0 < second["new_records"][JOURNAL.name] < first["new_records"][JOURNAL.name] * 2
    assert stockfold_json(settings, "archive", "--to", str(place))["new_records"] == {}
    return place


def restored(new_environment: NewEnvironment, place: Path) -> tuple[Settings, dict]:
    settings = new_environment(topics=False)
    return settings, stockfold_json(settings, "restore", "--from", str(place), "--yes")


@pytest.mark.timeout(300)
def test_everything_is_restored_from_the_archive_alone_and_the_ledger_goes_on(
    environment: Settings, new_environment: NewEnvironment, tmp_path: Path
) -> None:
    place = lived_in(environment, tmp_path)
    copy, report = restored(new_environment, place)
    for topic in (*INPUTS, CATALOG):
        assert visible(copy, topic) == visible(environment, topic), topic.name
    was, now = visible(environment, JOURNAL), visible(copy, JOURNAL)
    assert set(was) <= set(now)
    assert {now[at][0] for at in set(now) - set(was)} == {None}  # Marks once more.
    assert report["digest"] == fold(environment).digest == fold(copy).digest
    assert fold(copy).ends == fold(environment).ends
    assert latest(copy, POSITIONS) == latest(environment, POSITIONS)
    statuses = [[r.record for r in committed(s, RESERVATION_STATUS)] for s in (environment, copy)]
    assert statuses[0] == statuses[1] != []
    plan = plan_topics(copy)
    assert (plan.missing, plan.drift) == ([], [])
    listed = [stockfold_json(s, "exceptions", "list") for s in (environment, copy)]
    assert [c["exception"] for c in listed[0]] == [c["exception"] for c in listed[1]]
    assert "discarded" in {case["state"] for case in listed[1]}
    audit = stockfold_json(copy, "audit", "list")
    assert [e["command"] for e in audit] == [
        "restore",
        "exceptions discard",
        "archive",
        "catalog import",
    ]

    snapshot_fits(environment, copy, tmp_path)
    with ledger(copy):
        wait_for("what was undecided", lambda: len(told(copy)) == 51)
        send(copy, "b", 12)  # The same events again are known to the copy.
        send(copy, "new", 6)
        wait_for("what is new", lambda: len(told(copy)) == 57)
    with ledger(environment):
        wait_for("what was undecided", lambda: len(told(environment)) == 51)
        send(environment, "new", 6)
        wait_for("what is new", lambda: len(told(environment)) == 57)
    rows = [[(f["sku"], f["seq"], f["event_id"]) for f in facts(s)] for s in (environment, copy)]
    assert sorted(rows[0]) == sorted(rows[1])

    with pytest.raises(SettingsError, match="is not empty"):
        stockfold(copy, "restore", "--from", str(place), "--yes")


def snapshot_fits(environment: Settings, copy: Settings, tmp_path: Path) -> None:
    """A snapshot of the lost environment, in the middle of its journal, serves the restored one."""
    reader, restored_reader = PartitionReader(environment), PartitionReader(copy)
    store, ids_max = SnapshotStore(str(tmp_path / "snapshots")), 1_000
    records = [r for batch in reader.read(JOURNAL, 0) for r in batch]
    memory = Partition(0, ids_max)
    for record in records[: len(records) // 2]:
        memory.fold(record.value(), record.offset())
    store.save(memory, records[len(records) // 2].offset())
    end = restored_reader.stable_end(JOURNAL, 0)
    recovered, head = recover(restored_reader, store, 0, ids_max, end)
    assert head is not None
    whole, _ = recover(restored_reader, None, 0, ids_max, end)
    assert digest(recovered.skus.values()) == digest(whole.skus.values())


class KilledError(Exception):
    """The archive was killed."""


def test_an_archive_that_was_killed_in_a_pass_is_whole_and_what_it_restores_can_be_archived(
    environment: Settings, new_environment: NewEnvironment, tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    with ledger(environment):
        send(environment, "a", 6)
        wait_for("the facts", lambda: len(told(environment)) == 6)
        stockfold(environment, "archive", "--to", str(place), "--yes")
        send(environment, "b", 6)
        wait_for("the facts", lambda: len(told(environment)) == 12)

    def kill(topic: str, count: int) -> None:
        if topic == JOURNAL.name and count:
            raise KilledError

    with pytest.raises(KilledError):
        Archiver(environment, Place(str(place))).run(kill)
    copy, _ = restored(new_environment, place)
    with ledger(copy):
        wait_for("what the journal had not", lambda: len(told(copy)) == 12)
    assert len(facts(copy)) == len(facts(environment)) == 12
    later = ManualClock(SYSTEM_CLOCK.now_us() + LASTS_S * 1_000_000)
    Archiver(environment, Place(str(place)), later).run(lambda _topic, _count: None)
    second, report = restored(new_environment, place)
    assert report["digest"] == fold(environment).digest
    again = tmp_path / "again"
    stockfold(second, "archive", "--to", str(again), "--yes")
    assert restored(new_environment, again)[1]["digest"] == report["digest"]


def test_what_is_damaged_missing_or_of_another_log_is_refused(
    environment: Settings, new_environment: NewEnvironment, tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    with pytest.raises(SettingsError, match="no whole archive"):
        stockfold(environment, "restore", "--from", str(place), "--yes")
    with ledger(environment):
        send(environment, "a", 6)
        wait_for("the facts", lambda: len(told(environment)) == 6)
    stockfold(environment, "archive", "--to", str(place), "--yes")
    other = new_environment()
    with pytest.raises(SettingsError, match="is of the environment"):
        stockfold(other, "archive", "--to", str(place), "--yes")
    empty = new_environment(topics=False)
    from_place = ("restore", "--from", str(place))
    with pytest.raises(SettingsError, match="nobody can be asked: Restore"):
        stockfold(empty, *from_place)
    report = stockfold_json(empty, *from_place, "--dry-run")
    assert (report["dry_run"], report["records"][RECEIPTS.name]) == (True, 4)
    assert plan_topics(empty).present == []
    segment = max((place / JOURNAL.name).rglob("*.seg"))  # Of the last partition.
    raw = bytearray(segment.read_bytes())
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(StockfoldError, match="a segment is damaged"):
        stockfold(empty, *from_place, "--yes")
    assert stockfold_json(empty, "audit", "list")[0]["outcome"] == "failed"
    with pytest.raises(SettingsError, match="did not come to its end"):
        refuse_half_restored(empty)
    raw[len(raw) // 2] ^= 1
    segment.write_bytes(raw)
    with pytest.raises(SettingsError, match="--restart: it deletes"):
        stockfold(empty, *from_place, "--yes")
    report = stockfold_json(empty, *from_place, "--restart", "--yes")
    refuse_half_restored(empty)
    assert report["digest"] == fold(environment).digest
    with pytest.raises(SettingsError, match="is not empty"):
        stockfold(empty, *from_place, "--restart", "--yes")


def test_every_record_gets_the_offset_it_had(new_environment: NewEnvironment) -> None:
    cases = [((), 0), ((), 1), ((), 4), ((0, 1, 2), 3), ((1, 3, 4), 6), ((2, 4, 6, 9), 10)]
    settings = new_environment(topics=False, kafka={"sku_partitions": len(cases)})
    target.make(settings)
    sender, reader = ExactSender(settings), PartitionReader(settings)
    for partition, (offsets, end) in enumerate(cases):
        records = [Kept(o, 1_700_000_000_000 + o, b"k", b"%d" % o, [("h", None)]) for o in offsets]
        sender.write(RECEIPTS, partition, records, end)
        found = [kept(r) for batch in reader.read(RECEIPTS, partition) for r in batch]
        assert (found, reader.stable_end(RECEIPTS, partition)) == (records, end)


def test_following_archives_pass_after_pass_until_it_is_told_to_stop(
    environment: Settings, tmp_path: Path
) -> None:
    place = Place(str(tmp_path / "archive"))
    command = ("archive", "--to", place.url, "--follow", "--every-s", "1", "--yes")
    follower = subprocess.Popen(
        [sys.executable, "-m", "stockfold_services.cli.main", *command],
        cwd=tmp_path,
        env={**os.environ, **variables(environment)},
        stderr=subprocess.PIPE,
        text=True,
    )

    def archived() -> int:
        found = load(place)
        return found.records(RECEIPTS) if found is not None and found.complete_to_us else 0

    try:
        send(environment, "a", 6)
        wait_for("a pass", lambda: archived() == 4)
        send(environment, "b", 3)
        wait_for("another", lambda: archived() == 6)
    finally:
        follower.send_signal(signal.SIGTERM)
        _, told_us = follower.communicate(timeout=60)
    assert follower.returncode == 0
    assert "new records; recovery point" in told_us


def test_a_dry_run_tells_what_would_be_archived_and_writes_nothing(
    environment: Settings, tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    send(environment, "a", 6)
    told_now = stockfold_json(environment, "archive", "--to", str(place), "--dry-run")
    assert told_now["new_offsets"][RECEIPTS.name] == 4
    assert not place.exists()
    with pytest.raises(SettingsError, match="nobody can be asked: Begin an archive"):
        stockfold(environment, "archive", "--to", str(place))
    assert not place.exists()
    stockfold(environment, "archive", "--to", str(place), "--yes")
    again = stockfold_json(environment, "archive", "--to", str(place), "--dry-run")
    assert again == {"dry_run": True, "new_offsets": {}}
    (begun,) = audit.changes(environment)
    assert (begun.command, begun.details, begun.outcome) == ("archive", {"to": str(place)}, "done")


def test_an_archiver_stops_when_another_one_has_written_to_its_place(
    environment: Settings, tmp_path: Path
) -> None:
    place = Place(str(tmp_path / "archive"))
    send(environment, "a", 6)
    first, second = Archiver(environment, place), Archiver(environment, place)
    first.run(lambda _topic, _count: None)
    with pytest.raises(UnavailableError, match="an archiver is at work"):
        second.run(lambda _topic, _count: None)
    first.close()
    with pytest.raises(SettingsError, match="another archiver"):
        second.run(lambda _topic, _count: None)
    assert load(place) == first.manifest


def test_of_two_archivers_in_the_same_moment_one_is_refused_and_the_archive_is_whole(
    environment: Settings, new_environment: NewEnvironment, tmp_path: Path
) -> None:
    place = tmp_path / "archive"
    send(environment, "a", 30)
    with ledger(environment):
        wait_for("the facts", lambda: len(told(environment)) == 30)
    stockfold(environment, "archive", "--to", str(place), "--yes")
    send(environment, "b", 30)
    archivers = [Archiver(environment, Place(str(place))) for _ in range(2)]
    met = threading.Barrier(len(archivers))

    def one_pass(archiver: Archiver) -> str:
        met.wait()
        try:
            archiver.run(lambda _topic, _count: None)
        except UnavailableError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(len(archivers)) as pool:
        ends = sorted(pool.map(one_pass, archivers))
    assert ends[1] == "done"
    assert "an archiver is at work" in ends[0] or "in the same moment" in ends[0]
    copy, _ = restored(new_environment, place)
    assert visible(copy, RECEIPTS) == visible(environment, RECEIPTS)
