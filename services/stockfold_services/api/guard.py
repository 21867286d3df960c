"""Who may ask: every question needs a key that may read, once any key exists; and bodies are small.

Outside of the routes, so that nothing of a stranger's request is looked at.
"""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.http_bodies import Budget, whole
from stockfold.runtime.keys import ApiKey
from stockfold.runtime.problems import Problem, answer
from stockfold_services.api import inventory_checks
from stockfold_services.api.console.frame import wants_page
from stockfold_services.api.inventory_checks import InventoryChecks
from stockfold_services.api.sign_in.callers import READING, Callers

BODY_BYTES_MAX = 1024 * 1024
BODIES_BYTES_MAX = 16 * 1024 * 1024
OPEN = ("/healthz", "/readyz")
"""Whether it lives and answers: load balancers ask without a key."""
SIGN_IN = "/console/sign-in"
OPEN_PAGES = ("/console/static/", SIGN_IN)
"""Where people sign in, with its style and script: the same for everybody."""


class Guard:
    """Lets questions through to ``app``, once ``callers`` know whose they are.

    What channels ask at their checkout, ``checks`` let in.
    """

    def __init__(self, app: ASGIApp, callers: Callers, checks: InventoryChecks) -> None:
        self._app = app
        self._callers = callers
        self._checks = checks
        self._budget = Budget(BODIES_BYTES_MAX)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it with a problem that says what to fix."""
        if scope["type"] != "http" or scope["path"] in OPEN:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            bytes_max = BODY_BYTES_MAX
            if scope["path"].startswith(inventory_checks.PATH):
                self._checks.admit(request)
                bytes_max = inventory_checks.BODY_BYTES_MAX
            elif not scope["path"].startswith(OPEN_PAGES):
                await self._callers.identify(request)
            if scope["method"] in READING:
                await self._app(scope, receive, self._seen(request, send))
                return
            key: ApiKey | None = getattr(request.state, "key", None)
            bytes_max = bytes_max if key is None else min(bytes_max, key.body_bytes_max)
            async with whole(request, bytes_max, self._budget) as raw:
                await self._app(scope, _again(raw, receive), self._seen(request, send))
        except Problem as problem:
            await _refusal(request, problem)(scope, receive, send)
        except UnavailableError as error:
            away = Problem(503, "Not available now", f"{error.what}. {error.remedy}")
            await answer(request, away)(scope, receive, send)

    def _seen(self, request: Request, send: Send) -> Send:
        cookie = self._callers.seen(request)
        if cookie is None:
            return send

        async def with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if "set-cookie" not in headers:
                    headers["set-cookie"] = cookie
            await send(message)

        return with_cookie


def _refusal(request: Request, problem: Problem) -> Response:
    """A problem; a person who is not signed in is led to where they can."""
    if problem.status == 401 and request.method in READING and wants_page(request):
        path, query = request.url.path, request.url.query
        return RedirectResponse(
            f"{SIGN_IN}?{urlencode({'to': f'{path}?{query}' if query else path})}", 303
        )
    return answer(request, problem)


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
