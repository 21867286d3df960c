"""What channels may promise."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Response

from stockfold.contracts.topics import AVAILABILITY
from stockfold_services.api import inputs, models
from stockfold_services.api.database import Database
from stockfold_services.api.freshness import AS_OF_SKU, as_of_all, as_of_row
from stockfold_services.api.problems import not_found
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/availability", tags=["availability"])
_OF_ONE = "/{channel}/{sku:path}"
PATH = router.prefix + _OF_ONE
"""Of one listing."""

_PAGE = """
SELECT * FROM availability
WHERE ($1::text IS NULL OR channel = $1) AND ($2::text IS NULL OR sku = $2)
AND ($3::text IS NULL OR (channel, sku) > ($3, $4::text))
ORDER BY channel, sku LIMIT $5
"""

_COLUMNS = tuple(models.Availability.model_fields)
# One statement, so one round trip and one snapshot: it is what shops ask by the hundred a second.
_ONE = f"""
SELECT {", ".join(f"a.{column}" for column in _COLUMNS)}, s.*
FROM ({AS_OF_SKU}) AS s LEFT JOIN availability a ON a.channel = $3 AND a.sku = $1
"""  # noqa: S608 - our own names
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"model": models.AvailabilityAnswer, "description": "What it may promise."}
}


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


@router.get(_OF_ONE, response_model=None, responses=_ANSWERS)
async def availability_of(db: Db, channel: inputs.ChannelPath, sku: inputs.SkuPath) -> Response:
    """What a channel may promise of a SKU, with the steps that led to it."""
    body = await availability_answer(db, channel, sku)
    if body is None:
        raise not_found(f"availability for channel {channel!r} of SKU", sku)
    return Response(body, media_type="application/json")


async def availability_answer(db: Database, channel: str, sku: str) -> bytes | None:
    """The answer about one listing, as JSON; None for one that nobody was ever told of."""
    async with db.asking() as connection:
        row = await connection.fetchrow(_ONE, sku, [AVAILABILITY.name], channel)
    if row["channel"] is None:
        return None
    answer = {column: row[column] for column in _COLUMNS}
    answer["as_of"] = as_of_row(row)
    return orjson.dumps(answer, option=orjson.OPT_UTC_Z)
