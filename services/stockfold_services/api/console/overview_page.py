"""The overview: how everything stands now."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from stockfold.domain.errors import StockfoldError
from stockfold_services.api.channels import Channels
from stockfold_services.api.console import live
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.database import Database
from stockfold_services.api.overview import counts, projector_state, reevaluations
from stockfold_services.api.problems import Problem
from stockfold_services.api.proofs import Proofs

router = APIRouter(include_in_schema=False)

_PARTS = ("now", "channels", "topics")


@router.get("/")
async def root() -> RedirectResponse:
    """Whoever comes to the api with a browser is led to the console."""
    return RedirectResponse("/console/", 307)


@router.get("/console/")
async def overview(request: Request) -> HTMLResponse:
    """Every figure once, by what it is about. 503 with what is known while PostgreSQL is away."""
    values = await _values(request)
    status = 503 if values["trouble"] else 200
    return render(request, "overview.html", status, **values)


@live.offer("overview")
async def _live(request: Request) -> live.Parts:
    values = await _values(request)
    return {name: part(request, f"overview/{name}.html", **values) for name in _PARTS}


async def _values(request: Request) -> dict[str, Any]:
    database: Database = request.app.state.database
    proofs: Proofs = request.app.state.proofs
    modes: Channels = request.app.state.modes
    late, connections = await asyncio.gather(proofs.late(), modes.or_none())
    values: dict[str, Any] = {"late": late, "channels": connections, "trouble": ""}
    try:
        async with database.reading() as connection:
            values |= {
                "projector": await projector_state(connection),
                "tables": await counts(connection),
                "changing": await reevaluations(connection),
            }
    except (StockfoldError, Problem) as error:
        trouble = (
            f"{error.what}. {error.remedy}" if isinstance(error, StockfoldError) else str(error)
        )
        values |= {"projector": None, "tables": [], "changing": [], "trouble": trouble}
    return values
