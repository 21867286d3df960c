"""The real ledger, or another service of its kind, in a thread, on a real Kafka."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stockfold.runtime.settings import Settings
from stockfold_services.ledger.main import run


@contextmanager
def ledger(settings: Settings) -> Iterator[None]:
    """A ledger that serves while the block runs, and must not fail meanwhile."""
    with running(run, settings):
        yield


@contextmanager
def running(run: Callable[[Settings, threading.Event], None], settings: Settings) -> Iterator[None]:
    """A service that serves while the block runs, and must not fail meanwhile."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            run(settings, stop)
        except BaseException as error:  # noqa: BLE001  (the test itself tells it, below)
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert not failures, failures
