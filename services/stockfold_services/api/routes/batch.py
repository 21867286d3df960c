"""Availability of many listings in one answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import asyncpg
import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from stockfold.contracts.topics import AVAILABILITY, JOURNAL
from stockfold_services.api import inputs, models
from stockfold_services.api.database import Database
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.deps import Db
from stockfold_services.api.scope import CHANNEL, allow

router = APIRouter(prefix="/v1", tags=["availability"])

SKUS_MAX = 1_000
CHANNELS_MAX = 50
LISTINGS_MAX = 10_000

Name = Annotated[
    str, Field(min_length=1, max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")
]

_COLUMNS = (
    "quantity",
    "status",
    "next_available",
    "lead_time_days",
    "locations",
    "version",
    "policy_revision",
    "seq",
    "recorded_at",
    "partition",
)
_TOLD = ("channel", "sku", *_COLUMNS)
"""What a row of the question begins with."""

# One statement, so one round trip and one snapshot: listings, journal offsets and age. The age of
# each partition comes once, in the row of its number; listings name their partition.
_BATCH = f"""
SELECT NULL AS channel, NULL AS sku, {", ".join(f"NULL AS {c}" for c in _COLUMNS[:-1])},
    f.partition, o.next_offset,
    (extract(epoch FROM now() - f.complete_until) * 1000)::bigint AS age_ms, f.lag
FROM freshness f LEFT JOIN offsets o ON o.topic = $4 AND o.partition = f.partition
WHERE f.topic = $3
UNION ALL
SELECT a.channel, a.sku, {", ".join(f"a.{c}" for c in _COLUMNS)}, NULL, NULL, NULL
FROM availability a
WHERE a.channel = ANY($1) AND a.sku = ANY($2)
"""  # noqa: S608 - our own names


class BatchAsked(BaseModel):
    """Every one of the channels with every one of the SKUs; what is named twice counts once."""

    model_config = ConfigDict(extra="forbid")

    channels: Annotated[list[Name], Field(min_length=1, max_length=CHANNELS_MAX)]
    skus: Annotated[list[Name], Field(min_length=1, max_length=SKUS_MAX)]


class BatchAvailability(BaseModel):
    """What a channel may promise of a SKU, without the steps."""

    channel: str
    sku: str
    quantity: int
    status: str
    next_available: str | None
    lead_time_days: int | None
    locations: list[dict[str, Any]]
    version: int
    policy_revision: int
    seq: int = Field(description="The SKU's fact in the journal that this is as of.")
    recorded_at: str
    partition: int
    age_ms: int | None = Field(description="As in `as_of`, of this SKU's partition.")


class ListingName(BaseModel):
    """A channel and a SKU, by their names."""

    channel: str
    sku: str


class BatchAnswer(BaseModel):
    """Availability in the order asked: channel by channel, SKU by SKU."""

    availability: list[BatchAvailability]
    unknown: list[ListingName] = Field(description="Listings that no channel was ever told of.")
    as_of: models.AsOf


@router.post(
    "/availability:batchGet",
    response_model=None,
    responses={200: {"model": BatchAnswer, "description": "What is known, and what is not."}},
)
async def batch_get(request: Request, db: Db, asked: BatchAsked) -> Response:
    """Availability of up to 1,000 SKUs on up to 50 channels, at most 10,000 listings a call."""
    channels, skus = list(dict.fromkeys(asked.channels)), list(dict.fromkeys(asked.skus))
    allow(request, CHANNEL, channels)
    count = len(channels) * len(skus)
    if count > LISTINGS_MAX:
        raise Problem(
            422,
            "Too much",
            f"{len(channels)} channels x {len(skus)} SKUs are {count} listings; at most "
            f"{LISTINGS_MAX} may be asked for at once.",
        )
    found, partitions = await fetched(db, channels, skus)
    ages = {number: _age(place) for number, place in partitions.items()}
    listings, unknown = [], []
    for channel in channels:
        for sku in skus:
            known = found.get((channel, sku))
            if known is None:
                unknown.append({"channel": channel, "sku": sku})
            else:
                listings.append(_listing(known, ages.get(known["partition"])))
    answer = {"availability": listings, "unknown": unknown, "as_of": _as_of(partitions)}
    body = orjson.dumps(answer, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z)
    return Response(body, media_type="application/json")


async def fetched(
    db: Database, channels: Sequence[str], skus: Sequence[str]
) -> tuple[dict[tuple[str, str], asyncpg.Record], dict[int, asyncpg.Record]]:
    """Rows of listings by channel and SKU, and of partitions by number, of one moment."""
    async with db.asking() as connection:
        rows = await connection.fetch(_BATCH, channels, skus, AVAILABILITY.name, JOURNAL.name)
    found: dict[tuple[str, str], asyncpg.Record] = {}
    partitions: dict[int, asyncpg.Record] = {}
    for row in rows:
        if row["channel"] is None:
            partitions[row["partition"]] = row
        else:
            found[row["channel"], row["sku"]] = row
    return found, partitions


def age_ms(row: asyncpg.Record, partitions: dict[int, asyncpg.Record]) -> int | None:
    """How old a listing's row is, by its partition; None when nobody knows."""
    place = partitions.get(row["partition"])
    return None if place is None else _age(place)


def _listing(row: Sequence[Any], age_ms: int | None) -> dict[str, Any]:
    told = dict(zip(_TOLD, row, strict=False))  # What follows in the row is of partitions.
    told["age_ms"] = age_ms
    return told


def _age(place: Any) -> int | None:
    return None if place["age_ms"] is None else max(place["age_ms"], 0)


def _as_of(partitions: dict[int, Any]) -> dict[str, Any]:
    ages = [_age(place) for place in partitions.values()]
    known = [age for age in ages if age is not None]
    return {
        "offsets": {
            number: place["next_offset"]
            for number, place in sorted(partitions.items())
            if place["next_offset"] is not None
        },
        # The oldest speaks for all; one that is unknown leaves all unknown.
        "age_ms": max(known) if known and len(known) == len(ages) else None,
        "lag": sum(place["lag"] for place in partitions.values()),
    }
