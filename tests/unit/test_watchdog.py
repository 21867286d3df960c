"""A loop that makes no progress is noticed, and one that rests or works is left alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from stockfold.domain.errors import UnavailableError
from stockfold.runtime import watchdog
from stockfold.runtime.watchdog import (
    Deafness,
    Pulse,
    Silence,
    ends_when_stalled,
    restarted_when_stalled,
)

LIMIT_S = 0.2


def looks(silence: Silence, count: int) -> float:
    return [silence.look() for _ in range(count)][-1]


def test_silence_counts_from_the_last_beat() -> None:
    pulse = Pulse("ledger")
    silence = Silence(pulse, look_s=1.0)
    pulse.beat("commit_transaction")
    assert looks(silence, 4) == 3.0
    pulse.beat("consume")
    assert silence.look() == 0.0


def test_waiting_for_work_is_no_silence() -> None:
    pulse = Pulse("recorder")
    pulse.beat("putting outcomes on record")
    pulse.rest()
    assert looks(Silence(pulse, look_s=1.0), 100) == 0.0


def test_a_thread_that_hangs_is_named() -> None:
    pulse, told, hung = Pulse("ledger"), [], threading.Event()

    def end(why: str) -> None:
        told.append(why)
        hung.set()

    with ends_when_stalled([pulse], LIMIT_S, end):
        pulse.beat("commit_transaction")
        assert hung.wait(30)
    assert told == ["ledger hangs: commit_transaction has not ended within 0.2 s"]


def test_a_thread_that_beats_lives() -> None:
    pulse, told = Pulse("ledger"), []
    with ends_when_stalled([pulse], 60.0, told.append):
        pulse.beat("consume")
    assert not told


async def test_a_task_that_hangs_is_cancelled_and_told_as_unavailable() -> None:
    pulse, cancelled = Pulse("projector"), asyncio.Event()

    async def work() -> None:
        pulse.beat("writing to PostgreSQL")
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(UnavailableError, match="projector hangs: writing to PostgreSQL"):
        await restarted_when_stalled(work(), [pulse], LIMIT_S)
    assert cancelled.is_set()


async def test_a_task_whose_clean_up_hangs_too_is_cancelled_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watchdog, "CANCEL_S_MAX", 0.1)
    pulse = Pulse("projector")

    async def work() -> None:
        pulse.beat("writing to PostgreSQL")
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.Event().wait()

    with pytest.raises(UnavailableError, match="projector hangs"):
        await restarted_when_stalled(work(), [pulse], LIMIT_S)


async def test_what_the_task_raises_comes_through() -> None:
    async def work() -> None:
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        await restarted_when_stalled(work(), [Pulse("projector")], LIMIT_S)


async def test_cancelling_the_watch_cancels_the_task() -> None:
    began, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    watch = asyncio.create_task(restarted_when_stalled(work(), [Pulse("projector")], 60.0))
    await began.wait()
    watch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watch
    assert cancelled.is_set()


def test_records_that_wait_at_two_looks_are_a_deaf_reader() -> None:
    deafness: Deafness[str] = Deafness(60.0)
    deafness.look({"receipts": 4, "returns": 9}, {"receipts": 7, "returns": 9})
    with pytest.raises(UnavailableError, match="3 records wait and none was read for 60 s"):
        deafness.look({"receipts": 4, "returns": 9}, {"receipts": 7, "returns": 9})


def test_a_reader_that_moves_is_not_deaf_however_far_behind() -> None:
    deafness: Deafness[str] = Deafness(60.0)
    deafness.look({"receipts": 4}, {"receipts": 7000})
    deafness.look({"receipts": 5}, {"receipts": 9000})
    deafness.look({"receipts": 6}, {"receipts": 6})
    deafness.look({"receipts": 6}, {"receipts": 7})


def test_looks_are_a_limit_apart() -> None:
    deafness: Deafness[str] = Deafness(60.0)
    assert [deafness.is_due(s) for s in (10.0, 69.0, 70.0, 100.0, 130.0)] == [
        False, False, True, False, True,
    ]  # fmt: skip
