"""By when a channel can have so many units of a SKU."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from stockfold.availability.kit_promises import KitPromised, PartPromised
from stockfold.availability.kit_promising import promise_kit
from stockfold.availability.policy import UNITS_MAX
from stockfold.availability.promises import Ask, Promised, ask_for
from stockfold.availability.promising import promise
from stockfold.domain.days import as_date
from stockfold.ledger.dated import DAYS_MAX
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.outlooks import OutlooksNow, outlooks_now
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.dated import (
    KIT,
    DatedSupply,
    ZoneQuery,
    shown,
    zone_days,
)
from stockfold_services.api.routes.deps import Bills, ByChannel, Db, Wait

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


class PromisedComponent(BaseModel):
    """By when the units of a component are there that the promise of a kit rests on."""

    sku: str
    units: int
    available_on: date | None = Field(description="Null: never, by what is known.")
    parts: list[PromisedPart]
    reasons: list[str]
    overdue: list[DatedSupply]
    undated: list[DatedSupply]
    untrusted: list[DatedSupply]


class PromiseAnswer(BaseModel):
    """The earliest day for the whole quantity, and why."""

    sku: str
    kit: bool | None = Field(description=KIT)
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
    pre_assembled: int | None = Field(description="Of a kit: how many of them stand by then.")
    assembled: int | None = Field(description="Of a kit: how many are made of its components.")
    components: list[PromisedComponent] = Field(
        description="Of a kit: what the assembled ones take; `parts` are of the kit's own stock."
    )
    as_of: models.AsOf


@router.get("/{sku:path}/promise")
async def promise_of(
    db: Db,
    wait: Wait,
    channels: ByChannel,
    kits: Bills,
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
    known = await outlooks_now(db, kits, sku)
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
    if known.tree is None:
        found = await asyncio.to_thread(promise, known.outlooks[sku], ask, day_of)
        return _answer(sku, known, zone, ask, found)
    kit = await asyncio.to_thread(promise_kit, known.tree, known.outlooks, ask, day_of)
    return _answer(sku, known, zone, ask, kit.whole, kit)


def _answer(
    sku: str,
    known: OutlooksNow,
    zone: str,
    ask: Ask,
    found: Promised,
    kit: KitPromised | None = None,
) -> PromiseAnswer:
    return PromiseAnswer(
        sku=sku,
        kit=known.kit,
        quantity=ask.quantity,
        channel=ask.channel or None,
        zone=zone,
        known=found.available_on is not None,
        available_on=_date(found.available_on),
        dispatch_on=_date(found.dispatch_on),
        horizon=as_date(ask.today + ask.days - 1),
        lead_time_days=ask.lead_time_days,
        parts=_parts(found),
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
        pre_assembled=None if kit is None else kit.pre_assembled,
        assembled=None if kit is None else kit.assembled,
        components=[] if kit is None else [_component(part) for part in kit.components],
        as_of=known.as_of,
    )


def _parts(found: Promised) -> list[PromisedPart]:
    return [
        PromisedPart(
            location=part.location,
            units=part.units,
            available_on=as_date(part.available_on),
            dispatch_on=as_date(part.dispatch_on),
        )
        for part in found.parts
    ]


def _component(part: PartPromised) -> PromisedComponent:
    found = part.promised
    return PromisedComponent(
        sku=part.sku,
        units=part.units,
        available_on=_date(found.available_on),
        parts=_parts(found),
        reasons=list(found.reasons),
        overdue=[shown(supply) for supply in found.overdue],
        undated=[shown(supply) for supply in found.undated],
        untrusted=[shown(supply) for supply in found.untrusted],
    )


def _date(day: int | None) -> date | None:
    return None if day is None else as_date(day)
