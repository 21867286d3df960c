"""Server-sent events (WHATWG HTML, section 9.2) with a limit on how long a client may not read."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

log = logging.getLogger(__name__)

SLOW_S_MAX = 20.0
MEDIA_TYPE = "text/event-stream"


def event(name: str, identity: str, data: str) -> bytes:
    """One event; the data is one line."""
    return f"event: {name}\nid: {identity}\ndata: {data}\n\n".encode()


def heartbeat(identity: str) -> bytes:
    """Nothing is dispatched for it, but the client's last id moves on."""
    return f": beat\nid: {identity}\n\n".encode()


class EventStream(Response):
    """Sends what ``chunks`` yields until the client leaves, or is too slow to take it.

    One chunk at a time is held for a client, and no more than the socket's buffer behind it.
    ``left`` is called once, whatever ends it.
    """

    media_type = MEDIA_TYPE

    def __init__(
        self,
        chunks: AsyncIterator[bytes],
        left: Callable[[], None],
        slow_s_max: float | None = None,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._chunks = chunks
        self._left = left
        self._slow_s_max = SLOW_S_MAX if slow_s_max is None else slow_s_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve it."""
        del scope
        sending = asyncio.create_task(self._send(send))
        leaving = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait((sending, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (sending, leaving):
                task.cancel()
            ended = await asyncio.gather(sending, leaving, return_exceptions=True)
            self._left()
        failure = ended[0]
        if isinstance(failure, TimeoutError):
            log.warning(
                "a client of the feed was dropped: it took nothing for %s s", self._slow_s_max
            )
        elif isinstance(failure, Exception):
            raise failure

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        async for chunk in self._chunks:
            body = {"type": "http.response.body", "body": chunk, "more_body": True}
            await asyncio.wait_for(send(body), self._slow_s_max)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
