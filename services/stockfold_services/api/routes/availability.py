"""What channels may promise."""

from __future__ import annotations

from fastapi import APIRouter

from stockfold.contracts.topics import AVAILABILITY
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all, as_of_sku
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/availability", tags=["availability"])

_PAGE = """
SELECT * FROM availability
WHERE ($1::text IS NULL OR channel = $1) AND ($2::text IS NULL OR sku = $2)
AND ($3::text IS NULL OR (channel, sku) > ($3, $4::text))
ORDER BY channel, sku LIMIT $5
"""


@router.get("")
async def availability(
    db: Db,
    channel: inputs.ChannelQuery = None,
    sku: inputs.SkuQuery = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> models.AvailabilityPage:
    """Availability by channel and SKU, a page at a time."""
    last = inputs.read_cursor(after, str, str) or (None, None)
    async with db.reading() as connection:
        rows = await connection.fetch(_PAGE, channel, sku, *last, limit)
        as_of = await as_of_all(connection, AVAILABILITY)
    found = [models.Availability(**row) for row in rows]
    more = inputs.cursor(found[-1].channel, found[-1].sku) if len(found) == limit else None
    return models.AvailabilityPage(availability=found, next=more, as_of=as_of)


@router.get("/{channel}/{sku:path}")
async def availability_of(
    db: Db, channel: inputs.ChannelPath, sku: inputs.SkuPath
) -> models.AvailabilityAnswer:
    """What a channel may promise of a SKU, with the steps that led to it."""
    async with db.reading() as connection:
        row = await connection.fetchrow(
            "SELECT * FROM availability WHERE channel = $1 AND sku = $2", channel, sku
        )
        as_of = await as_of_sku(connection, sku, AVAILABILITY)
    if row is None:
        raise not_found(f"availability for channel {channel!r} of SKU", sku)
    return models.AvailabilityAnswer(**row, as_of=as_of)
