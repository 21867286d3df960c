"""Example programs that read availability, run as they stand, and the schemas that they ask for."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from aiokafka import AIOKafkaProducer
from fastapi import FastAPI

from stockfold.contracts.codec import encode
from stockfold.contracts.topics import AVAILABILITY
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import aiokafka_config
from stockfold.runtime.settings import Settings
from stockfold_services.api.routes.contracts import router
from tests.support.publishing import availability, partition_of

EXAMPLES = Path(__file__).parents[2] / "infra/examples"
START_S = 60.0
STOP_S = 40.0
Sold = tuple[str, int, int]
"""Channel and SKU as the key has them, version, quantity."""


@contextmanager
def registry() -> Iterator[str]:
    """The api's read-only schema registry on a port of its own; its address."""
    app = FastAPI()
    app.include_router(router)
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        ends_s = time.monotonic() + START_S
        while not server.started:
            assert time.monotonic() < ends_s, "the registry does not come up"
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}/registry"
    finally:
        server.should_exit = True
        thread.join(10)


class Subscriber:
    """A running example: ``told`` is what it has printed, line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[Sold] = []
        self.was_stopped = False
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = line.rsplit(maxsplit=2)
            if len(words) == 3 and words[1].isdecimal():
                self.told.append((words[0], int(words[1]), int(words[2])))

    def stop(self) -> None:
        """As whoever deploys a new release does."""
        self.was_stopped = True
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(STOP_S)

    def end(self) -> None:
        """As a kill does."""
        self.process.kill()
        self.process.wait(10)
        self._thread.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def subscriber(name: str, settings: Settings, given: Mapping[str, str]) -> Iterator[Subscriber]:
    """The example of this name while the block runs; it must run until the end of it."""
    log = settings.environment.data_dir / f"{name}.log"
    with log.open("ab") as errors:
        running = Subscriber(
            subprocess.Popen(
                [sys.executable, str(EXAMPLES / f"{name}.py")],
                env={
                    **os.environ,
                    "KAFKA": settings.kafka.bootstrap or "",
                    "TOPIC": AVAILABILITY.full_name(settings.prefix),
                    **given,
                },
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        )
    try:
        yield running
        ended = 0 if running.was_stopped else None
        assert running.process.poll() == ended, log.read_text("utf-8")
    finally:
        running.end()


def write(settings: Settings, *told: Sold, commits: bool = True) -> None:
    """One transaction of availability, as its service writes it; or one that is aborted."""
    asyncio.run(_written(settings, told, commits=commits))


async def _written(settings: Settings, told: tuple[Sold, ...], *, commits: bool) -> None:
    producer = AIOKafkaProducer(
        **aiokafka_config(settings), transactional_id=f"{settings.prefix}availability-of-test"
    )
    await producer.start()
    try:
        await producer.begin_transaction()
        for key, version, quantity in told:
            channel, _, sku = key.partition("|")
            await producer.send_and_wait(
                AVAILABILITY.full_name(settings.prefix),
                key=key.encode(),
                value=encode(
                    "stockfold.Availability", availability(channel, sku, quantity, version)
                ),
                partition=partition_of(sku, settings.kafka.sku_partitions),
            )
        await (producer.commit_transaction() if commits else producer.abort_transaction())
    finally:
        await producer.stop()
