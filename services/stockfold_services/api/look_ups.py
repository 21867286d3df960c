"""The question that shops ask by the hundred a second, answered before the routes are searched.

``GET /v1/availability/CHANNEL/SKU`` is described, and answered alike, by its route in
``routes.availability``: whatever is unusual about a request, that route says. Finding it among all
routes, and FastAPI's reading of its two inputs, cost more than the rest of the answer.
"""

from __future__ import annotations

from typing import NamedTuple

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from stockfold_services.api.database import Database
from stockfold_services.api.inputs import ID_CHARACTERS_MAX
from stockfold_services.api.routes.availability import PATH, availability_answer
from stockfold_services.api.scope import CHANNEL, allow

_PREFIX = PATH[: PATH.index("{")]


class _Route(NamedTuple):
    """What a request was answered by, for whoever counts."""

    path: str


_ROUTE = _Route(PATH)


class LookUps:
    """Answers plain look-ups that find something; all else goes on to ``app``.

    Within the guard: it knows by then who asks, and turns a Problem or UnavailableError that is
    raised here into the answer that the route would have given.
    """

    def __init__(self, app: ASGIApp, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        asked = _asked(scope)
        if asked is not None:
            channel, sku = asked
            allow(Request(scope), CHANNEL, [channel])
            body = await availability_answer(self._database, channel, sku)
            if body is not None:
                scope["route"] = _ROUTE
                size = str(len(body)).encode()
                headers = [(b"content-length", size), (b"content-type", b"application/json")]
                await send({"type": "http.response.start", "status": 200, "headers": headers})
                await send({"type": "http.response.body", "body": body})
                return
        await self._app(scope, receive, send)


def _asked(scope: Scope) -> tuple[str, str] | None:
    """Channel and SKU of a plain look-up that the route would take."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    path: str = scope["path"]
    if not path.startswith(_PREFIX) or "\x00" in path:
        return None
    channel, _, sku = path[len(_PREFIX) :].partition("/")
    fits = 0 < len(channel) <= ID_CHARACTERS_MAX and 0 < len(sku) <= ID_CHARACTERS_MAX
    return (channel, sku) if fits else None
