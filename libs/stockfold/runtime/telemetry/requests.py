"""Spans of HTTP requests that change something, as ASGI middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from stockfold.runtime.telemetry.tracing import CURRENT, HEADER, Traces

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_READING = ("GET", "HEAD", "OPTIONS")
_STRANGERS = (401, 403, 404)
STRANGERS_PATH = "/v1/webhooks/"
"""Shops prove themselves by a signature over the body: what their headers say is anybody's."""


class TracedRequests:
    """A span around each request that changes something; what it sends to Kafka is under it.

    Who may not ask, is not recorded: strangers fill no queue of ours. Reading is not traced.
    """

    def __init__(self, app: App, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if not self._traces.on or scope["type"] != "http" or scope["method"] in _READING:
            await self._app(scope, receive, send)
            return
        told = b"" if scope["path"].startswith(STRANGERS_PATH) else _header(scope)
        method = scope["method"]
        span = self._traces.enter(
            method, {"http.request.method": method}, parent=told.decode("ascii", "replace")
        )
        answered = 500

        async def answer(message: Message) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = message["status"]
            await send(message)

        token = CURRENT.set(span.traceparent)
        try:
            await self._app(scope, receive, answer)
        finally:
            CURRENT.reset(token)
            if answered not in _STRANGERS:
                route = getattr(scope.get("route"), "path", "")
                span.rename(f"{method} {route}".strip())
                span.put({"http.route": route, "http.response.status_code": answered})
                if answered >= 500:
                    span.fail(str(answered))
                span.end()


def _header(scope: Message) -> bytes:
    name = HEADER.encode()
    return next((bytes(value) for key, value in scope["headers"] if key == name), b"")
