"""The rebuilds of the read model: which generations there are, and how far each is."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from stockfold_services.api.console import live
from stockfold_services.api.console.chart import gauge
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.console.queues import Queues
from stockfold_services.api.console.rebuilds import all_generations
from stockfold_services.api.database import Database

router = APIRouter(include_in_schema=False)


@router.get("/console/rebuild")
async def rebuild(request: Request) -> HTMLResponse:
    """Every generation. UnavailableError without PostgreSQL, where they are."""
    return render(request, "rebuild.html", **await _values(request))


@live.offer("rebuild")
async def _live(request: Request) -> live.Parts:
    return {"generations": part(request, "rebuild/generations.html", **await _values(request))}


async def _values(request: Request) -> dict[str, Any]:
    database: Database = request.app.state.database
    queues: Queues = request.app.state.queues
    ends = {} if queues.now is None else queues.now.ends
    async with database.reading() as connection:
        found = await all_generations(connection, request.app.state.settings, ends)
    return {"generations": found, "gauge": gauge}
