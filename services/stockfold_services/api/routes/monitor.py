"""How many promises were kept by window, and how long SKUs were sold out, as the monitor told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.domain.times import from_us
from stockfold_services.api import inputs
from stockfold_services.api.routes.deps import Watched

router = APIRouter(prefix="/v1/monitor", tags=["channels"])


class MonitorWindow(BaseModel):
    """One window, or one stock-out."""

    what: str = Field(
        description="order_ingestion, inventory_propagation, shipment_confirmation, stock_out or "
        "stock_out_day."
    )
    channel: str
    sku: str = Field(description="Of stock-outs; else empty.")
    began_at: datetime
    ends_at: datetime | None = Field(description="Null for a stock-out that lasts.")
    count: int
    within: int = Field(description="How many were in time.")
    share: float | None = Field(description="within / count; null for stock-outs.")
    target_ms: int
    worst_ms: int
    total_ms: int
    recorded_at: datetime


class MonitorWindows(BaseModel):
    """The latest of each window of the last seven days, newest first; none without a monitor."""

    windows: list[MonitorWindow]


@router.get("")
async def monitor(
    watched: Watched,
    channel: inputs.ChannelQuery = None,
    what: Annotated[str | None, Query(max_length=64, description="Only this measure.")] = None,
    limit: inputs.Limit = 100,
) -> MonitorWindows:
    """Windows of an hour that hop every five minutes, stock-outs, and days of stock-outs."""
    found = [
        one
        for one in await watched.all()
        if channel in (None, one["channel"]) and what in (None, one["what"])
    ]
    return MonitorWindows(windows=[told(one) for one in found[:limit]])


def told(one: dict[str, Any]) -> MonitorWindow:
    """As programs and pages read it."""
    ends = one["ends_at"]
    share = one["within"] / one["count"] if one["target_ms"] and one["count"] else None
    return MonitorWindow(
        what=one["what"],
        channel=one["channel"],
        sku=one["sku"],
        began_at=from_us(one["began_at"]),
        ends_at=None if ends is None else from_us(ends),
        count=one["count"],
        within=one["within"],
        share=share,
        target_ms=one["target_ms"],
        worst_ms=one["worst_ms"],
        total_ms=one["total_ms"],
        recorded_at=from_us(one["recorded_at"]),
    )
