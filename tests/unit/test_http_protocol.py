"""What a server refuses before its application sees it."""

from __future__ import annotations

import asyncio

import httpx
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
