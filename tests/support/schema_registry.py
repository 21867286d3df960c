"""A schema registry that speaks Confluent's REST API, in memory, with faults to order.

The parts that clients use: schemas by id, subjects' versions, registration with the same answers
and error codes. It checks no compatibility unless told to refuse.
"""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


class FakeSchemaRegistry:
    """The registry's memory; ``app`` is its ASGI application."""

    def __init__(self, first_id: int = 1) -> None:
        self.subjects: dict[str, list[int]] = {}
        self.schemas: dict[int, dict[str, Any]] = {}
        self.next_id = first_id
        self.failing = 0
        """How many of the next requests are answered with 503."""
        self.refuses_changes = False
        self.credentials = ""
        """The Authorization header it wants; empty for none."""
        self.requests: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/schemas/ids/{id}", self._by_id),
                Route("/subjects/{subject}/versions", self._versions, methods=["GET"]),
                Route("/subjects/{subject}/versions", self._register, methods=["POST"]),
                Route("/subjects/{subject}/versions/{version}", self._version),
            ]
        )

    def client(self, **options: Any) -> httpx.Client:
        """A client whose requests end here."""
        return in_memory_client(self.app, "http://registry.test", **options)

    def add(self, definition: Any, subject: str = "", **more: Any) -> int:
        """Register as a producer would; its id."""
        name = subject or f"{definition.get('namespace', '')}.{definition['name']}".lstrip(".")
        entry = {"schema": json.dumps(definition), **more}
        known = [number for number, held in self.schemas.items() if held == entry]
        number = known[0] if known else self.next_id
        if not known:
            self.next_id += 1
            self.schemas[number] = entry
        versions = self.subjects.setdefault(name, [])
        if number not in versions:
            versions.append(number)
        return number

    def _refusal(self, request: Request) -> JSONResponse | None:
        self.requests.append(f"{request.method} {request.url.path}")
        if self.failing:
            self.failing -= 1
            return _answer(503, {"error_code": 50003, "message": "no leader"})
        if self.credentials and request.headers.get("authorization") != self.credentials:
            return _answer(401, {"error_code": 401, "message": "Unauthorized"})
        return None

    async def _by_id(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        found = self.schemas.get(int(request.path_params["id"]))
        if found is None:
            return _answer(404, {"error_code": 40403, "message": "Schema not found"})
        return _answer(200, found)

    async def _versions(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        ids = self.subjects.get(request.path_params["subject"])
        if ids is None:
            return _answer(404, {"error_code": 40401, "message": "Subject not found"})
        return _answer(200, list(range(1, len(ids) + 1)))

    async def _version(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        subject, wanted = request.path_params["subject"], request.path_params["version"]
        ids = self.subjects.get(subject)
        if ids is None:
            return _answer(404, {"error_code": 40401, "message": "Subject not found"})
        number = len(ids) if wanted == "latest" else int(wanted)
        if not 1 <= number <= len(ids):
            return _answer(404, {"error_code": 40402, "message": "Version not found"})
        schema_id = ids[number - 1]
        return _answer(
            200,
            {"subject": subject, "version": number, "id": schema_id, **self.schemas[schema_id]},
        )

    async def _register(self, request: Request) -> JSONResponse:
        refusal = self._refusal(request)
        if refusal is not None:
            return refusal
        subject = request.path_params["subject"]
        definition = json.loads((await request.json())["schema"])
        if self.refuses_changes and subject in self.subjects:
            return _answer(409, {"error_code": 409, "message": "incompatible with an earlier one"})
        return _answer(200, {"id": self.add(definition, subject)})


def in_memory_client(app: Any, base_url: str, **options: Any) -> httpx.Client:
    """A synchronous client of an ASGI application."""
    transport = _InMemory(httpx.ASGITransport(app))
    return httpx.Client(transport=transport, base_url=base_url, **options)


class _InMemory(httpx.BaseTransport):
    """A synchronous client's way to an ASGI application."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        copy = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )

        async def ask() -> httpx.Response:
            response = await self._inner.handle_async_request(copy)
            return httpx.Response(
                response.status_code, headers=response.headers, content=await response.aread()
            )

        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(ask())


def _answer(status: int, body: Any) -> JSONResponse:
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


@contextmanager
def served(registry: FakeSchemaRegistry, port: int = 0) -> Iterator[str]:
    """The registry on a port of this machine, a free one unless told; its address."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        registry.app, ws="none", lifespan="off", log_level="critical", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the registry did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
