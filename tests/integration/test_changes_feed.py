"""The feed of changes over real HTTP: reconnects, a killed api, slow clients."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx
import pytest
from tests.conftest import NewEnvironment
from tests.support import read_side as given
from tests.support.api_reader import Reader

from stockfold.contracts.topics import API_KEYS
from stockfold.runtime.embedded.ports import free_port
from stockfold.runtime.kafka import ensure_topic
from stockfold.runtime.settings import Settings
from stockfold_services.api import changes, event_stream
from stockfold_services.api.main import run
from stockfold_services.api.routes import changes as route

pytestmark = pytest.mark.integration

PATH = "/v1/availability/changes"


class Listener:
    """A client of the feed that remembers its last id, as browsers do."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.last_id = ""
        self.events: list[tuple[str, str, int, int]] = []
        self.beats = 0

    async def listen(self, count: int, **params: str) -> None:
        """Read until ``count`` events have come in all; a server that dies is no end."""
        async with asyncio.timeout(40):
            while len(self.events) < count:
                with suppress(httpx.TransportError):
                    await self._once(count, params)
                await asyncio.sleep(0.02)

    async def _once(self, count: int, params: dict[str, str]) -> None:
        headers = {"Last-Event-ID": self.last_id} if self.last_id else {}
        async with (
            httpx.AsyncClient(base_url=self.base_url, timeout=30) as client,
            client.stream("GET", PATH, params=params, headers=headers) as answer,
        ):
            assert answer.status_code == 200, await answer.aread()
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["x-content-type-options"] == "nosniff"
            async for line in answer.aiter_lines():
                if line.startswith(":"):
                    self.beats += 1
                elif line.startswith("id: "):
                    identity = line[4:]
                    if not self.last_id:
                        self.last_id = identity
                elif line.startswith("data: "):
                    told = json.loads(line[6:])
                    listing = told["channel"], told["sku"]
                    self.events.append((*listing, told["version"], told["quantity"]))
                    self.last_id = identity
                if len(self.events) >= count:
                    return

    def rising(self) -> bool:
        """Whether no listing's version ever repeats or falls."""
        latest: dict[tuple[str, str], int] = {}
        for channel, sku, version, _ in self.events:
            if latest.get((channel, sku), 0) >= version:
                return False
            latest[channel, sku] = version
        return True

    @property
    def latest(self) -> dict[tuple[str, str], int]:
        return {(channel, sku): version for channel, sku, version, _ in self.events}


@pytest.fixture
def tables(new_environment: NewEnvironment, postgres: str) -> Reader:
    settings = new_environment(topics=False, postgres={"dsn": postgres}, api={"port": free_port()})
    ensure_topic(settings, API_KEYS)
    return Reader(settings, httpx.AsyncClient())


@asynccontextmanager
async def served(settings: Settings) -> AsyncIterator[str]:
    stop = asyncio.Event()
    serving = asyncio.create_task(run(settings, stop))
    url = f"http://127.0.0.1:{settings.api.port}"
    try:
        await answers(url)
        yield url
    finally:
        stop.set()
        await asyncio.wait_for(serving, 20)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while True:
            if holds():
                return
            await asyncio.sleep(0.02)


async def answers(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(30):
        while True:
            with suppress(httpx.TransportError):
                await client.get("/healthz")
                return
            await asyncio.sleep(0.02)


async def test_a_client_is_told_what_there_is_and_then_each_change(tables: Reader) -> None:
    await tables.fill(given.availability("web", "a", 1, 5), given.availability("shop", "a", 1, 3))
    await tables.fill(given.availability("web", "b", 1, 7), partition=1)
    async with served(tables.settings) as url:
        everything, one = Listener(url), Listener(url)
        reading = asyncio.gather(
            everything.listen(5, after="0"), one.listen(3, after="0", channel="web")
        )
        await until(lambda: len(everything.events) >= 3 and len(one.events) >= 2)
        await tables.fill(given.availability("web", "a", 2, 4))
        await tables.fill(given.availability("shop", "b", 1, 1), partition=1)
        await reading
    assert everything.latest == {
        ("web", "a"): 2,
        ("shop", "a"): 1,
        ("web", "b"): 1,
        ("shop", "b"): 1,
    }
    assert one.latest == {("web", "a"): 2, ("web", "b"): 1}
    assert everything.rising()
    assert one.rising()


async def test_a_client_that_comes_back_misses_nothing_and_sees_versions_rise(
    tables: Reader,
) -> None:
    await tables.fill(*[given.availability("web", f"s{i}", 1, i) for i in range(20)])
    async with served(tables.settings) as url:
        listener = Listener(url)
        await listener.listen(7, after="0")
        # While it is away some listings change, some of those that it has read, twice.
        for version in (2, 3):
            changed = [given.availability("web", f"s{i}", version, 50 + i) for i in range(0, 20, 3)]
            await tables.fill(*changed)
        await listener.listen(7 + 13 - 4 + 7)
    assert listener.rising()
    assert listener.latest == {("web", f"s{i}"): 1 if i % 3 else 3 for i in range(20)}


async def test_without_an_id_only_what_changes_from_now_on_is_told(tables: Reader) -> None:
    await tables.fill(given.availability("web", "old", 1, 5))
    async with served(tables.settings) as url:
        listener = Listener(url)
        reading = asyncio.create_task(listener.listen(1))
        await until(lambda: listener.beats > 0)
        await tables.fill(given.availability("web", "new", 1, 5))
        await reading
    assert listener.latest == {("web", "new"): 1}


async def test_a_killed_api_loses_nothing_for_its_clients(tables: Reader) -> None:
    await tables.fill(*[given.availability("web", f"s{i}", 1, i) for i in range(10)])
    settings = tables.settings
    url = f"http://127.0.0.1:{settings.api.port}"
    surroundings = os.environ | {
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.prefix,
        "STOCKFOLD_KAFKA__BOOTSTRAP": str(settings.kafka.bootstrap),
        "STOCKFOLD_POSTGRES__DSN": settings.postgres.dsn.resolve(),
        "STOCKFOLD_API__PORT": str(settings.api.port),
    }

    async def start() -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "stockfold_services.api.main")
        process = await asyncio.create_subprocess_exec(*command, env=surroundings)
        await answers(url)
        return process

    first = await start()
    listener = Listener(url)
    reading = asyncio.create_task(listener.listen(24, after="0"))
    await until(lambda: len(listener.events) >= 10)
    await tables.fill(*[given.availability("web", f"s{i}", 2, i) for i in range(4)])
    await until(lambda: len(listener.events) >= 14)
    first.send_signal(signal.SIGKILL)
    await first.wait()
    await tables.fill(*[given.availability("web", f"s{i}", 3, i) for i in range(10)])
    second = await start()
    try:
        await reading
    finally:
        second.terminate()
        await second.wait()
    assert listener.rising()
    assert listener.latest == {("web", f"s{i}"): 3 for i in range(10)}


async def test_an_idle_client_hears_a_heartbeat(
    tables: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "HEARTBEAT_S", 0.05)
    await tables.fill(given.availability("web", "a", 1, 5))
    async with served(tables.settings) as url:
        listener = Listener(url)
        reading = asyncio.create_task(listener.listen(1))
        await until(lambda: listener.beats >= 4)
        reading.cancel()
    assert listener.events == []


async def test_a_client_that_does_not_read_is_dropped_and_its_place_is_free(
    tables: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "SLOW_S_MAX", 1.0)
    monkeypatch.setattr(changes, "CLIENTS_MAX", 1)
    long = "s" * 480
    await tables.fill(*[given.availability("web", f"{long}{i}", 1, i) for i in range(12_000)])
    async with served(tables.settings) as url:
        stuck = socket.socket()
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(("127.0.0.1", tables.settings.api.port))
        stuck.sendall(f"GET {PATH}?after=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
        stuck.setblocking(False)
        begun = await asyncio.get_running_loop().sock_recv(stuck, 12)
        assert begun == b"HTTP/1.1 200", "the only place is taken, and nothing more is read"
        statuses = set()
        async with httpx.AsyncClient(base_url=url) as client, asyncio.timeout(30):
            while 200 not in statuses:
                async with client.stream("GET", PATH) as answer:
                    statuses.add(answer.status_code)
                await asyncio.sleep(0.02)
        stuck.close()
    assert statuses == {503, 200}


async def test_ids_that_mean_nothing_here_are_refused(tables: Reader) -> None:
    await tables.fill(given.availability("web", "a", 1, 5))
    async with served(tables.settings) as url, httpx.AsyncClient(base_url=url) as client:
        for identity, status in (("nonsense", 422), ("0" * 12 + ".0-1", 410), (".0-x", 422)):
            answer = await client.get(PATH, headers={"Last-Event-ID": identity})
            assert answer.status_code == status
            assert answer.headers["content-type"] == "application/problem+json"
