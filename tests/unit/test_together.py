"""Several services in one process: they stop together and fail together."""

from __future__ import annotations

import asyncio
import threading

import pytest

from stockfold.domain.errors import DefectError, UnavailableError
from stockfold.runtime.settings import Settings
from stockfold_services.cli.together import run_these


class Calls:
    """Services that write down when they end."""

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.stop = threading.Event()

    def thread(self, settings: Settings, stop: threading.Event) -> None:
        assert stop.wait(20)
        self.ended.append("thread")

    async def task(self, settings: Settings, stop: asyncio.Event) -> None:
        await asyncio.wait_for(stop.wait(), 20)
        self.ended.append("task")

    async def ask_to_stop(self, settings: Settings, stop: asyncio.Event) -> None:
        self.stop.set()
        await stop.wait()

    async def fail(self, settings: Settings, stop: asyncio.Event) -> None:
        raise UnavailableError("the database is gone")

    async def leave(self, settings: Settings, stop: asyncio.Event) -> None:
        return

    def fail_in_thread(self, settings: Settings, stop: threading.Event) -> None:
        raise UnavailableError("the broker is gone")


def test_all_end_when_asked_to() -> None:
    calls = Calls()
    run_these(
        Settings(),
        calls.stop,
        {"availability": calls.thread},
        {"api": calls.task, "publisher": calls.ask_to_stop},
    )
    assert sorted(calls.ended) == ["task", "thread"]


def test_the_failure_of_one_ends_the_others_and_is_raised() -> None:
    calls = Calls()
    with pytest.raises(UnavailableError, match="database"):
        run_these(Settings(), calls.stop, {"a": calls.thread}, {"api": calls.task, "p": calls.fail})
    assert sorted(calls.ended) == ["task", "thread"]


def test_the_failure_of_a_thread_ends_the_others_and_is_raised() -> None:
    calls = Calls()
    with pytest.raises(UnavailableError, match="broker"):
        run_these(Settings(), calls.stop, {"a": calls.fail_in_thread}, {"api": calls.task})
    assert calls.ended == ["task"]


def test_one_that_leaves_without_being_asked_is_a_defect() -> None:
    calls = Calls()
    with pytest.raises(DefectError, match="without being asked"):
        run_these(Settings(), calls.stop, {"a": calls.thread}, {"api": calls.leave})
    assert calls.ended == ["thread"]
