"""What is promised to whom, and until when."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from stockfold_services.api import inputs
from stockfold_services.api.console import links, live
from stockfold_services.api.console.demands import Asked, open_demands
from stockfold_services.api.console.frame import part, render
from stockfold_services.api.console.orders_data import known_channels
from stockfold_services.api.database import database_of
from stockfold_services.api.scope import CHANNEL, allow, reach

router = APIRouter(prefix="/console/reservations", include_in_schema=False)

LINES_PER_PAGE = 50

Text = Annotated[str, Query(max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")]


Show = Literal["open", "expiring"]


class Given(NamedTuple):
    """What was asked, as it was written."""

    show: str
    channel: str
    sku: str
    order: str


@router.get("")
async def reservations(
    request: Request,
    show: Show = "open",
    channel: Text = "",
    sku: Text = "",
    order: Text = "",
    after: inputs.After = None,
) -> Response:
    """Order lines with open units, by SKU and order, or by when they expire."""
    values = await _listed(request, Given(show, channel, sku.strip(), order.strip()), after)
    return render(request, "reservations.html", **values)


@live.offer("reservations", narrowed=True)
async def _live(request: Request) -> live.Parts:
    given = Given(*(request.query_params.get(name, "") for name in Given._fields))
    values = await _listed(request, given, None)
    return {"reservations-list": part(request, "order/reservations.html", **values)}


async def _listed(request: Request, given: Given, after: str | None) -> dict[str, Any]:
    seen = reach(request)
    if given.channel or seen.channels == ():
        allow(request, CHANNEL, [given.channel] if given.channel else [])
    async with database_of(request).reading() as connection:
        channels = list(seen.channels or await known_channels(connection))
        asked = Asked(
            given.sku or None,
            (given.channel,) if given.channel else seen.channels,
            _names(given, channels) if given.order else None,
            by_expiry=given.show == "expiring",
        )
        found, more = await open_demands(connection, asked, after, LINES_PER_PAGE)
    named = given._asdict()
    return {
        "demands": found,
        "given": given,
        "channels": [(name, name) for name in channels],
        "is_whole": seen.is_whole,
        "next_url": links.page("/console/reservations", **named, after=more) if more else "",
        "first_url": links.page("/console/reservations", **named) if after else "",
        "live_url": links.page("reservations", **named) if not after else "",
        "links": links,
    }


def _names(given: Given, channels: list[str]) -> tuple[str, ...]:
    """What the ledger may call the order: as it is written, or with a channel before it."""
    return (given.order, *(f"{channel}/{given.order}" for channel in channels))
