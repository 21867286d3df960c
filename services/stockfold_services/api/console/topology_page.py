"""The topology: who writes and who reads, drawn from the declaration of topics."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from stockfold.contracts.topology import FLOWS, SERVICES
from stockfold_services.api.console import contracts_page, topology_chart
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.queues import Queues
from stockfold_services.api.console.services_view import services

router = APIRouter(include_in_schema=False)


@router.get("/console/topology")
async def topology(request: Request, of: Annotated[str, Query(max_length=64)] = "") -> HTMLResponse:
    """Everything, or what ``of`` takes part in. Another name than those drawn marks nothing."""
    queues: Queues = request.app.state.queues
    chosen = of if of in topology_chart.COLUMNS else ""
    shown = [f for f in FLOWS if not chosen or chosen in (*f.writers, *f.readers)]
    seen = [] if queues.now is None else services(queues.now, None)
    behind = {one.name: one.behind for one in seen if one.behind is not None}
    return render(
        request,
        "topology.html",
        chosen=chosen,
        does=dict(SERVICES).get(chosen, ""),
        stages=topology_chart.stages(behind, chosen),
        wiring=topology_chart.wiring(chosen),
        flows=shown,
        kept=contracts_page.kept,
    )
