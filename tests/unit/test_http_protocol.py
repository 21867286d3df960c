"""What a server refuses before its application sees it."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from stockfold.runtime.http_protocol import CheckedHead


async def test_more_requests_than_it_serves_at_once_are_told_to_come_again() -> None:
    gate = asyncio.Event()

    async def slow(_: Scope, __: Receive, send: Send) -> None:
        await gate.wait()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    transport = httpx.ASGITransport(CheckedHead(slow, 2))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        served = [asyncio.create_task(client.get("/")) for _ in range(2)]
        await asyncio.sleep(0)
        refused = await client.get("/")
        assert (refused.status_code, refused.json()["title"]) == (503, "Too busy")
        assert refused.headers["retry-after"] == "1"
        gate.set()
        assert [(await task).status_code for task in served] == [204, 204]
        assert (await client.get("/")).status_code == 204


async def test_an_answer_that_has_not_begun_in_time_is_given_up_and_frees_its_place() -> None:
    given_up: list[str] = []

    async def hangs(_: Scope, __: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            given_up.append("cancelled")
            raise

    transport = httpx.ASGITransport(CheckedHead(hangs, 1, answer_s_max=0.05))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        for _ in range(2):  # The only place is free again for the second.
            late = await client.get("/")
            assert (late.status_code, late.json()["title"]) == (503, "Took too long")
            assert "given up after 0.05 s" in late.json()["detail"]
    assert given_up == ["cancelled", "cancelled"]


async def test_an_answer_that_has_begun_may_take_as_long_as_it_needs() -> None:
    async def slow(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.sleep(0.2)
        await send({"type": "http.response.body", "body": b"whole"})

    transport = httpx.ASGITransport(CheckedHead(slow, 1, answer_s_max=0.05))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        assert (await client.get("/")).text == "whole"


async def test_a_time_out_of_the_application_itself_is_not_taken_for_ours() -> None:
    async def fails(_: Scope, __: Receive, send: Send) -> None:
        raise TimeoutError("of a database")

    transport = httpx.ASGITransport(CheckedHead(fails, 1, answer_s_max=60))
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        with pytest.raises(TimeoutError, match="of a database"):
            await client.get("/")
