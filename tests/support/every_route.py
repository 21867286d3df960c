"""Every route of the api, and what a stranger may put into each of its places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from fastapi.routing import APIRoute

from stockfold_services.api import app

HOSTILE = (
    "' OR '1'='1' --",
    "'; DROP TABLE positions; --",
    "../../../../etc/passwd",
    "..%2f..%2f..%2fetc%2fpasswd",
    "x\r\nset-cookie: stockfold=planted",
    "<script>alert(1)</script>",
    "\x00",
    "${jndi:ldap://127.0.0.1/x}{{7*7}}",
    "9" * 400,
    "-1",
    "\u202e\ud7ff",
)
WORST = ("'; DROP TABLE positions; --", "<script>alert(1)</script>", "\x00", "9" * 400)
"""The few of them that every further place is tried with."""
_PLACE = re.compile(r"\{(\w+)(?::path)?\}")


def routes() -> list[APIRoute]:
    """What the api serves."""
    modules = (*app._ROUTERS, *app._PAGES)
    return [r for m in modules for r in m.router.routes if isinstance(r, APIRoute)]


def acting() -> list[APIRoute]:
    """Routes of the console that change something; signing in is for everybody."""
    return [
        route
        for route in routes()
        if "POST" in (route.methods or ()) and route.path.startswith("/console")
        if not route.path.startswith("/console/sign-")
    ]


def places(route: APIRoute) -> list[str]:
    """The names in its path."""
    return _PLACE.findall(route.path)


def asks(route: APIRoute) -> bool:
    """Whether anything can be written into it."""
    return bool(places(route) or route.dependant.query_params)


def filled(path: str, values: dict[str, str]) -> str:
    """The path with its places filled."""
    return _PLACE.sub(lambda found: values[found[1]], path)


def dependencies(route: APIRoute) -> Iterator[Any]:
    """Every function that it depends on."""
    waiting = list(route.dependant.dependencies)
    while waiting:
        one = waiting.pop()
        yield one.call
        waiting += one.dependencies
