"""The page of a SKU, and finding it by whatever somebody calls it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import asyncpg
from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from stockfold.explain.explanation import Explanation, explain
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs
from stockfold_services.api.console import links, states
from stockfold_services.api.console.as_of_view import Asked, View, asked_time, view
from stockfold_services.api.console.dated_view import (
    DAYS_DEFAULT,
    DAYS_SHOWN,
    Dated,
    dated,
    zone_for,
)
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.shell import command
from stockfold_services.api.console.sku_data import (
    Facts,
    Standing,
    facts_before,
    standing,
)
from stockfold_services.api.console.sku_search import HITS_MAX, Hit, named_so
from stockfold_services.api.history import history_of
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.deps import Bills, Db, Places
from stockfold_services.api.scope import reach

router = APIRouter(prefix="/console", include_in_schema=False)

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


class Wanted(NamedTuple):
    """What of a SKU's page is asked for."""

    sku: str
    before: int
    days: int
    location: str | None


class Told(NamedTuple):
    """What the journal says; ``trouble`` instead where a history is too long to fold here.

    ``step`` is where the slider stands.
    """

    facts: Facts
    explanation: Explanation | None = None
    asked: Asked | None = None
    view: View | None = None
    known_given: str = ""
    step: int = 0
    trouble: str = ""


@router.get("/skus")
async def search(
    request: Request, db: Db, places: Places, kits: Bills, sku: Text = "", name: Text = ""
) -> Response:
    """SKUs by name or code; of a single one its page. ``name`` is of one that no path can name."""
    if name:
        wanted = Wanted(name, inputs.INT64_MAX, DAYS_DEFAULT, None)
        return await _Page(request, db, places, kits).of(wanted)
    hits: list[Hit] = []
    if sku.strip():
        async with db.reading() as connection:
            hits = await named_so(connection, sku.strip(), reach(request))
        if len(hits) == 1:
            return RedirectResponse(links.sku(hits[0].sku), 303)
    return render(
        request,
        "sku_search.html",
        asked=sku.strip(),
        hits=hits[:HITS_MAX],
        more=len(hits) > HITS_MAX,
        links=links,
    )


@router.get("/skus/{sku:path}")
async def sku_page(
    request: Request,
    db: Db,
    places: Places,
    kits: Bills,
    sku: inputs.SkuPath,
    before: Annotated[int, Query(ge=1, le=inputs.INT64_MAX)] = inputs.INT64_MAX,
    days: Annotated[int, Query(ge=1, le=max(DAYS_SHOWN))] = DAYS_DEFAULT,
    location: Text = "",
) -> Response:
    """Everything that is known of a SKU, and why."""
    return await _Page(request, db, places, kits).of(Wanted(sku, before, days, location or None))


class _Page:
    """What the page of a SKU is made from."""

    def __init__(self, request: Request, db: Db, places: Places, kits: Bills) -> None:
        self._request = request
        self._db = db
        self._places = places
        self._kits = kits
        self._reach = reach(request)

    async def of(self, wanted: Wanted) -> Response:
        """The page; one that says what to do when nothing is known of the SKU."""
        told = None
        async with self._db.reading() as connection:
            now = await standing(connection, wanted.sku, self._reach)
            if not now.is_known:
                return await self._unknown(connection, wanted.sku)
            if now.as_of.seq is not None and self._reach.is_whole:
                told = await _told(connection, wanted, self._request.query_params)
        place = self._place(now, wanted.location)
        return render(
            self._request,
            "sku.html",
            sku=wanted.sku,
            now=now,
            told=told,
            dated=await self._dated(now, wanted, place),
            wanted=wanted,
            place=place,
            days_shown=DAYS_SHOWN,
            is_whole=self._reach.is_whole,
            commands=_commands(wanted.sku),
            here_url=links.sku(wanted.sku),
            links=links,
            states=states,
            utc=_utc,
        )

    async def _unknown(self, connection: asyncpg.Connection, sku: str) -> Response:
        hits = await named_so(connection, sku, self._reach)
        return render(
            self._request,
            "sku_search.html",
            404,
            asked=sku,
            hits=hits[:HITS_MAX],
            more=len(hits) > HITS_MAX,
            links=links,
        )

    def _place(self, now: Standing, asked: str | None) -> str | None:
        """The location that the dated chart is of. None for all, where all may be seen."""
        seen = [row["location"] for row in now.positions or ()]
        if asked in seen:
            return asked
        return None if self._reach.is_whole or not seen else str(seen[0])

    async def _dated(self, now: Standing, wanted: Wanted, place: str | None) -> Dated | str | None:
        if not now.positions and not (self._reach.is_whole and now.item is not None):
            return None
        return await dated(
            self._db,
            self._kits,
            now.sku,
            now.as_of.seq,
            is_kit=now.item is not None and now.item["kit"],
            location=place,
            days=wanted.days,
            zone=zone_for(self._places, place),
        )


async def _told(connection: asyncpg.Connection, wanted: Wanted, given: Mapping[str, str]) -> Told:
    now_us = SYSTEM_CLOCK.now_us()
    sku = wanted.sku
    facts = await facts_before(connection, sku, wanted.before)
    try:
        history = await history_of(connection, sku)
    except Problem as problem:
        return Told(facts, trouble=problem.detail)
    asked = await asked_time(connection, sku, given, now_us)
    seen = await view(connection, sku, history, asked)
    return Told(
        facts,
        await asyncio.to_thread(explain, sku, history, now_us),
        asked,
        seen,
        given.get("known_at", "")[:40],
        len(history) if seen is None else seen.then.last_seq,
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
