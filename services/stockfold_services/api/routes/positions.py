"""Positions: the numbers of a SKU at its locations."""

from __future__ import annotations

from fastapi import APIRouter

from stockfold.contracts.topics import POSITIONS
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all, as_of_sku
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db, Wait

router = APIRouter(prefix="/v1/positions", tags=["positions"])

_PAGE = """
SELECT * FROM positions
WHERE ($1::text IS NULL OR sku = $1) AND ($2::text IS NULL OR location = $2)
AND ($3::text IS NULL OR (sku, location) > ($3, $4::text))
ORDER BY sku, location LIMIT $5
"""
_ONE = """
SELECT * FROM positions WHERE sku = $1 AND ($2::text IS NULL OR location = $2) ORDER BY location
"""


@router.get("")
async def positions(
    db: Db,
    sku: inputs.SkuQuery = None,
    location: inputs.LocationQuery = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> models.PositionPage:
    """Positions by SKU and location, a page at a time."""
    last = inputs.read_cursor(after, str, str) or (None, None)
    async with db.reading() as connection:
        rows = await connection.fetch(_PAGE, sku, location, *last, limit)
        as_of = await as_of_all(connection, POSITIONS)
    found = [models.Position(**row) for row in rows]
    more = inputs.cursor(found[-1].sku, found[-1].location) if len(found) == limit else None
    return models.PositionPage(positions=found, next=more, as_of=as_of)


@router.get("/{sku:path}")
async def positions_of_sku(
    db: Db,
    wait: Wait,
    sku: inputs.SkuPath,
    location: inputs.LocationQuery = None,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> models.Positions:
    """A SKU's positions, at all locations or one."""
    await wait.for_positions(sku, min_seq, wait_ms)
    async with db.reading() as connection:
        rows = await connection.fetch(_ONE, sku, location)
        as_of = await as_of_sku(connection, sku, POSITIONS)
    if not rows and as_of.seq is None:
        raise not_found("SKU", sku)
    return models.Positions(
        sku=sku, positions=[models.Position(**row) for row in rows], as_of=as_of
    )
