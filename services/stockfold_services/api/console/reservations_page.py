"""What is promised to whom, and until when."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from stockfold_services.api import inputs
from stockfold_services.api.console import links
from stockfold_services.api.console.demands import Asked, open_demands
from stockfold_services.api.console.frame import render
from stockfold_services.api.console.orders_data import channels_of_orders
from stockfold_services.api.routes.deps import Db
from stockfold_services.api.scope import CHANNEL, allow, reach

router = APIRouter(prefix="/console/reservations", include_in_schema=False)

LINES_PER_PAGE = 50

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


@router.get("")
async def reservations(
    request: Request,
    db: Db,
    show: Literal["open", "expiring"] = "open",
    channel: Text = "",
    sku: Text = "",
    order: Text = "",
    after: inputs.After = None,
) -> Response:
    """Order lines with open units, by SKU and order, or by when they expire."""
    seen = reach(request)
    if channel or seen.channels == ():
        allow(request, CHANNEL, [channel] if channel else [])
    asked = Asked(
        sku.strip() or None,
        (channel,) if channel else seen.channels,
        order.strip() or None,
        by_expiry=show == "expiring",
    )
    async with db.reading() as connection:
        found, more = await open_demands(connection, asked, after, LINES_PER_PAGE)
        channels = seen.channels or await channels_of_orders(connection)
    given = {"show": show, "channel": channel, "sku": asked.sku, "order": asked.order}
    return render(
        request,
        "reservations.html",
        demands=found,
        asked=asked,
        show=show,
        channel=channel,
        channels=[(name, name) for name in channels],
        is_whole=seen.is_whole,
        next_url=links.page("/console/reservations", **given, after=more) if more else "",
        first_url=links.page("/console/reservations", **given) if after else "",
        links=links,
    )
