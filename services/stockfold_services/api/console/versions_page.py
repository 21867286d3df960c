"""``/console/versions``: what runs at the other end of each channel, and what its checks found."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from stockfold_services.api.console.frame import render
from stockfold_services.api.routes import channel_versions
from stockfold_services.api.routes.deps import Shops

router = APIRouter(prefix="/console", include_in_schema=False)
TONES = {"fit": "good", "unfit": "bad", "not_done": "warn"}
CHECKS = {
    "none": "unchanged",
    "fit": "its checks hold",
    "unfit": "its checks fail",
    "not_done": "its checks are owed",
}


@router.get("/versions")
async def versions(request: Request, shops: Shops) -> HTMLResponse:
    """A section for each channel that was asked."""
    found = [channel_versions.told(one) for one in await shops.all()]
    return render(request, "versions.html", channels=found, tones=TONES, checks=CHECKS)
