"""By when a channel can have so many units of a SKU."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.availability.policy import UNITS_MAX
from stockfold.availability.promises import Ask, Promised, ask_for
from stockfold.availability.promising import promise
from stockfold.domain.days import as_date
from stockfold.ledger.dated import DAYS_MAX
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.dated import (
    DatedSupply,
    ZoneQuery,
    outlook_now,
    shown,
    zone_days,
)
from stockfold_services.api.routes.deps import ByChannel, Db, Wait

router = APIRouter(prefix="/v1/skus", tags=["dated"])

LOCATIONS_MAX = 100


class PromisedPart(BaseModel):
    """Units from one location."""

    location: str
    units: int
    available_on: date
    dispatch_on: date


class PromisedWhole(BaseModel):
    """The earliest day on which one location has them all."""

    location: str
    available_on: date | None = Field(description="Null: never, by what is known.")
    dispatch_on: date | None
    reasons: list[str]


class PromiseAnswer(BaseModel):
    """The earliest day for the whole quantity, and why."""

    sku: str
    quantity: int
    channel: str | None
    zone: str
    known: bool = Field(description="False: never, by what is known until `horizon`.")
    available_on: date | None = Field(description="When the last of them is there.")
    dispatch_on: date | None = Field(description="With the channel's lead time.")
    horizon: date = Field(description="The last day that was looked at.")
    lead_time_days: int
    parts: list[PromisedPart] = Field(description="From as few locations as have them by then.")
    locations: list[PromisedWhole] = Field(description="When each would have them all alone.")
    reasons: list[str]
    reservable_now: int = Field(description="What a reservation would be confirmed for at once.")
    overdue: list[DatedSupply] = Field(description="Due before today; not relied on.")
    undated: list[DatedSupply] = Field(description="Without a date; not relied on.")
    untrusted: list[DatedSupply] = Field(
        description="Less confident than the channel's policy asks of preorders; not relied on."
    )
    as_of: models.AsOf


@router.get("/{sku:path}/promise")
async def promise_of(
    db: Db,
    wait: Wait,
    channels: ByChannel,
    sku: inputs.SkuPath,
    quantity: Annotated[int, Query(ge=1, le=UNITS_MAX, description="Units wanted.")],
    channel: inputs.ChannelQuery = None,
    locations: Annotated[
        list[Annotated[str, Query(min_length=1, max_length=inputs.ID_CHARACTERS_MAX)]] | None,
        Query(
            max_length=LOCATIONS_MAX,
            description="Only these, in order of preference; may be repeated. "
            "Unset: those of the channel, else all.",
        ),
    ] = None,
    zone: ZoneQuery = None,
    days: Annotated[int, Query(ge=1, le=DAYS_MAX, description="Days to look ahead.")] = 366,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> PromiseAnswer:
    """The earliest day for a quantity: over all locations, and at each alone; with reasons."""
    if any("\x00" in place for place in locations or ()):
        raise Problem(422, "Input not valid", "query.locations: NUL is in no location's name")
    terms = None if channel is None else await channels.of(channel)
    zone = zone or ("UTC" if terms is None else terms.policy.zone)
    day_of = zone_days(zone)
    await wait.for_positions(sku, min_seq, wait_ms)
    outlook, as_of = await outlook_now(db, sku)
    try:
        ask = ask_for(
            quantity,
            day_of(SYSTEM_CLOCK.now_us()),
            days,
            None if terms is None else terms.policy,
            None if terms is None else terms.locations,
            None if locations is None else tuple(locations),
        )
    except ValueError as error:
        raise Problem(422, "Input not valid", f"query.locations: {error}") from error
    # Many locations and lines take a moment; other questions need not wait for it.
    found = await asyncio.to_thread(promise, outlook, ask, day_of)
    return _answer(sku, channel, zone, ask, found, as_of)


def _answer(
    sku: str, channel: str | None, zone: str, ask: Ask, found: Promised, as_of: models.AsOf
) -> PromiseAnswer:
    return PromiseAnswer(
        sku=sku,
        quantity=ask.quantity,
        channel=channel,
        zone=zone,
        known=found.available_on is not None,
        available_on=_date(found.available_on),
        dispatch_on=_date(found.dispatch_on),
        horizon=as_date(ask.today + ask.days - 1),
        lead_time_days=ask.lead_time_days,
        parts=[
            PromisedPart(
                location=part.location,
                units=part.units,
                available_on=as_date(part.available_on),
                dispatch_on=as_date(part.dispatch_on),
            )
            for part in found.parts
        ],
        locations=[
            PromisedWhole(
                location=whole.location,
                available_on=_date(whole.available_on),
                dispatch_on=_date(whole.dispatch_on),
                reasons=list(whole.reasons),
            )
            for whole in found.locations
        ],
        reasons=list(found.reasons),
        reservable_now=found.reservable_now,
        overdue=[shown(supply) for supply in found.overdue],
        undated=[shown(supply) for supply in found.undated],
        untrusted=[shown(supply) for supply in found.untrusted],
        as_of=as_of,
    )


def _date(day: int | None) -> date | None:
    return None if day is None else as_date(day)
