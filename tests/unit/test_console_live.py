"""Live pages: only what has changed is sent, looks are shared, and streams are bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator

import orjson
import pytest
from fastapi import Request

from stockfold.domain.errors import UnavailableError
from stockfold_services.api.console import live
from stockfold_services.api.console.live import STREAMS_MAX, Live
from stockfold_services.api.problems import Problem


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.02)


def request(query: bytes = b"") -> Request:
    scope = {"type": "http", "path": "/console/live/page", "query_string": query, "headers": []}
    return Request(scope | {"server": ("api", 80), "scheme": "http", "method": "GET"})


async def parts(chunks: AsyncIterator[bytes]) -> dict[str, str]:
    """The next event."""
    chunk = await anext(chunks)
    assert chunk.startswith(b"event: parts\n")
    return orjson.loads(chunk.partition(b"data: ")[2])


async def test_the_first_event_holds_everything_and_later_ones_what_has_changed() -> None:
    seen = iter([{"a": "1", "b": "1"}, {"a": "1", "b": "1"}, {"a": "2", "b": "1"}])

    async def look(_: Request) -> live.Parts:
        return next(seen, {"a": "2", "b": "1"})

    chunks = Live().chunks(request(), look)
    assert await parts(chunks) == {"a": "1", "b": "1"}
    assert await parts(chunks) == {"a": "2"}


async def test_those_who_look_at_the_same_share_a_look_and_others_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live, "EVERY_S", 60.0)
    looks: list[str] = []

    async def look(asked: Request) -> live.Parts:
        looks.append(asked.url.query)
        return {"a": asked.url.query}

    streams = Live()
    for query in (b"sku=1", b"sku=1", b"sku=2"):
        assert await parts(streams.chunks(request(query), look)) == {"a": query.decode()}
    assert looks == ["sku=1", "sku=2"]


async def test_while_nothing_can_be_seen_what_was_shown_stays() -> None:
    seen = iter(["1", "", "2"])

    async def look(_: Request) -> live.Parts:
        found = next(seen)
        if not found:
            raise UnavailableError("PostgreSQL is away", remedy="Wait.")
        return {"a": found}

    chunks = Live().chunks(request(), look)
    assert [await parts(chunks), await parts(chunks)] == [{"a": "1"}, {"a": "2"}]


async def test_more_streams_than_may_be_are_refused_until_one_leaves() -> None:
    streams = Live()
    for _ in range(STREAMS_MAX):
        streams.enter()
    with pytest.raises(Problem, match="kept live already"):
        streams.enter()
    streams.leave()
    streams.enter()


async def test_streams_end_when_the_process_stops() -> None:
    async def look(_: Request) -> live.Parts:
        return {"a": "1"}

    streams = Live()
    chunks = streams.chunks(request(), look)
    await parts(chunks)
    streams.close()
    assert [chunk async for chunk in chunks] == []
    with pytest.raises(Problem):
        streams.enter()
