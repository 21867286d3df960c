"""Live pages: what has changed of a page, as server-sent events of ``/console/live/{what}``.

A page offers its parts under a name; each event holds, as JSON, the new content of elements by
their id, and only of those that have changed. Whoever looks at the same thing shares one look at
the read model. Streams are bounded in number, and one that takes nothing is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, NamedTuple

import orjson
from fastapi import APIRouter, Path, Request

from stockfold.domain.errors import StockfoldError
from stockfold_services.api.event_stream import EventStream, event, heartbeat
from stockfold_services.api.problems import Problem
from stockfold_services.api.scope import Reach, reach, whole_only

log = logging.getLogger(__name__)

STREAMS_MAX = 32
EVERY_S = 2.0
BEAT_S = 10.0

Parts = Mapping[str, str]
"""The content of elements by their id."""
Look = Callable[[Request], Awaitable[Parts]]

router = APIRouter(prefix="/console/live", include_in_schema=False)


class _Offer(NamedTuple):
    look: Look
    narrowed: bool


_OFFERED: dict[str, _Offer] = {}


def offer(what: str, *, narrowed: bool = False) -> Callable[[Look], Look]:
    """Make ``what`` live: the function gives a page's parts as they are now.

    The request is the stream's own, so that its query says which SKU or channel it is about.
    ``narrowed``: it shows, or refuses, by ``scope.reach`` of who asks; others are closed to keys
    that are limited to channels or locations.
    """

    def offered(look: Look) -> Look:
        assert what not in _OFFERED, f"{what} is live already"
        _OFFERED[what] = _Offer(look, narrowed)
        return look

    return offered


_Key = tuple[str, Reach]
"""What is looked at, and how far who looks may see: only who sees the same shares a look."""


class _Seen(NamedTuple):
    at_s: float
    parts: Parts


class Live:
    """The streams of a process: how many there are, and what they have seen last."""

    def __init__(self) -> None:
        self._streams = 0
        self._seen: dict[_Key, _Seen] = {}
        self._looking: dict[_Key, asyncio.Lock] = {}
        self._closing = asyncio.Event()

    def enter(self) -> None:
        """One more stream; Problem 503 when there are too many."""
        if self._closing.is_set() or self._streams >= STREAMS_MAX:
            raise Problem(
                503,
                "Too many look",
                f"{STREAMS_MAX} pages are kept live already. Load the page again to see it anew.",
                retry_after_s=10,
            )
        self._streams += 1

    def leave(self) -> None:
        """One stream less; after the last one nothing is remembered."""
        self._streams -= 1
        if not self._streams:
            self._seen.clear()
            self._looking.clear()

    def close(self) -> None:
        """End every stream: the process stops."""
        self._closing.set()

    async def chunks(self, request: Request, look: Look) -> AsyncIterator[bytes]:
        """The events of one stream, until ``close``."""
        shown: dict[str, str] = {}
        number = 0
        beat_s = time.monotonic()
        while not self._closing.is_set():
            parts = await self._now(request, look)
            changed = {name: text for name, text in parts.items() if shown.get(name) != text}
            if changed:
                number += 1
                shown.update(changed)
                yield event("parts", str(number), orjson.dumps(changed).decode())
                beat_s = time.monotonic()
            elif time.monotonic() - beat_s >= BEAT_S:
                yield heartbeat(str(number))
                beat_s = time.monotonic()
            await self._rest()

    async def _now(self, request: Request, look: Look) -> Parts:
        key = (f"{request.url.path}?{request.url.query}", reach(request))
        async with self._looking.setdefault(key, asyncio.Lock()):
            seen = self._seen.get(key)
            if seen is not None and time.monotonic() - seen.at_s < EVERY_S / 2:
                return seen.parts
            try:
                parts = await look(request)
            except (StockfoldError, Problem) as error:
                log.warning("%s is not live at the moment: %s", request.url.path, error)
                parts = {} if seen is None else seen.parts
            if len(self._seen) >= 2 * STREAMS_MAX:
                self._seen.clear()
            self._seen[key] = _Seen(time.monotonic(), parts)
            return parts

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._closing.wait(), EVERY_S)
        except TimeoutError:
            return


@router.get("/{what}")
async def live(request: Request, what: Annotated[str, Path(max_length=64)]) -> EventStream:
    """The stream of a page. Problem 403, 404 when there is no such page, 503 when too many look."""
    offered = _OFFERED.get(what)
    if offered is None:
        raise Problem(404, "Not known", "No page of that name is live.")
    if not reach(request).is_whole:
        if not offered.narrowed:
            whole_only(request)
        await offered.look(request)  # What it may not see is refused before the stream begins.
    streams: Live = request.app.state.live
    streams.enter()
    return EventStream(streams.chunks(request, offered.look), streams.leave)
