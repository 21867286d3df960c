"""How far each listing is: desired, sent, accepted, applied, observed; and how long it took."""

from __future__ import annotations

from typing import Annotated

import asyncpg
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, LISTINGS
from stockfold.explain.listing_states import DIFFERENCES, ListingState
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.routes.deps import Db

router = APIRouter(prefix="/v1/listings", tags=["deliveries"])

MINUTES_MAX = 30 * 24 * 60

# The same as stockfold.explain.listing_states.difference; a test holds them together.
DIFFERS = """
CASE WHEN l.desired_version = a.version AND l.outcome = 'shadow' THEN 'shadow'
WHEN l.desired_version = a.version AND l.outcome NOT IN ('', 'applied') THEN 'refused'
WHEN coalesce(l.applied_version, 0) >= a.version
    THEN CASE WHEN l.observed_version = 0 THEN 'drifted' ELSE '' END
WHEN coalesce(l.sent_version, 0) < a.version THEN 'waiting'
WHEN coalesce(l.accepted_version, 0) >= a.version THEN 'not_shown'
ELSE 'unanswered' END
"""
_PAGE = f"""
SELECT * FROM (
    SELECT a.channel, a.sku, a.version AS desired_version, a.quantity AS desired_quantity,
    l.listing, l.sent_version, l.sent_at, l.accepted_version, l.applied_version,
    l.applied_quantity, l.applied_at, l.took_us, l.observed_version, l.observed_quantity,
    l.observed_at, coalesce(l.outcome, '') AS outcome, coalesce(l.detail, '') AS detail,
    {DIFFERS} AS differs
    FROM availability a LEFT JOIN listings l USING (channel, sku)
    WHERE ($1::text IS NULL OR a.channel = $1) AND ($2::text IS NULL OR a.sku = $2)
    AND ($4::text IS NULL OR (a.channel, a.sku) > ($4, $5::text))
) AS listing
WHERE $3::text IS NULL OR differs = $3 OR ($3 = 'any' AND differs <> '')
ORDER BY channel, sku LIMIT $6
"""  # noqa: S608 - our own names
_TIMES = """
SELECT channel, count(*) AS applied, max(took_us) AS max_us,
percentile_disc(ARRAY[0.5, 0.9, 0.99]) WITHIN GROUP (ORDER BY took_us) AS at
FROM delivery_history
WHERE finished_at > now() - make_interval(mins => $2) AND took_us IS NOT NULL AND attempts > 0
AND ($1::text IS NULL OR channel = $1)
GROUP BY channel ORDER BY channel
"""
Differs = Annotated[
    str | None,
    Query(
        pattern=f"^(any|{'|'.join(DIFFERENCES)})$",
        description=f"Only those that differ so: any, {', '.join(DIFFERENCES)}.",
    ),
]
Minutes = Annotated[int, Query(ge=1, le=MINUTES_MAX, description="Of the last so many minutes.")]


class ListingPage(BaseModel):
    """A page of listings, by channel and SKU."""

    listings: list[ListingState]
    next: str | None
    as_of: models.AsOf


class Times(BaseModel):
    """Milliseconds from the stock event to the write that the channel was seen to show."""

    channel: str
    applied: int = Field(description="Versions that were written; superseded ones are not.")
    p50_ms: int
    p90_ms: int
    p99_ms: int
    max_ms: int


class TimesPage(BaseModel):
    """The times of each channel."""

    times: list[Times]
    as_of: models.AsOf


async def listing_states(
    connection: asyncpg.Connection,
    channel: str | None,
    sku: str | None,
    differs: str | None,
    last: tuple[str | None, str | None],
    limit: int,
) -> list[ListingState]:
    """How far listings are, those behind ``last`` by channel and SKU, at most ``limit``."""
    rows = await connection.fetch(_PAGE, channel, sku, differs, *last, limit)
    return [ListingState(**row) for row in rows]


@router.get("")
async def listings(
    db: Db,
    channel: inputs.ChannelQuery = None,
    sku: inputs.SkuQuery = None,
    differs: Differs = None,
    after: inputs.After = None,
    limit: inputs.Limit = 100,
) -> ListingPage:
    """How far each listing is, by channel and SKU, a page at a time."""
    last = inputs.read_cursor(after, str, str) or (None, None)
    async with db.reading() as connection:
        found = await listing_states(connection, channel, sku, differs, last, limit)
        as_of = await as_of_all(connection, AVAILABILITY, LISTINGS)
    more = inputs.cursor(found[-1].channel, found[-1].sku) if len(found) == limit else None
    return ListingPage(listings=found, next=more, as_of=as_of)


@router.get("/times")
async def times(db: Db, channel: inputs.ChannelQuery = None, minutes: Minutes = 60) -> TimesPage:
    """How long it took from the stock event to the channel, by channel."""
    async with db.reading() as connection:
        rows = await connection.fetch(_TIMES, channel, minutes)
        as_of = await as_of_all(connection, DELIVERIES)
    return TimesPage(times=[_times(row) for row in rows], as_of=as_of)


def _times(row: asyncpg.Record) -> Times:
    p50, p90, p99 = (us // 1000 for us in row["at"])
    return Times(
        channel=row["channel"],
        applied=row["applied"],
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        max_ms=row["max_us"] // 1000,
    )
