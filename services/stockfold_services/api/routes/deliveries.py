"""What channels acknowledged or refused."""

from __future__ import annotations

from fastapi import APIRouter

from stockfold.contracts.topics import DELIVERIES
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all, as_of_sku
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/deliveries", tags=["deliveries"])

_PAGE = """
SELECT * FROM deliveries
WHERE ($1::text IS NULL OR channel = $1) AND ($2::text IS NULL OR sku = $2)
AND ($3::text IS NULL OR outcome = $3)
AND ($4::text IS NULL OR (channel, sku) > ($4, $5::text))
ORDER BY channel, sku LIMIT $6
"""
_HISTORY = """
SELECT * FROM delivery_history WHERE channel = $1 AND sku = $2
ORDER BY version DESC, record_offset DESC LIMIT $3
"""


@router.get("")
async def deliveries(
    db: Db,
    channel: inputs.ChannelQuery = None,
    sku: inputs.SkuQuery = None,
    outcome: inputs.OutcomeQuery = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> models.DeliveryPage:
    """The latest delivery of each listing, by channel and SKU, a page at a time."""
    last = inputs.read_cursor(after, str, str) or (None, None)
    async with db.reading() as connection:
        rows = await connection.fetch(_PAGE, channel, sku, outcome, *last, limit)
        as_of = await as_of_all(connection, DELIVERIES)
    found = [models.Delivery(**row) for row in rows]
    more = inputs.cursor(found[-1].channel, found[-1].sku) if len(found) == limit else None
    return models.DeliveryPage(deliveries=found, next=more, as_of=as_of)


@router.get("/{channel}/{sku:path}")
async def deliveries_of(
    db: Db, channel: inputs.ChannelPath, sku: inputs.SkuPath, limit: inputs.Limit = 100
) -> models.DeliveryHistory:
    """The deliveries of one listing, newest version first; 30 days are kept."""
    async with db.reading() as connection:
        rows = await connection.fetch(_HISTORY, channel, sku, limit)
        as_of = await as_of_sku(connection, sku, DELIVERIES)
    if not rows:
        raise not_found(f"delivery to channel {channel!r} of SKU", sku)
    return models.DeliveryHistory(deliveries=[models.Delivery(**row) for row in rows], as_of=as_of)
