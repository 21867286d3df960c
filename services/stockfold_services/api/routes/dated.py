"""What may be promised of a SKU day by day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.availability.kit_dated import kit_series
from stockfold.availability.kit_promises import KitSeries, PartSeries
from stockfold.domain.days import DayOf, as_date, days_in
from stockfold.ledger.dated import DAYS_MAX, Series, Supply, series
from stockfold.ledger.outlook import Outlook
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.outlooks import outlooks_now
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.deps import Bills, Db, Places, Wait

router = APIRouter(prefix="/v1/skus", tags=["dated"])

ZoneQuery = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=64,
        description="IANA zone of the days. Unset: the channel's or the location's own, else UTC.",
    ),
]


KIT = "Null: the catalogue was not read; only the SKU's own stock counts, kit or not."


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
    limited_by: str | None = Field(
        None, description="Of a kit: the component that allows the fewest of this day."
    )


class DatedComponent(BaseModel):
    """Dated ATP of a part of a kit."""

    sku: str
    needed: int = Field(description="Units in one kit; 0 of a kit inside it.")
    days: list[DatedDay]
    overdue: list[DatedSupply]
    undated: list[DatedSupply]


class DatedAtp(BaseModel):
    """Dated ATP of a SKU, or of it at one location; of a kit with what can be assembled."""

    sku: str
    kit: bool | None = Field(description=KIT)
    location: str | None
    zone: str
    atp: int = Field(
        description="ATP now of the SKU itself: the sum of max(atp, 0) over its locations."
    )
    deficit: int = Field(description="What is missing of the SKU itself now, never netted.")
    days: list[DatedDay]
    overdue: list[DatedSupply] = Field(description="Due before today; not in the numbers.")
    undated: list[DatedSupply] = Field(description="Without a date; not in the numbers.")
    components: list[DatedComponent] = Field(description="Of a kit: every part, day by day.")
    as_of: models.AsOf


@router.get("/{sku:path}/atp")
async def dated_atp(
    db: Db,
    wait: Wait,
    places: Places,
    kits: Bills,
    sku: inputs.SkuPath,
    days: Annotated[int, Query(ge=1, le=DAYS_MAX, description="Days to look ahead.")] = 14,
    location: inputs.LocationQuery = None,
    zone: ZoneQuery = None,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> DatedAtp:
    """What may be promised of a SKU for each day from today, and what is overdue or undated."""
    place = places.get(location or "")
    zone = zone or ("UTC" if place is None else place.zone)
    day_of = zone_days(zone)
    await wait.for_positions(sku, min_seq, wait_ms)
    known = await outlooks_now(db, kits, sku)
    outlook, today = known.outlooks[sku], day_of(SYSTEM_CLOCK.now_us())
    kit: KitSeries | None = None
    if known.tree is None:
        found = series(outlook, day_of, today, days, location)
    else:
        kit = await asyncio.to_thread(
            kit_series, known.tree, known.outlooks, day_of, today, days, location
        )
        found = kit.whole
    shown_places = outlook.locations if location is None else [location]
    return DatedAtp(
        sku=sku,
        kit=known.kit,
        location=location,
        zone=zone,
        atp=_atp(outlook, location),
        deficit=sum(max(-outlook.atp(place), 0) for place in shown_places),
        days=_days(found, None if kit is None else kit.limited_by),
        overdue=[shown(supply) for supply in found.overdue],
        undated=[shown(supply) for supply in found.undated],
        components=[] if kit is None else [_component(part) for part in kit.components],
        as_of=known.as_of,
    )


def zone_days(zone: str) -> DayOf:
    """How times become days; Problem 422 when there is no such zone."""
    try:
        return days_in(zone)
    except ValueError as error:
        raise Problem(422, "Input not valid", f"query.zone: {error}; write Europe/Berlin") from None


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


def _days(found: Series, limited_by: Sequence[str] | None = None) -> list[DatedDay]:
    return [
        DatedDay(
            day=as_date(found.today + i),
            projection=level,
            promise=found.promises[i],
            limited_by=None if limited_by is None else limited_by[i],
        )
        for i, level in enumerate(found.projection)
    ]


def _component(part: PartSeries) -> DatedComponent:
    return DatedComponent(
        sku=part.sku,
        needed=part.needed,
        days=_days(part.series),
        overdue=[shown(supply) for supply in part.series.overdue],
        undated=[shown(supply) for supply in part.series.undated],
    )
