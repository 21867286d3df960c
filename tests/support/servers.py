"""The servers of the integration tests: embedded, or containers by a setting.

``STOCKFOLD_TEST_SERVERS=containers`` runs both in Docker through testcontainers (an extra that is
not installed by default); anything else, and the default, embeds them.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from stockfold.domain.errors import SettingsError
from stockfold.runtime.embedded.folder import DataFolder
from stockfold.runtime.embedded.kafka import EmbeddedKafka
from stockfold.runtime.embedded.postgres import EmbeddedPostgres
from stockfold.runtime.embedded.servers import Server, end_left_overs

FOLDER_PREFIX = "stockfold-test-"
FORGOTTEN_S = 60
T = TypeVar("T")


def wanted() -> str:
    """``embedded`` or ``containers``."""
    return os.environ.get("STOCKFOLD_TEST_SERVERS", "embedded")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread, whatever loop the caller may have."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result(timeout=120)


@contextmanager
def server_folder() -> Iterator[Path]:
    """A held data folder outside pytest's own, which only its owner may enter."""
    _sweep()
    path = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    folder = DataFolder(path)
    with folder:
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _sweep() -> None:
    """End servers and remove folders of test runs that were killed."""
    for path in Path(tempfile.gettempdir()).glob(FOLDER_PREFIX + "*"):
        try:
            if path.owner() != Path.home().owner() or path.is_symlink():
                continue
            if time.time() - path.stat().st_mtime < FORGOTTEN_S:
                continue
            with DataFolder(path) as folder:
                end_left_overs(folder)
                shutil.rmtree(path, ignore_errors=True)
        except (OSError, KeyError, SettingsError):
            continue  # Another run has it, or it went away meanwhile.


HEAP_MB = 1_024
"""A session makes some 7,000 partitions, each test its own: 256 MB are too little for them."""


@contextmanager
def serving(server: Server) -> Iterator[str]:
    """Start a server, give its address, stop it."""
    try:
        yield server.start()
    finally:
        server.stop()


@contextmanager
def kafka_server() -> Iterator[str]:
    """A Kafka for the session; its bootstrap address."""
    with ExitStack() as stack:
        if wanted() == "containers":
            from tests.support.containers import ContainerKafka  # noqa: PLC0415

            yield stack.enter_context(serving(ContainerKafka()))
            return
        folder = stack.enter_context(server_folder())
        yield stack.enter_context(serving(EmbeddedKafka(folder / "kafka", heap_mb=HEAP_MB)))


@contextmanager
def postgres_server() -> Iterator[str]:
    """A PostgreSQL for the session; the DSN of its first database."""
    with ExitStack() as stack:
        if wanted() == "containers":
            from tests.support.containers import ContainerPostgres  # noqa: PLC0415

            yield stack.enter_context(serving(ContainerPostgres()))
            return
        folder = stack.enter_context(server_folder())
        yield stack.enter_context(serving(EmbeddedPostgres(folder / "postgres")))


@contextmanager
def fresh_database(server_dsn: str, name: str) -> Iterator[str]:
    """A new database on the server, dropped afterwards; its DSN."""
    run(_execute(server_dsn, f'CREATE DATABASE "{name}"'))
    try:
        head, separator, query = server_dsn.partition("?")
        yield head.rsplit("/", 1)[0] + "/" + name + separator + query
    finally:
        run(_execute(server_dsn, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=30)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
