"""What a channel may sell right now, asked by the channel itself at its checkout.

eBay's real-time inventory check: one call for several SKUs and inventory locations, answered within
500 ms, by user name and password
(developer.ebay.com/api-docs/sell/static/inventory/realtime-inventory-check.html). The fields are
agreed with eBay by a support ticket; these are ours, in the words of its Sell Inventory API.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from stockfold.channels import Promise, Shown, StockUpdate
from stockfold.runtime.settings import ChannelSettings
from stockfold_services.api import inputs
from stockfold_services.api.inventory_checks import InventoryChecks
from stockfold_services.api.problems import Problem
from stockfold_services.api.routes.batch import age_ms, fetched
from stockfold_services.api.routes.deps import Checks, Db

router = APIRouter(prefix="/v1", tags=["channels"])

ITEMS_MAX = 100
QUANTITY_MAX = 2**31 - 1
_EPOCH = date(1970, 1, 1).toordinal()
_GONE = Shown(0)

Name = Annotated[
    str, Field(min_length=1, max_length=inputs.ID_CHARACTERS_MAX, pattern=r"^[^\x00]*$")
]


class ItemAsked(BaseModel):
    """Units of a SKU that a buyer wants, of one inventory location or of any."""

    model_config = ConfigDict(extra="forbid")

    sku: Name
    quantity: Annotated[int, Field(ge=1, le=QUANTITY_MAX, strict=True)] = 1
    merchantLocationKey: Name | None = None  # noqa: N815 - as eBay calls it


class CheckAsked(BaseModel):
    """What one buyer wants. What is asked for twice is added up."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[ItemAsked], Field(min_length=1, max_length=ITEMS_MAX)]


class ItemFound(BaseModel):
    """What there is, in the order asked."""

    sku: str
    merchantLocationKey: str | None  # noqa: N815 - as eBay calls it
    known: bool = Field(description="Whether the channel was ever told of the SKU.")
    availableQuantity: int = Field(description="Units, never negative.")  # noqa: N815
    available: bool = Field(description="Whether all that is asked for of it can be had.")


class CheckAnswer(BaseModel):
    """Whether all of it can be sold."""

    items: list[ItemFound]


@router.post(
    "/inventory-check/{channel}",
    response_model=None,
    responses={200: {"model": CheckAnswer, "description": "What there is of each."}},
)
async def inventory_check(channel: str, db: Db, checks: Checks, asked: CheckAsked) -> Response:
    """What the channel may sell of up to 100 SKUs now; it signs in as its settings say.

    503 when nobody can tell in time, or nothing recent enough: it then goes by what it shows.
    """
    settings = checks.channel(channel)
    skus = list(dict.fromkeys(item.sku for item in asked.items))
    checks.count(channel, len(skus))
    is_zeroed = _is_zeroed(checks, settings)
    try:
        async with asyncio.timeout(settings.inventory_check.within_ms / 1_000):
            found, partitions = await fetched(db, [channel], skus)
    except TimeoutError:
        within_ms = settings.inventory_check.within_ms
        raise Problem(503, "Not in time", f"There was no answer within {within_ms} ms.") from None
    rows = {sku: row for (_, sku), row in found.items() if _is_ours(settings, sku)}
    _check_age(settings, rows, partitions)
    adapter = checks.adapter(channel)
    shown = {
        sku: _GONE if is_zeroed else adapter.to_show(_update(row)) for sku, row in rows.items()
    }
    answer = {"items": _answered(asked.items, shown)}
    return Response(orjson.dumps(answer), media_type="application/json")


def _is_zeroed(checks: InventoryChecks, settings: ChannelSettings) -> bool:
    """Whether nothing shall be sold. Problem 503 where the channel does not go by our numbers."""
    state = checks.control(settings.name).state
    mode = settings.publishing.mode
    if state == "restored" or mode in ("off", "shadow"):
        why = "restored" if state == "restored" else f"in mode {mode}"
        raise Problem(
            503,
            "Not available now",
            f"The channel is {why}: it goes by its own numbers, not by ours.",
        )
    return state == "zeroed"


def _is_ours(settings: ChannelSettings, sku: str) -> bool:
    publishing = settings.publishing
    return publishing.mode == "live" or sku in publishing.canary_skus


def _check_age(
    settings: ChannelSettings, rows: Mapping[str, dict[str, Any]], partitions: dict[int, Any]
) -> None:
    ages = [age_ms(row, partitions) for row in rows.values()]
    most = settings.inventory_check.age_s_max
    if any(age is None or age > most * 1_000 for age in ages):
        detail = f"What is known is older than {most} s: the read model is behind."
        raise Problem(503, "Not available now", detail)


def _update(row: Mapping[str, Any]) -> StockUpdate:
    """As the publisher would offer it."""
    day = row["next_available"]
    promise = Promise(
        row["status"], None if day is None else day.toordinal() - _EPOCH, row["lead_time_days"]
    )
    places = tuple((one["location"], one["quantity"]) for one in row["locations"])
    return StockUpdate(
        row["sku"], row["quantity"], row["version"], promise=promise, locations=places
    )


def _answered(items: list[ItemAsked], shown: Mapping[str, Shown]) -> list[dict[str, Any]]:
    """One buyer's demand for a SKU is added up before it is compared, also over locations."""
    of_sku: Counter[str] = Counter()
    of_place: Counter[tuple[str, str | None]] = Counter()
    for item in items:
        of_sku[item.sku] += item.quantity
        of_place[item.sku, item.merchantLocationKey] += item.quantity
    told = []
    for item in items:
        there = shown.get(item.sku, _GONE)
        key = item.merchantLocationKey
        units = there.quantity
        if key is not None and there.locations:
            units = dict(there.locations).get(key, 0)
        enough = of_place[item.sku, key] <= units and of_sku[item.sku] <= there.quantity
        told.append(
            {
                "sku": item.sku,
                "merchantLocationKey": key,
                "known": item.sku in shown,
                "availableQuantity": units,
                "available": enough,
            }
        )
    return told
