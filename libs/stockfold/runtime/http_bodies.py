"""Reading what a client sends, within limits of size, of time, and of what all hold together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Request
from starlette.requests import ClientDisconnect

from stockfold.runtime.problems import Problem

BODIES_BYTES_MAX = 64 * 1024 * 1024
"""What the bodies of all requests may hold together; each costs several times as much when read."""
SILENCE_S_MAX = 10.0
GRACE_S = 10.0
SLOWEST_BYTES_S = 4 * 1024
_IDENTITY = ("", "identity")


class Budget:
    """Bytes that all requests may hold at once."""

    def __init__(self, bytes_max: int = BODIES_BYTES_MAX) -> None:
        self._left = bytes_max

    def take(self, size: int) -> None:
        """Problem 503 when others hold them."""
        if size > self._left:
            raise Problem(
                503, "Too busy", "Too many requests are being read. Nothing of this one was taken."
            )
        self._left -= size

    def give_back(self, size: int) -> None:
        """They are held no more."""
        self._left += size


async def chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; Problem 408 when its sender is silent or too slow, 415 when packed."""
    if request.headers.get("content-encoding", "").strip().lower() not in _IDENTITY:
        raise Problem(415, "Content encoding not taken", "Send the body as it is, not compressed.")
    parts = request.stream().__aiter__()
    waited_s, size = 0.0, 0
    while True:
        # A slow client holds a connection and what it has sent so far: it gets a time-out. Only
        # the time that we wait for it counts.
        left_s = max(GRACE_S + size / SLOWEST_BYTES_S - waited_s, 0.0)
        began = time.monotonic()
        try:
            part = await asyncio.wait_for(anext(parts), min(left_s, SILENCE_S_MAX))
        except StopAsyncIteration:
            return
        except ClientDisconnect:
            raise Problem(400, "Cut off", "The connection ended within the body.") from None
        except TimeoutError:
            raise Problem(
                408,
                "Too slow",
                f"The body came too slowly: {size} bytes so far. Send the request again.",
            ) from None
        waited_s += time.monotonic() - began
        size += len(part)
        yield part


@asynccontextmanager
async def whole(request: Request, bytes_max: int, budget: Budget) -> AsyncIterator[bytes]:
    """The whole body, counted in the budget while the block runs; Problem 413 beyond its limit."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told) > bytes_max:
        raise _too_large(bytes_max)
    held = bytearray()
    try:
        async for part in chunks(request):
            if len(held) + len(part) > bytes_max:
                raise _too_large(bytes_max)
            budget.take(len(part))
            held += part
        yield bytes(held)
    finally:
        budget.give_back(len(held))


def _too_large(bytes_max: int) -> Problem:
    return Problem(
        413, "Too large", f"The body may have {bytes_max} bytes. Send the events in parts."
    )
