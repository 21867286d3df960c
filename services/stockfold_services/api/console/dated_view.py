"""The dated ATP of a SKU as its page shows it: a chart, its figures, and what has no day."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from stockfold.availability.kit_dated import kit_series
from stockfold.domain.days import DayOf, as_date
from stockfold.ledger.dated import Series, series, supplies_of
from stockfold.ledger.outlook import Outlook
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.settings import LocationSettings
from stockfold_services.api.console.atp_chart import Day, atp_chart
from stockfold_services.api.database import Database
from stockfold_services.api.kits import Kits
from stockfold_services.api.models import AsOf
from stockfold_services.api.outlooks import OutlooksNow, outlooks_now, read_outlook
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.dated import DatedSupply, shown, zone_days

DAYS_SHOWN = (7, 14, 30, 90)
DAYS_DEFAULT = 14


class Dated(NamedTuple):
    """What may be promised day by day, of all locations or of one."""

    location: str | None
    zone: str
    days: list[Day]
    chart: Markup
    overdue: list[DatedSupply]
    undated: list[DatedSupply]
    limited_by: list[str]
    parts: list[tuple[str, int]]
    """Of a kit: its components, and how many of each one kit takes."""


def zone_for(places: Mapping[str, LocationSettings], location: str | None) -> str:
    """The zone of the location, or the one that all locations share; else UTC."""
    if location is not None:
        return places[location].zone if location in places else "UTC"
    zones = {place.zone for place in places.values()}
    return zones.pop() if len(zones) == 1 else "UTC"


async def dated(
    db: Database,
    kits: Kits,
    sku: str,
    seq: int | None,
    *,
    is_kit: bool,
    location: str | None,
    days: int,
    zone: str,
) -> Dated | str:
    """The dated ATP, or the sentence that says why there is none."""
    day_of = zone_days(zone)
    today = day_of(SYSTEM_CLOCK.now_us())
    try:
        known = await _known(db, kits, sku, seq, is_kit=is_kit)
    except Problem as problem:
        return problem.detail
    outlook, limited = known.outlooks[sku], list[str]()
    parts: list[tuple[str, int]] = []
    if known.tree is None:
        found = series(outlook, day_of, today, days, location)
    else:
        kit = await asyncio.to_thread(
            kit_series, known.tree, known.outlooks, day_of, today, days, location
        )
        found, limited = kit.whole, list(kit.limited_by)
        parts = [(part.sku, part.needed) for part in kit.components if part.needed]
    shown_days = _days(outlook, found, day_of, location)
    return Dated(
        location,
        zone,
        shown_days,
        atp_chart(shown_days, _told(sku, shown_days)),
        [shown(supply) for supply in found.overdue],
        [shown(supply) for supply in found.undated],
        limited,
        parts,
    )


async def _known(
    db: Database, kits: Kits, sku: str, seq: int | None, *, is_kit: bool
) -> OutlooksNow:
    if is_kit:
        return await outlooks_now(db, kits, sku)
    # The catalogue of the read model knows that it is none: nobody waits for the broker.
    async with db.reading() as connection:
        outlook = await read_outlook(connection, sku, seq)
    return OutlooksNow(kit=False, tree=None, outlooks={sku: outlook}, as_of=AsOf())


def _days(outlook: Outlook, found: Series, day_of: DayOf, location: str | None) -> list[Day]:
    arrives: dict[int, int] = {}
    for supply in supplies_of(outlook, day_of):
        if supply.day is not None and location in {None, supply.location}:
            arrives[supply.day] = arrives.get(supply.day, 0) + supply.units
    return [
        Day(as_date(day), level, found.promises[i], arrives.get(day, 0))
        for i, level in enumerate(found.projection)
        for day in (found.today + i,)
    ]


def _told(sku: str, days: Sequence[Day]) -> str:
    """The chart in one sentence, for whoever does not see it."""
    first, last = days[0], days[-1]
    return (
        f"Units of {sku} that may be promised: {first.promise:,} for {first.day:%-d %b}, "
        f"{last.promise:,} for {last.day:%-d %b %Y}."
    )
