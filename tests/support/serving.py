"""Services in threads of the test, on its servers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stockfold.runtime.settings import Settings
from stockfold_services.availability.main import run as run_availability
from stockfold_services.projector.main import run as run_projector

STOP_S_MAX = 60.0


@contextmanager
def projector(settings: Settings) -> Iterator[None]:
    """A projector that serves while the block runs, and must not fail meanwhile."""

    async def work(stop: threading.Event) -> None:
        ended = asyncio.Event()
        task = asyncio.create_task(run_projector(settings, ended))
        waiting = asyncio.create_task(asyncio.to_thread(stop.wait))
        await asyncio.wait((waiting, task), return_when=asyncio.FIRST_COMPLETED)
        ended.set()
        await task

    with _thread(lambda stop: asyncio.run(work(stop))):
        yield


@contextmanager
def availability(settings: Settings) -> Iterator[None]:
    """An availability service that serves while the block runs, and must not fail meanwhile."""
    with _thread(lambda stop: run_availability(settings, stop)):
        yield


@contextmanager
def _thread(work: Callable[[threading.Event], None]) -> Iterator[None]:
    stop = threading.Event()
    failures: list[BaseException] = []

    def body() -> None:
        try:
            work(stop)
        except BaseException as error:  # noqa: BLE001  (the test itself tells it, below)
            failures.append(error)

    thread = threading.Thread(target=body)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_S_MAX)
    assert not thread.is_alive()
    assert not failures, failures
