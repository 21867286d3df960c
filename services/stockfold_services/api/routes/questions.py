"""Questions about one SKU that its journal answers."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from stockfold.contracts.topics import AVAILABILITY, DELIVERIES, JOURNAL
from stockfold.domain.times import to_us
from stockfold.explain.as_of import AsOf, as_of
from stockfold.explain.entry import History
from stockfold.explain.explanation import LAST, Explanation, explain, places_of
from stockfold.explain.listings import Listing
from stockfold.explain.numbers import NUMBERS, NumberName
from stockfold.explain.oversell import Deficit, deficits
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold_services.api import inputs, models
from stockfold_services.api.freshness import as_of_sku
from stockfold_services.api.history import FACTS_MAX, history_of
from stockfold_services.api.listings import listings_of
from stockfold_services.api.problems import Problem, not_found
from stockfold_services.api.routes.deps import Db, Wait

router = APIRouter(prefix="/v1/skus", tags=["questions"])


class Explained(BaseModel):
    """An explanation, and which state it shows."""

    explanation: Explanation
    as_of: models.AsOf


class KnownAsOf(BaseModel):
    """A SKU and its channels at a time, and which state of the journal tells it."""

    picture: AsOf
    channels: list[Listing]
    as_of: models.AsOf


class Oversold(BaseModel):
    """A deficit, and what each channel had been told and held when it began."""

    deficit: Deficit
    channels: list[Listing]


class Oversell(BaseModel):
    """The deficits of a SKU, the newest first, and which state shows them."""

    oversells: list[Oversold]
    as_of: models.AsOf


@router.get("/{sku:path}/explain")
async def explain_sku(
    db: Db,
    wait: Wait,
    sku: inputs.SkuPath,
    location: inputs.LocationQuery = None,
    number: Annotated[
        list[NumberName] | None,
        Query(description="Unfold only these numbers; may be repeated."),
    ] = None,
    last: Annotated[
        int, Query(ge=0, le=FACTS_MAX, description="Facts shown per number, the newest ones.")
    ] = LAST,
    min_seq: inputs.MinSeq = None,
    wait_ms: inputs.WaitMs = 2000,
) -> Explained:
    """Why the numbers of a SKU are what they are: a paragraph to send as it is, what is wrong, the
    facts that make up each number, and the conservation proof.
    """
    await wait.for_journal(sku, min_seq, wait_ms)
    async with db.reading() as connection:
        history = await history_of(connection, sku)
        as_of = await as_of_sku(connection, sku, JOURNAL)
    _check_location(sku, history, location)
    found = await asyncio.to_thread(
        explain, sku, history, SYSTEM_CLOCK.now_us(), location, number or NUMBERS, last
    )
    return Explained(explanation=found, as_of=as_of)


@router.get("/{sku:path}/as-of")
async def as_of_time(
    db: Db,
    sku: inputs.SkuPath,
    at: Annotated[AwareDatetime, Query(description="The time, with its UTC offset.")],
    known_at: Annotated[
        AwareDatetime | None,
        Query(description="The later knowledge is of this time. Default: now."),
    ] = None,
    location: inputs.LocationQuery = None,
) -> KnownAsOf:
    """A SKU at a time: as it was known then (facts recorded by then), as that time is known later
    (what had taken effect by then, whenever it was recorded), and what each channel had been told
    and held. Versions and deliveries are kept for 30 days.
    """
    now_us = SYSTEM_CLOCK.now_us()
    at_us = _past(at, now_us, "at")
    known_us = now_us if known_at is None else _past(known_at, now_us, "known_at")
    if known_us < at_us:
        raise Problem(422, "Input not valid", "query.known_at: it is before query.at")
    async with db.reading() as connection:
        history = await history_of(connection, sku)
        _check_location(sku, history, location)
        channels = await listings_of(connection, sku, at_us)
        state = await as_of_sku(connection, sku, JOURNAL, AVAILABILITY, DELIVERIES)
    found = await asyncio.to_thread(as_of, sku, history, at_us, known_us, location)
    return KnownAsOf(picture=found, channels=channels, as_of=state)


def _check_location(sku: str, history: History, location: str | None) -> None:
    if location is not None and location not in places_of(history):
        raise not_found(f"SKU {sku!r} at location", location)


def _past(moment: datetime, now_us: int, name: str) -> int:
    try:
        us = to_us(moment)
    except OverflowError:
        us = now_us + 1
    if us > now_us:
        raise Problem(422, "Input not valid", f"query.{name}: it is in the future")
    return us


@router.get("/{sku:path}/oversell")
async def oversell_of_sku(
    db: Db,
    sku: inputs.SkuPath,
    location: inputs.LocationQuery = None,
    past: Annotated[bool, Query(description="Deficits that are over, too.")] = False,
) -> Oversell:
    """Why a SKU is oversold: the fact that took the ATP of a location below zero, the events that
    came too late to prevent it, who holds the units, what each channel had been told and held
    then, and what would have prevented it. The newest 50; empty when nothing is missing.
    """
    async with db.reading() as connection:
        history = await history_of(connection, sku)
        _check_location(sku, history, location)
        found = await asyncio.to_thread(deficits, sku, history, location, past=past)
        oversells = [
            Oversold(
                deficit=deficit,
                channels=await listings_of(connection, sku, to_us(deficit.began.recorded_at)),
            )
            for deficit in found
        ]
        state = await as_of_sku(connection, sku, JOURNAL, AVAILABILITY, DELIVERIES)
    return Oversell(oversells=oversells, as_of=state)
