"""From where an order had best be sent."""

from __future__ import annotations

import asyncio
from typing import Annotated

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from stockfold.availability.policy import UNITS_MAX
from stockfold.availability.sourcing_advice import Advice, OrderLine, Source, Stock, advise
from stockfold.contracts.topics import POSITIONS
from stockfold.ledger.entities import Fence
from stockfold.ledger.sourcing import held_for_others
from stockfold_services.api import models
from stockfold_services.api.freshness import as_of_all
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.batch import Name
from stockfold_services.api.routes.deps import ByChannel, Db, Places

router = APIRouter(prefix="/v1", tags=["sourcing"])

LINES_MAX = 200
LOCATIONS_MAX = 500

_POSITIONS = "SELECT sku, location, atp, claims FROM positions WHERE sku = ANY($1) LIMIT $2"
_FENCES = "SELECT sku, fences FROM sku_summaries WHERE sku = ANY($1)"
POSITIONS_MAX = 50_000


class LineAsked(BaseModel):
    """Units of a SKU; a SKU may stand on several lines."""

    model_config = ConfigDict(extra="forbid")

    sku: Name
    quantity: Annotated[int, Field(ge=1, le=UNITS_MAX)]


class OrderAsked(BaseModel):
    """An order, and where it goes."""

    model_config = ConfigDict(extra="forbid")

    lines: Annotated[list[LineAsked], Field(min_length=1, max_length=LINES_MAX)]
    region: Name = Field(description="The destination, as the locations' costs name it.")
    channel: Name | None = Field(
        default=None, description="Only from this channel's locations, and within its fences."
    )
    locations: Annotated[list[Name], Field(min_length=1, max_length=LOCATIONS_MAX)] | None = Field(
        default=None, description="Only from these. Unset: those of the channel, else all."
    )


class PickAdvised(BaseModel):
    """Units of a SKU to be sent from a location."""

    location: str
    sku: str
    quantity: int


class Missing(BaseModel):
    """Units that nobody may promise now."""

    sku: str
    quantity: int


class AdviceAnswer(BaseModel):
    """What to send from where. Nothing is reserved by it."""

    picks: list[PickAdvised]
    missing: list[Missing]
    locations: list[str]
    splits: int = Field(description="Parcels beyond the first.")
    cost: int | None = Field(description="Of all parcels; null when one is not known.")
    exact: bool = Field(description="No better answer exists; false: a greedy one.")
    reasons: list[str]
    as_of: models.AsOf


@router.post("/sourcing:advise")
async def advise_order(
    db: Db, channels: ByChannel, places: Places, asked: OrderAsked
) -> AdviceAnswer:
    """From which locations an order had best be sent: whole, in few parcels, near, preferred."""
    terms = None if asked.channel is None else await channels.of(asked.channel)
    skus = list({line.sku for line in asked.lines})
    async with db.reading() as connection:
        stock = await _stock(connection, skus, asked.channel or "")
        as_of = await as_of_all(connection, POSITIONS)
    names = asked.locations
    if names is None and terms is not None and terms.locations is not None:
        names = list(terms.locations)
    if names is None:
        names = sorted({place for held in stock.values() for place in held.places})
    elif terms is not None and terms.locations is not None:
        other = sorted(set(names) - set(terms.locations))
        if other:
            detail = f"body.locations: the channel may not promise from {', '.join(other)}"
            raise Problem(422, "Input not valid", detail)
    sources = []
    for name in dict.fromkeys(names):
        known = places.get(name)
        cost = None if known is None else known.costs.get(asked.region)
        sources.append(Source(name, cost, 0 if known is None else known.priority))
    lines = [OrderLine(line.sku, line.quantity) for line in asked.lines]
    # Thousands of sets take a moment; other questions need not wait for it.
    return _answer(await asyncio.to_thread(advise, lines, stock, sources), as_of)


async def _stock(connection: asyncpg.Connection, skus: list[str], channel: str) -> dict[str, Stock]:
    rows = await connection.fetch(_POSITIONS, skus, POSITIONS_MAX + 1)
    if len(rows) > POSITIONS_MAX:
        raise Problem(422, "Too much", f"These SKUs have more than {POSITIONS_MAX} positions.")
    free: dict[str, dict[str, int]] = {sku: {} for sku in skus}
    claims: dict[str, dict[str, int]] = {sku: {} for sku in skus}
    for row in rows:
        free[row["sku"]][row["location"]] = row["atp"]
        of_sku = claims[row["sku"]]
        for claim in row["claims"]:
            units = claim["reserved"] + claim["allocated"]
            of_sku[claim["channel"]] = of_sku.get(claim["channel"], 0) + units
    allowances: dict[str, int] = {}
    for row in await connection.fetch(_FENCES, skus):
        fences = [
            Fence(f["channel"], f["quantity"], f["priority"], f["revision"]) for f in row["fences"]
        ]
        pool = sum(max(units, 0) for units in free[row["sku"]].values())
        others = held_for_others(fences, claims[row["sku"]], channel, pool)
        allowances[row["sku"]] = pool - others
    return {sku: Stock(free[sku], allowances.get(sku)) for sku in skus}


def _answer(found: Advice, as_of: models.AsOf) -> AdviceAnswer:
    return AdviceAnswer(
        picks=[
            PickAdvised(location=p.location, sku=p.sku, quantity=p.quantity) for p in found.picks
        ],
        missing=[Missing(sku=line.sku, quantity=line.quantity) for line in found.missing],
        locations=list(found.locations),
        splits=found.splits,
        cost=found.cost,
        exact=found.exact,
        reasons=list(found.reasons),
        as_of=as_of,
    )
