"""What is wrong over all SKUs: where more is promised than there is."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from stockfold.contracts.topics import POSITIONS
from stockfold.explain.oversell import Shortage, shortage
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
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
