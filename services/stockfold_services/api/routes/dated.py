"""What may be promised of a SKU day by day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.days import DayOf, as_date, days_in
from stockfold.ledger.dated import DAYS_MAX, Series, Supply, series
from stockfold.ledger.outlook import Outlook
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import as_of_sku
from stockfold_services.api.outlooks import read_outlook
from stockfold_services.api.problems import Problem, not_found
from stockfold_services.api.routes.deps import Db, Places, Wait

router = APIRouter(prefix="/v1/skus", tags=["dated"])

ZoneQuery = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=64,
        description="IANA zone of the days. Unset: the channel's or the location's own, else UTC.",
    ),
]


class DatedSupply(BaseModel):
    """Units that are to come, by document and line; a transfer has no line."""

    inbound: str
    line: str
    location: str
    units: int
    day: date | None = Field(description="The day they are due on; null: nobody has said.")
    confidence: int = Field(description="In percent, as their source gives it.")


class DatedDay(BaseModel):
    """One day of the series."""

    day: date
    projection: int = Field(description="What will be there, less what is claimed by then.")
    promise: int = Field(
        description="The least projection from this day on: later demand lowers it."
    )


class DatedAtp(BaseModel):
    """Dated ATP of a SKU, or of it at one location."""

    sku: str
    location: str | None
    zone: str
    atp: int = Field(description="ATP now; of a SKU the sum of max(atp, 0) over its locations.")
    deficit: int = Field(description="What is missing now, never netted.")
    days: list[DatedDay]
    overdue: list[DatedSupply] = Field(description="Due before today; not in the numbers.")
    undated: list[DatedSupply] = Field(description="Without a date; not in the numbers.")
    as_of: models.AsOf


@router.get("/{sku:path}/atp")
async def dated_atp(
    db: Db,
    wait: Wait,
    places: Places,
    sku: inputs.SkuPath,
    days: Annotated[int, Query(ge=1, le=DAYS_MAX, description="Days to look ahead.")] = 14,
    location: inputs.LocationQuery = None,
    zone: ZoneQuery = None,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> DatedAtp:
    """What may be promised of a SKU for each day from today, and what is overdue or undated."""
    known = places.get(location or "")
    zone = zone or ("UTC" if known is None else known.zone)
    day_of = zone_days(zone)
    await wait.for_positions(sku, min_seq, wait_ms)
    outlook, as_of = await outlook_now(db, sku)
    found = series(outlook, day_of, day_of(SYSTEM_CLOCK.now_us()), days, location)
    shown_places = outlook.locations if location is None else [location]
    return DatedAtp(
        sku=sku,
        location=location,
        zone=zone,
        atp=_atp(outlook, location),
        deficit=sum(max(-outlook.atp(place), 0) for place in shown_places),
        days=_days(found),
        overdue=[shown(supply) for supply in found.overdue],
        undated=[shown(supply) for supply in found.undated],
        as_of=as_of,
    )


def zone_days(zone: str) -> DayOf:
    """How times become days; Problem 422 when there is no such zone."""
    try:
        return days_in(zone)
    except ValueError as error:
        raise Problem(422, "Input not valid", f"query.zone: {error}; write Europe/Berlin") from None


async def outlook_now(db: Database, sku: str) -> tuple[Outlook, models.AsOf]:
    """A SKU's outlook and the state that it shows; Problem 404 when nothing is known of it."""
    async with db.reading() as connection:
        as_of = await as_of_sku(connection, sku, POSITIONS, JOURNAL)
        if as_of.seq is None:
            raise not_found("SKU", sku)
        return await read_outlook(connection, sku, as_of.seq), as_of


def shown(supply: Supply) -> DatedSupply:
    """A supply as the api tells it."""
    return DatedSupply(
        inbound=supply.inbound,
        line=supply.line,
        location=supply.location,
        units=supply.units,
        day=None if supply.day is None else as_date(supply.day),
        confidence=supply.confidence,
    )


def _atp(outlook: Outlook, location: str | None) -> int:
    if location is not None:
        return outlook.atp(location)
    return sum(max(outlook.atp(place), 0) for place in outlook.locations)


def _days(found: Series) -> list[DatedDay]:
    pairs = zip(found.projection, found.promises, strict=True)
    return [
        DatedDay(day=as_date(found.today + i), projection=level, promise=promise)
        for i, (level, promise) in enumerate(pairs)
    ]
