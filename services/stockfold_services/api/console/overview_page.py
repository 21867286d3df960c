"""The overview: how everything stands now."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from stockfold.contracts.topics import AVAILABILITY, DELIVERIES
from stockfold.domain.errors import StockfoldError
from stockfold_services.api.channels import Channels
from stockfold_services.api.console import live, services_view
from stockfold_services.api.console.chart import gauge, spark
from stockfold_services.api.console.figures import figures, kept
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.console.queues import Queues
from stockfold_services.api.database import Database
from stockfold_services.api.overview import ProjectorState, counts, projector_state, reevaluations
from stockfold_services.api.problems import Problem
from stockfold_services.api.proofs import Proofs

router = APIRouter(include_in_schema=False)

_PARTS = ("troubles", "glance", "promises", "channels", "people", "services", "topics")


@router.get("/")
async def root() -> RedirectResponse:
    """Whoever comes to the api with a browser is led to the console."""
    return RedirectResponse("/console/", 307)


@router.get("/console/")
async def overview(request: Request) -> HTMLResponse:
    """Every figure once, by what it is about. 503 with what is known while PostgreSQL is away."""
    values = await _values(request)
    status = 503 if values["trouble"] else 200
    return render(request, "overview.html", status, parts=_PARTS, **values)


@router.get("/console/tables")
async def tables(request: Request) -> HTMLResponse:
    """What is in the read model: counting is not for every look."""
    database: Database = request.app.state.database
    async with database.reading() as connection:
        state = await projector_state(connection)
        return render(request, "tables.html", tables=await counts(connection), projector=state)


@live.offer("overview")
async def _live(request: Request) -> live.Parts:
    values = await _values(request)
    return {name: part(request, f"overview/{name}.html", **values) for name in _PARTS}


async def _values(request: Request) -> dict[str, Any]:
    proofs: Proofs = request.app.state.proofs
    modes: Channels = request.app.state.modes
    late, connections = await asyncio.gather(proofs.late(), modes.or_none())
    known = await _known(request)
    seen = _kafka(request, known["projector"])
    return {"late": late, "connections": connections, **known, **seen}


async def _known(request: Request) -> dict[str, Any]:
    database: Database = request.app.state.database
    try:
        async with database.reading() as connection:
            return {
                "projector": await projector_state(connection),
                "changing": await reevaluations(connection),
                "figures": await figures(connection),
                "promises": await kept(connection, request.app.state.settings.objectives),
                "trouble": "",
            }
    except StockfoldError as error:
        trouble = f"{error.what}. {error.remedy}"
    except Problem as problem:
        trouble = problem.detail
    nothing: dict[str, Any] = {"projector": None, "changing": [], "figures": None, "promises": []}
    return nothing | {"trouble": trouble}


def _kafka(request: Request, projector: ProjectorState | None) -> dict[str, Any]:
    queues: Queues = request.app.state.queues
    sample = queues.now
    told = queues.rates(services_view.INPUT_NAMES)
    sent = queues.rates({DELIVERIES.name})
    computed = queues.rates({AVAILABILITY.name})
    return {
        "sample": sample,
        "told_per_s": services_view.recent(told),
        "told_line": spark(told, "Events told, a second, over the last ten minutes"),
        "computed_per_s": services_view.recent(computed),
        "computed_line": spark(computed, "Promises computed, a second, over the last ten minutes"),
        "sent_per_s": services_view.recent(sent),
        "sent_line": spark(sent, "Written to shops, a second, over the last ten minutes"),
        "services": [] if sample is None else services_view.services(sample, projector),
        "topics": services_view.topics(queues, projector),
        "behind_of": services_view.channel_behind,
        "spark": spark,
        "gauge": gauge,
    }
