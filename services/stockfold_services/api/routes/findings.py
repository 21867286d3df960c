"""What is wrong over all SKUs: more promised than there is, begun and never ended."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.domain.times import DAY_US, SECOND_US
from stockfold.explain.compensation import Choices, Disposition, Remainder
from stockfold.explain.leaks import KINDS, Kind, Leak
from stockfold.explain.shortage import Shortage, shortage
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.leaking import leaks_after
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1", tags=["questions"])

_SHORT = """
SELECT sku, location, on_hand, reserved, allocated FROM positions
WHERE atp < 0 AND ($1::text IS NULL OR location = $1)
AND ($2::text IS NULL OR (sku, location) > ($2, $3::text))
ORDER BY sku, location LIMIT $4
"""


class ShortagePage(BaseModel):
    """A page of deficits, by SKU and location."""

    shortages: list[Shortage]
    next: str | None = Field(description="Hand it back as `after`; null at the end.")
    as_of: models.AsOf


@router.get("/oversells")
async def oversells(
    db: Db,
    location: inputs.LocationQuery = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> ShortagePage:
    """Every SKU and location with a negative ATP: short, oversold, or a shelf below zero.

    /v1/skus/{sku}/oversell tells why.
    """
    last = inputs.read_cursor(after, str, str) or (None, None)
    async with db.reading() as connection:
        rows = await connection.fetch(_SHORT, location, *last, limit)
        as_of = await as_of_all(connection, POSITIONS)
    found = [one for row in rows if (one := shortage(**row)) is not None]
    more = inputs.cursor(found[-1].sku, found[-1].location) if len(rows) == limit else None
    return ShortagePage(shortages=found, next=more, as_of=as_of)


class LeakPage(BaseModel):
    """The leaks of some SKUs. A page may be empty and not be the last: it looks at a bounded number
    of SKUs.
    """

    leaks: list[Leak]
    next: str | None = Field(description="Hand it back as `after`; null at the end.")
    too_long: list[str] = Field(
        description="SKUs with too many facts for a request: ask `stockfold leaks --sku`."
    )
    as_of: models.AsOf


_AGE_UNITS_US = {"h": 3600 * SECOND_US, "d": DAY_US}


@router.get("/leaks")
async def leaks(
    db: Db,
    older_than: Annotated[
        str,
        Query(pattern=r"^\d{1,5}[hd]$", description="Nothing was told about it for so long: 14d."),
    ] = "14d",
    kind: Annotated[
        list[Kind] | None, Query(description="Only these kinds; may be repeated.")
    ] = None,
    remainder: Annotated[
        Remainder, Query(description="Where proposals put the rest of a transfer.")
    ] = "lost",
    disposition: Annotated[
        Disposition, Query(description="What proposals take uninspected returns for.")
    ] = "damaged",
    after: inputs.After = None,
) -> LeakPage:
    """What was begun and never ended, with the event that would end it: reservations and
    allocations, transfers, returns, inbound lines. By SKU, 100 SKUs a page. `stockfold leaks
    --send` sends the events.
    """
    last = inputs.read_cursor(after, str) or (None,)
    now_us = SYSTEM_CLOCK.now_us()
    before_us = now_us - int(older_than[:-1]) * _AGE_UNITS_US[older_than[-1]]
    async with db.reading() as connection:
        found = await leaks_after(
            connection, last[0], before_us, now_us, kind or KINDS, Choices(remainder, disposition)
        )
        as_of = await as_of_all(connection, JOURNAL)
    more = None if found.next_sku is None else inputs.cursor(found.next_sku)
    return LeakPage(leaks=found.leaks, next=more, too_long=found.too_long, as_of=as_of)
