"""``/console/monitor``: promises kept by channel and window, and what is sold out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from stockfold_services.api.console.frame import render
from stockfold_services.api.routes import monitor
from stockfold_services.api.routes.deps import Watched
from stockfold_services.api.routes.monitor import MonitorWindow

router = APIRouter(prefix="/console", include_in_schema=False)
PROMISES = {
    "order_ingestion": "Orders come to rest",
    "inventory_propagation": "Stock reaches the shop",
    "shipment_confirmation": "Parcels are told to the shop",
}
WINDOWS_SHOWN = 12
OUTS_SHOWN = 100
GOOD, FAIR = 0.99, 0.95


@router.get("/monitor")
async def promises_kept(request: Request, watched: Watched) -> HTMLResponse:
    """The newest whole hours of each promise by channel, then what is and was sold out."""
    found = [monitor.told(one) for one in await watched.all()]
    promises = [(title, rows) for what, title in PROMISES.items() if (rows := _newest(found, what))]
    outs = [one for one in found if one.what == "stock_out"]
    lasting = [one for one in outs if one.ends_at is None]
    ended = [one for one in outs if one.ends_at is not None]
    return render(
        request,
        "monitor.html",
        promises=promises,
        lasting=lasting[:OUTS_SHOWN],
        ended=ended[:OUTS_SHOWN],
        tone=_tone,
    )


def _newest(found: list[MonitorWindow], what: str) -> list[MonitorWindow]:
    """Of each channel its newest windows that do not overlap."""
    last: dict[str, MonitorWindow] = {}
    counts: dict[str, int] = {}
    chosen = []
    for one in (each for each in found if each.what == what and each.ends_at is not None):
        before = last.get(one.channel)
        assert one.ends_at is not None
        if before is not None and one.ends_at > before.began_at:
            continue
        if counts.get(one.channel, 0) < WINDOWS_SHOWN:
            last[one.channel] = one
            counts[one.channel] = counts.get(one.channel, 0) + 1
            chosen.append(one)
    return sorted(chosen, key=lambda one: one.channel)


def _tone(share: float) -> str:
    return "good" if share >= GOOD else "warn" if share >= FAIR else "bad"
