"""Who may ask: every question needs a key that may read, once any key exists; and bodies are small.

Outside of the routes, so that nothing of a stranger's request is looked at.
"""

from __future__ import annotations

from fastapi import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stockfold.runtime.access import Access
from stockfold.runtime.http_bodies import Budget, whole
from stockfold.runtime.keys import READ, ApiKey
from stockfold.runtime.problems import Problem, answer

BODY_BYTES_MAX = 1024 * 1024
BODIES_BYTES_MAX = 16 * 1024 * 1024
OPEN = ("/healthz", "/readyz")
"""Whether it lives and answers: load balancers ask without a key."""
OPEN_FILES = "/console/static/"
"""Style and script, the same for everybody; the page that asks for a key needs them too."""
_WITHOUT_BODY = ("GET", "HEAD")


class Guard:
    """Lets questions through to ``app``. ``access`` is None where nobody else can reach it."""

    def __init__(self, app: ASGIApp, access: Access | None) -> None:
        self._app = app
        self._access = access
        self._budget = Budget(BODIES_BYTES_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it with a problem that says what to fix."""
        is_open = scope["type"] != "http" or scope["path"] in OPEN
        if is_open or scope["path"].startswith(OPEN_FILES):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            key = self._admitted(request)
            request.state.key = key
            if scope["method"] in _WITHOUT_BODY:
                await self._app(scope, receive, send)
                return
            bytes_max = min(BODY_BYTES_MAX, BODY_BYTES_MAX if key is None else key.body_bytes_max)
            async with whole(request, bytes_max, self._budget) as raw:
                await self._app(scope, _again(raw, receive), send)
        except Problem as problem:
            await answer(request, problem)(scope, receive, send)

    def _admitted(self, request: Request) -> ApiKey | None:
        if self._access is None:
            return None
        key = self._access.caller(request, READ)
        self._access.count(key, 1)
        return key


def _again(raw: bytes, receive: Receive) -> Receive:
    """A body that was read, for whoever reads it now."""
    told = False

    async def body() -> Message:
        nonlocal told
        if told:
            return await receive()
        told = True
        return {"type": "http.request", "body": raw, "more_body": False}

    return body
