"""Snapshots of orders: what they hold, and when they are passed over."""

from __future__ import annotations

import io
import logging
from pathlib import Path

import pytest
from tests.support.order_histories import run_history
from tests.support.orders_process import DAY_US, SECOND_US, OrdersProcess

from stockfold.contracts import order_snapshots
from stockfold.contracts.frames import END, FrameWriter, SnapshotError, open_frames
from stockfold.contracts.order_rows import pack, unpack
from stockfold.contracts.topics import ORDER_JOURNAL
from stockfold.orders.facts import Forgotten
from stockfold.orders.forgotten import ForgottenOrders

KEPT_S = 60 * DAY_US // SECOND_US


@pytest.fixture
def process(tmp_path: Path) -> OrdersProcess:
    process = OrdersProcess(tmp_path)
    process.tell("old", "completed")
    process.wait(KEPT_S)
    process.tell("open")
    process.tell("done", "completed")
    process.tell("lost", lines=[{"line": "1", "code": "", "quantity": 1}])
    return process


def content(process: OrdersProcess) -> tuple[list[bytes], object, dict[str, int]]:
    memory = process.memory
    return list(memory.rows()), memory.forgotten.columns(), memory.next_offsets


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.snapshot"))


@pytest.mark.parametrize("seed", range(20))
def test_an_order_is_the_same_after_it_was_bytes(seed: int) -> None:
    world = run_history(seed)
    for state in world.orders.values():
        again = unpack(pack(state))
        for name in state.__slots__:
            if not name.startswith("_"):
                assert getattr(again, name) == getattr(state, name), name
        assert pack(again) == pack(state)
    replayed = {key: pack(state) for key, state in world.replayed().items()}
    assert replayed == {key: pack(s) for key, s in world.orders.items() if s.seq}


def test_a_restart_from_a_snapshot_is_the_fold_of_the_journal(
    process: OrdersProcess, tmp_path: Path
) -> None:
    live = content(process)
    process.restart()
    assert content(process) == live
    process.snapshot()
    process.tell("new")
    live = content(process)
    process.restart()
    assert content(process) == live
    assert len(files(tmp_path)) == 1
    del process.log.records[ORDER_JOURNAL.name][:3]
    process.restart()
    assert content(process) == live, "what lies before a snapshot is not needed"


def test_equal_orders_give_equal_bytes(process: OrdersProcess, tmp_path: Path) -> None:
    process.snapshot()
    [path] = files(tmp_path)
    first = path.read_bytes()
    path.unlink()
    process.snapshot()
    assert path.read_bytes() == first


def test_a_damaged_snapshot_is_passed_over_for_the_one_before(
    process: OrdersProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process.snapshot()
    process.tell("between")
    process.snapshot()
    process.tell("new")
    live = content(process)
    older, newest = files(tmp_path)
    raw = bytearray(newest.read_bytes())
    raw[len(raw) // 2] ^= 1
    newest.write_bytes(raw)
    with caplog.at_level(logging.ERROR):
        process.restart()
    assert content(process) == live
    assert "passed over" in caplog.text
    older.write_bytes(b"")
    process.restart()
    assert content(process) == live, "at worst the whole journal is folded"


def test_a_snapshot_of_another_journal_is_passed_over(
    process: OrdersProcess, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    process.snapshot()
    other = OrdersProcess(tmp_path)
    with caplog.at_level(logging.ERROR):
        for number in range(40):
            other.tell(f"other-{number}")
        live = content(other)
        other.restart()
    assert content(other) == live
    assert "another journal" in caplog.text


def test_a_store_that_does_not_answer_costs_time_and_nothing_else(
    process: OrdersProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    process.snapshot()
    live = content(process)

    def away(*_: object, **__: object) -> None:
        raise OSError("away")

    monkeypatch.setattr(process.store.files, "ls", away)
    with caplog.at_level(logging.ERROR):
        process.restart()
    assert content(process) == live
    assert "no snapshots of orders" in caplog.text


@pytest.mark.parametrize("kind", [b"O", b"F"])
@pytest.mark.parametrize("payload", [None, b"nonsense!"])
def test_what_has_the_right_checksums_and_makes_no_sense_is_no_snapshot(
    process: OrdersProcess, tmp_path: Path, kind: bytes, payload: bytes | None
) -> None:
    process.snapshot()
    [path] = files(tmp_path)
    magic, version = order_snapshots.MAGIC, order_snapshots.VERSION
    out = io.BytesIO()
    frames = FrameWriter(out, magic, version)
    for known, held in open_frames(io.BytesIO(path.read_bytes()), magic, (version,))[1]:
        if known != kind:
            frames.put(known, held)
        elif payload is not None:
            frames.put(known, payload)
    frames.put(END, b"")
    with pytest.raises(SnapshotError):
        order_snapshots.read(io.BytesIO(out.getvalue()))


def test_of_forgotten_orders_every_one_is_known_and_no_other() -> None:
    book = ForgottenOrders()
    for number in range(5_000):
        book.add(f"shop|{number}", Forgotten(number, number * 7))
    again = ForgottenOrders(book.columns())
    for number in range(5_000):
        assert book.get(f"shop|{number}") == again.get(f"shop|{number}")
        assert again.get(f"shop|{number}") == Forgotten(number, number * 7)
    assert again.get("shop|5000") is None
    assert len(again) == 5_000


def test_the_description_beside_a_snapshot_says_what_is_in_it(
    process: OrdersProcess, tmp_path: Path
) -> None:
    process.snapshot()
    [about] = sorted(tmp_path.rglob("*.json"))
    assert '"orders":3,"forgotten":1' in about.read_text()
