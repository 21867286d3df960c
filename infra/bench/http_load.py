"""An HTTP client for load: open-loop, so that a slow server is not asked less for being slow.

Every request has a moment at which it is due, whatever became of those before it, and its latency
counts from that moment (coordinated omission). Each is sent on a connection of its own from a pool
that grows as needed.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import orjson

HOST = "127.0.0.1"
ANSWER_S_MAX = 60.0


class Post(NamedTuple):
    """A request that is due so many seconds after the beginning."""

    due_s: float
    path: str
    headers: dict[str, str]
    body: bytes
    method: str = "POST"


class Answered(NamedTuple):
    """What came of it; times are seconds, ``status`` is 0 when the connection failed."""

    latency_s: float
    due_at_s: float
    status: int
    body: dict[str, Any]


class Pool:
    """Connections to one server, kept alive."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.opened = 0

    async def post(self, request: Post) -> tuple[int, dict[str, Any]]:
        """Send a request, and its answer."""
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._exchange(request, *connection)
            except (OSError, asyncio.IncompleteReadError):
                continue  # The server has closed what was idle for long: it has read nothing.
        self.opened += 1
        connection = await asyncio.open_connection(HOST, self._port)
        return await self._exchange(request, *connection)

    async def _exchange(
        self, request: Post, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[int, dict[str, Any]]:
        lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {HOST}:{self._port}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        lines += ["Content-Type: application/json", f"Content-Length: {len(request.body)}"]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        size = int(head.partition("content-length:")[2].split("\r\n")[0])
        told = await reader.readexactly(size)
        if "connection: close" in head:
            writer.close()
        else:
            self._idle.append((reader, writer))
        return int(head.split()[1]), orjson.loads(told) if told.startswith(b"{") else {}

    def close(self) -> None:
        """End the idle connections."""
        for _, writer in self._idle:
            writer.close()


async def offer(ports: Sequence[int], requests: Sequence[Post]) -> list[Answered]:
    """Send each request when it is due, to one server after the other; all answers."""
    pools = [Pool(port) for port in ports]
    tasks = []
    with _uncollected():
        began, wall = time.monotonic(), time.time()
        for number, request in enumerate(requests):
            await asyncio.sleep(max(began + request.due_s - time.monotonic(), 0))
            pool = pools[number % len(pools)]
            tasks.append(asyncio.create_task(_one(pool, request, began, wall)))
        found = await asyncio.gather(*tasks)
    for pool in pools:
        pool.close()
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Our own collector's rounds, over all answers so far, would be told as the server's delay."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


async def _one(pool: Pool, request: Post, began: float, wall: float) -> Answered:
    status = 0
    body: dict[str, Any] = {}
    try:
        async with asyncio.timeout(ANSWER_S_MAX):
            status, body = await pool.post(request)
    except (OSError, asyncio.IncompleteReadError, TimeoutError):
        status = 0
    latency_s = time.monotonic() - began - request.due_s
    return Answered(latency_s, wall + request.due_s, status, body)
