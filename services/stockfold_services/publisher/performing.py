"""What a connection leans on: whoever makes its requests, and who asks it to send again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from stockfold.channels import Failure, Request, Response
from stockfold_services.publisher.wanted import Wanted

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
