"""The page of a SKU, and finding it by whatever somebody calls it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from stockfold_services.api import inputs
from stockfold_services.api.console import links, live, states
from stockfold_services.api.console.dated_view import (
    DAYS_DEFAULT,
    DAYS_SHOWN,
    Dated,
    dated,
    zone_for,
)
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.console.shell import command
from stockfold_services.api.console.sku_data import Standing, standing
from stockfold_services.api.console.sku_search import HITS_MAX, Hit, named_so
from stockfold_services.api.console.sku_story import read_story, story_of
from stockfold_services.api.database import database_of
from stockfold_services.api.routes.deps import Db
from stockfold_services.api.scope import Reach, reach

router = APIRouter(prefix="/console", include_in_schema=False)

PARTS = ("figures", "words", "places", "dated", "channels", "reservations", "exceptions")
FOLDED = ("words",)
"""Parts that take a fold of the journal."""
LIVE_FACTS_MAX = 1_000
"""A longer history is not folded every two seconds: its words are those of when it was loaded."""

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]
Before = Annotated[int, Query(ge=1, le=inputs.INT64_MAX)]
Days = Annotated[int, Query(ge=1, le=max(DAYS_SHOWN))]


class Wanted(NamedTuple):
    """What of a SKU's page is asked for."""

    sku: str
    before: int
    days: int
    location: str | None


@router.get("/skus")
async def search(request: Request, db: Db, sku: Text = "", name: Text = "") -> Response:
    """SKUs by name or code; of a single one its page. ``name`` is of one that no path can name."""
    if name:
        return await _page(request, Wanted(name, inputs.INT64_MAX, DAYS_DEFAULT, None))
    hits: list[Hit] = []
    if sku.strip():
        async with db.reading() as connection:
            hits = await named_so(connection, sku.strip(), reach(request))
        if len(hits) == 1:
            return RedirectResponse(links.sku(hits[0].sku), 303)
    return _found(request, sku.strip(), hits)


@router.get("/skus/{sku:path}")
async def sku_page(
    request: Request,
    sku: inputs.SkuPath,
    before: Before = inputs.INT64_MAX,
    days: Days = DAYS_DEFAULT,
    location: Text = "",
) -> Response:
    """Everything that is known of a SKU, and why."""
    return await _page(request, Wanted(sku, before, days, location or None))


@live.offer("sku", narrowed=True)
async def _live(request: Request) -> live.Parts:
    given = request.query_params
    days = given.get("days", "")
    wanted = Wanted(
        given.get("sku", "").replace("\x00", ""),
        inputs.INT64_MAX,
        int(days) if days in map(str, DAYS_SHOWN) else DAYS_DEFAULT,
        given.get("location") or None,
    )
    values = await _values(request, wanted, facts_max=LIVE_FACTS_MAX)
    if values is None:
        return {}
    names = [name for name in PARTS if name not in FOLDED or values["story"] is not None]
    return {f"sku-{name}": part(request, f"sku/{name}.html", **values) for name in names}


async def _page(request: Request, wanted: Wanted) -> Response:
    values = await _values(request, wanted)
    if values is not None:
        return render(request, "sku.html", **values)
    async with database_of(request).reading() as connection:
        hits = await named_so(connection, wanted.sku, reach(request))
    return _found(request, wanted.sku, hits, 404)


def _found(request: Request, asked: str, hits: list[Hit], status: int = 200) -> Response:
    return render(
        request,
        "sku_search.html",
        status,
        asked=asked,
        hits=hits[:HITS_MAX],
        more=len(hits) > HITS_MAX,
        links=links,
    )


async def _values(
    request: Request, wanted: Wanted, facts_max: int | None = None
) -> dict[str, Any] | None:
    """What the page is made from; None when nothing is known of the SKU.

    Beyond ``facts_max`` facts there is no story: it would be folded too often.
    """
    seen, read = reach(request), None
    async with database_of(request).reading() as connection:
        now = await standing(connection, wanted.sku, seen)
        if not now.is_known:
            return None
        if now.as_of.seq is not None and (facts_max is None or now.as_of.seq <= facts_max):
            given = request.query_params
            read = await read_story(connection, wanted.sku, wanted.before, given)
    place = _place(now, seen, wanted.location)
    asked = {"sku": wanted.sku, "days": wanted.days, "location": place}
    return {
        "sku": wanted.sku,
        "now": now,
        "story": None if read is None else await story_of(wanted.sku, read),
        "dated": await _dated(request, now, wanted, place),
        "wanted": wanted,
        "place": place,
        "days_shown": DAYS_SHOWN,
        "is_whole": seen.is_whole,
        "commands": _commands(wanted.sku),
        "here_url": links.sku(wanted.sku),
        "live_url": links.page("sku", **asked),
        "links": links,
        "states": states,
        "utc": _utc,
    }


def _place(now: Standing, seen: Reach, asked: str | None) -> str | None:
    """The location that the dated chart is of. None for all, where all may be seen."""
    places = [row["location"] for row in now.positions or ()]
    if asked in places:
        return asked
    return None if seen.is_whole or not places else str(places[0])


async def _dated(
    request: Request, now: Standing, wanted: Wanted, place: str | None
) -> Dated | str | None:
    if not now.positions and now.item is None:
        return None
    state = request.app.state
    return await dated(
        state.database,
        state.kits,
        now.sku,
        now.as_of.seq,
        is_kit=now.item is not None and now.item["kit"],
        location=place,
        days=wanted.days,
        zone=zone_for(state.places, place),
    )


def _commands(sku: str) -> list[tuple[str, str]]:
    return [
        (command("explain", sku), "every number with the facts that make it up"),
        (command("oversell", sku), "why more is promised than there is"),
        (command("promise", sku, "1"), "by when a unit is there, and from where"),
        (command("leaks", sku=sku), "what was begun and never ended"),
    ]


def _utc(moment: datetime) -> str:
    """A moment as a form's field for local times takes it, in UTC."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}"
