"""What a connection leans on: whoever makes its requests, and who asks it to send again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from stockfold.channels import Failure, Request, Response
from stockfold_services.publisher.wanted import Wanted

T = TypeVar("T")
STOP_S_MAX = 15.0


class Performer(Protocol):
    """What makes requests: ``Transport``, or a fake."""

    async def perform(self, request: Request) -> Response | Failure:
        """Make one request."""
        ...


class Asked(Protocol):
    """Listings that shall be sent once more: ``Resends``, or a fake."""

    async def take(self, knows: Callable[[str], bool]) -> list[Wanted]:
        """Everything that waits, but for what is known to be old; it does not wait any more."""
        ...

    def put_back(self, wanted: Sequence[Wanted]) -> None:
        """These wait again."""
        ...


async def unless(stop: asyncio.Event, coming: Coroutine[Any, Any, T]) -> T | None:
    """What comes; None once stopping, whatever it waits for: a group may rebalance for minutes."""
    task = asyncio.create_task(coming)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopping.cancel()
        task.cancel()


async def performed(
    performer: Performer, request: Request, stop: asyncio.Event
) -> Response | Failure:
    """Make the request; once stopping, wait only so long for its answer."""
    task = asyncio.create_task(performer.perform(request))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            await asyncio.wait({task}, timeout=STOP_S_MAX)
        if task.done():
            return task.result()
        return Failure("timeout", "stopped before the answer came")
    except asyncio.CancelledError:
        # Whoever serves this channel next must not write while the shop is still at this one:
        # of two overlapping writes either may be the last.
        await asyncio.wait({task}, timeout=STOP_S_MAX)
        raise
    finally:
        stopping.cancel()
        task.cancel()
