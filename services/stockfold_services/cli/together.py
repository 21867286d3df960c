"""Every service but ledger and snapshotter in one process: for a small shop."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop

from stockfold.domain.errors import DefectError
from stockfold.runtime.serve import keep_what_is_imported
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

STOP_S_MAX = 10.0
LOOK_S = 0.1
SYNCHRONOUS = ("availability", "orders", "erp")
ASYNCHRONOUS = ("projector", "publisher", "api", "gateway", "checkout", "sweeper")

AsyncRun = Callable[[Settings, asyncio.Event], Awaitable[None]]
SyncRun = Callable[[Settings, threading.Event], None]


def run(settings: Settings, stop: threading.Event) -> None:
    """Run them all until ``stop``. The first to fail stops the others, and its error is raised."""
    synchronous: dict[str, SyncRun] = {name: _load(name) for name in SYNCHRONOUS}
    asynchronous: dict[str, AsyncRun] = {name: _load(name) for name in ASYNCHRONOUS}
    keep_what_is_imported()
    run_these(settings, stop, synchronous, asynchronous)


def run_these(
    settings: Settings,
    stop: threading.Event,
    synchronous: dict[str, SyncRun],
    asynchronous: dict[str, AsyncRun],
) -> None:
    """``run`` with the services given."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_all(settings, stop, synchronous, asynchronous))


def _load(name: str) -> Any:
    """The service's ``run``, imported here so that nobody else pays for it."""
    return importlib.import_module(f"stockfold_services.{name}.main").run


async def _all(
    settings: Settings,
    stop: threading.Event,
    synchronous: dict[str, SyncRun],
    asynchronous: dict[str, AsyncRun],
) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    thread_stop, task_stop = threading.Event(), asyncio.Event()
    waiting: dict[str, asyncio.Future[None]] = {}
    for name, work in synchronous.items():
        waiting[name] = _in_thread(loop, name, work, settings, thread_stop)
    for name, start in asynchronous.items():
        waiting[name] = asyncio.ensure_future(start(settings, task_stop))
    for future in waiting.values():
        future.add_done_callback(lambda _: ended.set())
    while not stop.is_set() and not ended.is_set():
        await _sleep_until(ended, LOOK_S)
    asked = stop.is_set()
    thread_stop.set()
    task_stop.set()
    _, late = await asyncio.wait(waiting.values(), timeout=STOP_S_MAX)
    for future in late:
        future.cancel()
    await asyncio.gather(*late, return_exceptions=True)
    _raise_first(waiting, asked=asked)


async def _sleep_until(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _in_thread(
    loop: asyncio.AbstractEventLoop,
    name: str,
    work: SyncRun,
    settings: Settings,
    stop: threading.Event,
) -> asyncio.Future[None]:
    """Run ``work`` in a daemon thread, so that one that hangs cannot keep the process alive."""
    future: asyncio.Future[None] = loop.create_future()

    def settle(error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)

    def body() -> None:
        failed: BaseException | None = None
        try:
            work(settings, stop)
        except BaseException as error:  # noqa: BLE001 - it is raised where it is awaited
            failed = error
        try:
            loop.call_soon_threadsafe(settle, failed)
        except RuntimeError:
            log.warning("%s ended after everything else", name)

    threading.Thread(target=body, name=name, daemon=True).start()
    return future


def _raise_first(waiting: dict[str, asyncio.Future[None]], *, asked: bool) -> None:
    errors = {
        name: error
        for name, future in waiting.items()
        if not future.cancelled() and (error := future.exception()) is not None
    }
    for name, error in errors.items():
        log.error("%s failed: %s: %s", name, type(error).__name__, error)
    if errors:
        raise next(iter(errors.values()))
    if not asked:
        early = [name for name, future in waiting.items() if not future.cancelled()]
        raise DefectError(f"one of {', '.join(early)} ended without being asked to")
