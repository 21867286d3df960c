"""The feed of availability changes, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated

import asyncpg
import orjson
from fastapi import APIRouter, Header, Query, Response

from stockfold.domain.errors import UnavailableError
from stockfold_services.api import inputs
from stockfold_services.api.changes import Changes, Position
from stockfold_services.api.event_stream import EventStream, event, heartbeat
from stockfold_services.api.routes.deps import Feed

router = APIRouter(prefix="/v1/availability", tags=["availability"])

HEARTBEAT_S = 15.0
RETRY_S = 1.0
ID_CHARACTERS_MAX = 65_536


@router.get(
    "/changes",
    response_class=Response,
    responses={
        200: {
            "description": "Events `availability`, each with the listing as `/v1/availability` "
            "tells it, without steps; the id is where to go on.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        410: {"description": "The id is of another environment's records: begin at `after=0`."},
    },
)
async def changes(
    feed: Feed,
    channel: inputs.ChannelQuery = None,
    after: Annotated[
        str | None,
        Query(
            max_length=ID_CHARACTERS_MAX,
            description="Go on behind this id; `0`: everything there is, then the changes. "
            "Unset: the changes from now on. `Last-Event-ID` comes before it.",
        ),
    ] = None,
    last_event_id: Annotated[
        str | None, Header(max_length=ID_CHARACTERS_MAX, description="Id of the last event read.")
    ] = None,
) -> Response:
    """The latest version of each listing that changes, as it changes. The versions of a listing
    only rise, and those in between may be passed over; a client that comes back with its last id
    misses no listing that has changed.
    """
    feed.enter()
    try:
        position = await feed.start(last_event_id or after)
    except BaseException:
        feed.leave()
        raise
    return EventStream(_events(feed, position, channel), feed.leave)


async def _events(feed: Changes, position: Position, channel: str | None) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n" + heartbeat(position.text())
    while not feed.closing:
        try:
            page = await feed.page(position, channel)
        except UnavailableError:
            # Its connection stays: it is served again as soon as the read model is back.
            yield heartbeat(position.text())
            await asyncio.sleep(RETRY_S)
            continue
        if page.rows:
            yield b"".join(_told(position, page.rows))
        position = page.position
        if not page.more:
            await feed.changed(position, HEARTBEAT_S)
            yield heartbeat(position.text())


def _told(position: Position, rows: Iterable[asyncpg.Record]) -> Iterator[bytes]:
    read = dict(position.offsets)
    for row in rows:
        listing = dict(row)
        read[row["partition"]] = listing.pop("record_offset") + 1
        identity = Position(position.stamp, tuple(sorted(read.items()))).text()
        data = orjson.dumps(listing, option=orjson.OPT_UTC_Z).decode()
        yield event("availability", identity, data)
