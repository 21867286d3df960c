"""Counts the requests of an HTTP service by the route that answered them, and how long it took."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stockfold.runtime.telemetry import measures

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
NO_ROUTE = "none"
"""Nothing answers there, or the request was refused before that was known."""


class Measured:
    """The outermost layer of an application. A route is told as it is declared.

    What was asked for never becomes a label: anybody may ask for anything.
    """

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()
        told = False

        async def counted(message: Message) -> None:
            nonlocal told
            if message["type"] == "http.response.start" and not told:
                told = True
                self._count(scope, message["status"], time.perf_counter() - began_s)
            await send(message)

        try:
            await self._app(scope, receive, counted)
        except Exception:
            if not told:
                self._count(scope, 500, time.perf_counter() - began_s)
            raise

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        path = getattr(scope.get("route"), "path", NO_ROUTE)
        method = scope["method"] if scope["method"] in METHODS else "other"
        measures.HTTP_REQUESTS.labels(self._service, path, method, str(status)).inc()
        measures.HTTP_SECONDS.labels(self._service, path).observe(seconds)
