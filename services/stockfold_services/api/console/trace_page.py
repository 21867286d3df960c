"""What happened under one correlation id: found, drawn, and told step by step."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from stockfold.domain.times import to_us
from stockfold.runtime.journey import Step, journey_of, lasted
from stockfold_services.api import inputs
from stockfold_services.api.console import links
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.waterfall import waterfall
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/console/trace", include_in_schema=False)

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


@router.get("")
async def find(request: Request, q: Text = "") -> Response:
    """Where a correlation id is asked for."""
    if q.strip():
        return RedirectResponse(links.trace(q.strip()), 303)
    return render(request, "trace_find.html")


@router.get("/{correlation_id:path}")
async def trace_page(request: Request, db: Db, correlation_id: inputs.SkuPath) -> Response:
    """Everything that happened under a correlation id, and the time between."""
    async with db.reading() as connection:
        found = await journey_of(connection, correlation_id)
    if not found.steps:
        raise not_found("correlation id", correlation_id)
    whole = lasted(to_us(found.steps[0].at + found.took) - to_us(found.steps[0].at))
    return render(
        request,
        "trace.html",
        found=found,
        whole=whole,
        chart=waterfall(found.steps, f"{len(found.steps)} steps in {whole}"),
        rows=_rows(found.steps),
        links=links,
    )


def _rows(steps: tuple[Step, ...]) -> list[tuple[Step, str, str, str]]:
    """Each step, how long after the one before it began, how long it took, and where it leads."""
    found = []
    before = steps[0].at
    for step in steps:
        took_us = to_us(step.until) - to_us(step.at)
        after = lasted(to_us(step.at) - to_us(before))
        found.append((step, after, lasted(took_us) if took_us else "", _link(step)))
        before = step.at
    return found


def _link(step: Step) -> str:
    if step.stage == "exception":
        return links.exception(f"{step.partition}-{step.offset}")
    if step.stage == "order":
        return links.order(step.channel, step.order)
    return links.sku(step.sku) if step.sku else ""
