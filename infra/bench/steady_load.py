"""Events at a steady rate, for a ledger that others are measured beside.

They are encoded before anything is timed, and produced by a process of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import BinaryIO

import psutil
from confluent_kafka import Producer
from infra.bench.checkout import process_apart
from infra.bench.ledger import ledger_progress
from infra.bench.read_side import Servers
from infra.bench.workload import events

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

START_S_MAX = 240.0
SKUS = 4_000
QUIET = {"STOCKFOLD_LOG_LEVEL": "WARNING"}
PARTS_S = 50
"""Parts of a second's events that are sent at once."""
LOAD_SPARE_S = 30
"""For how long events come beyond the time that is measured: until the ledger keeps up."""
LAG_S_MAX = 1.0

Encoded = tuple[str, bytes, bytes, list[tuple[str, bytes]]]
"""Topic, key, value and headers of an event."""


def _produce(settings: Settings, path: Path, rate_s: int, ready: Event, go: Event) -> None:
    """Produce events at a steady rate once told to, in a process and a session of its own."""
    os.setsid()
    producer = Producer(
        {
            **confluent_config(settings),
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 20,
        }
    )
    producer.list_topics(timeout=30)
    ready.set()
    go.wait()
    began, made = time.monotonic(), 0
    with path.open("rb") as file:
        for part in iter(lambda: _next(file), []):
            for event in part:
                _send(producer, *event)
            made += len(part)
            time.sleep(max(began + made / rate_s - time.monotonic(), 0))
    producer.flush(30)


def _next(file: BinaryIO) -> list[Encoded]:
    try:
        part: list[Encoded] = pickle.load(file)  # noqa: S301 - written by _encode
    except EOFError:
        return []
    return part


def _send(
    producer: Producer, topic: str, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, headers=[*headers])
        except BufferError:  # The broker is behind: what is due is sent later.
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _encode(settings: Settings, path: Path, count: int, rate_s: int) -> None:
    """Write events as they will be produced, some milliseconds' worth at a time."""
    now_us = SYSTEM_CLOCK.now_us() + int(count / rate_s * 1e6)
    made = events(count, SKUS, int(time.time()), now_us)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        while part := list(islice(made, max(rate_s // PARTS_S, 1))):
            # Event ids are new to this ledger.
            rows = [(e.topic.full_name(settings.prefix), e.key, e.value, e.headers) for e in part]
            told = [(*row[:3], _renamed(row[3])) for row in rows]
            pickle.dump(told, file, pickle.HIGHEST_PROTOCOL)
        file.flush()
        os.fsync(file.fileno())  # Else the disk is busy with it while others are measured.


@contextmanager
def half_load(up: Servers, rate_s: int, seconds: float) -> Iterator[dict[str, psutil.Process]]:
    """A ledger that so many events a second come to meanwhile, once it keeps up with them.

    Those who take CPU for it, by name. UnavailableError when it does not keep up at first.
    """
    settings = up.settings
    path = settings.environment.data_dir / "load"
    _encode(settings, path, int(rate_s * (seconds + LOAD_SPARE_S)), rate_s)
    before = committed(settings)
    spawn = multiprocessing.get_context("spawn")
    ready, go = spawn.Event(), spawn.Event()
    with process_apart(settings, "ledger", **QUIET) as ledger:
        child = spawn.Process(target=_produce, args=(settings, path, rate_s, ready, go))
        child.start()
        try:
            ready.wait(START_S_MAX)
            go.set()
            went = time.monotonic()

            def keeps_up() -> bool:
                due = (time.monotonic() - went) * rate_s
                return committed(settings) - before >= max(due - LAG_S_MAX * rate_s, rate_s)

            wait(keeps_up, f"the ledger does not keep up with {rate_s:,} events/s", LOAD_SPARE_S)
            yield {"ledger": ledger, "producer": psutil.Process(child.pid)}
        finally:
            child.terminate()
            child.join()
    path.unlink()


def _renamed(headers: Sequence[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    return [(name, b"load-" + raw if name == "ce_id" else raw) for name, raw in headers]


def committed(settings: Settings) -> int:
    """Events that the ledger has read and committed."""
    progress = ledger_progress(settings)
    try:
        return progress.committed()
    finally:
        progress.close()


def wait(done: Callable[[], bool], otherwise: str, s_max: float = START_S_MAX) -> None:
    """Until something is so; UnavailableError that says otherwise."""
    deadline = time.monotonic() + s_max
    while not done():
        if time.monotonic() > deadline:
            raise UnavailableError(otherwise, remedy="Read the logs above.")
        time.sleep(0.2)
