"""The frame that every page for people is put in: its templates, navigation and refusals.

Templates escape whatever they are given and refuse names that they do not know. A page works
without scripts; ``console.js`` keeps it up to date.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from stockfold_services.api.console import assets, hostile, words
from stockfold_services.api.forms import csrf_token


class Entry(NamedTuple):
    """A page that the navigation leads to; pages below its path belong to it."""

    path: str
    title: str


NAVIGATION: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Now",
        (
            Entry("/console/", "Overview"),
            Entry("/console/channels", "Channels"),
            Entry("/console/exceptions", "Exceptions"),
            Entry("/console/monitor", "Promises kept"),
        ),
    ),
    (
        "Look up",
        (
            Entry("/console/skus", "SKUs"),
            Entry("/console/orders", "Orders"),
            Entry("/console/reservations", "Reservations"),
            Entry("/console/trace", "Traces"),
        ),
    ),
    (
        "Keep",
        (
            Entry("/console/rebuild", "Rebuild"),
            Entry("/console/topology", "Topology"),
            Entry("/console/versions", "Shop versions"),
            Entry("/console/audit", "Audit"),
        ),
    ),
    (
        "Read",
        (
            Entry("/console/runbooks", "Runbooks"),
            Entry("/docs", "Interface"),
            Entry("/contracts", "Contracts"),
        ),
    ),
)
"""The pages by what they are for, in this order; those that the application serves are shown."""


@cache
def _templates() -> Environment:
    templates = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.do"],
    )
    templates.filters.update(
        number=words.number,
        duration=words.duration,
        ago=words.ago,
        when=words.when,
        plain=words.plain,
        visible=hostile.visible,
        plural=words.plural,
        short=words.short,
        bytes=words.size,
    )
    templates.globals["asset"] = assets.url
    return templates


def render(request: Request, name: str, /, status: int = 200, **values: Any) -> HTMLResponse:
    """The template ``name`` in the frame, with ``values``."""
    return HTMLResponse(_templates().get_template(name).render(_around(request) | values), status)


def part(request: Request, name: str, /, **values: Any) -> str:
    """The template ``name`` without the frame: what a live page is sent anew."""
    return _templates().get_template(name).render(_around(request) | values)


def wants_page(request: Request) -> bool:
    """Whether a person asked, with a browser, for a page."""
    path = request.url.path
    is_page = path == "/" or path.startswith(("/console", "/docs", "/contracts"))
    return is_page and "text/html" in request.headers.get("accept", "")


def problem_page(request: Request, problem: dict[str, Any]) -> HTMLResponse | None:
    """An RFC 9457 problem as a page for people; None for programs, which get it as JSON."""
    if not wants_page(request):
        return None
    return render(request, "problem.html", problem["status"], problem=problem)


def _around(request: Request) -> dict[str, Any]:
    served = request.app.state.pages
    return {
        "navigation": [
            (title, entries)
            for title, group in NAVIGATION
            if (entries := [entry for entry in group if entry.path in served])
        ],
        "here": request.url.path,
        "environment": request.app.state.prefix.rstrip("."),
        "who": getattr(request.state, "actor", None),
        "sign_out": csrf_token(request) if getattr(request.state, "session", None) else "",
        "find_sku": "/console/skus" in served,
    }
