"""``inventorySetQuantities``: absolute quantities, each only if what was there is still there.

A write is all or nothing: one item that has changed meanwhile, or that is refused, and none of it
is done. ``userErrors`` name the culprits by their place in the input.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from stockfold.channels.port import Purpose, Request, Shown, StockUpdate
from stockfold.channels.shopify.asking import path_of
from stockfold.channels.shopify.stock import Item
from stockfold.channels.shopify.terms import ShopifyOptions

OPERATION = "SetStock"
FIELD = "inventorySetQuantities"
COST = 13.0
"""Seen in recorded answers: 10 a mutation, and three objects of its answer."""
STALE = frozenset({"CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE"})
NOT_STOCKED = "ITEM_NOT_STOCKED_AT_LOCATION"
NO_SUCH_ITEM = "INVALID_INVENTORY_ITEM"
IN_PROGRESS = "IDEMPOTENCY_CONCURRENT_REQUEST"
NEW_KEY = frozenset({"IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"})
SETTINGS = frozenset(
    {"COMPARE_QUANTITY_REQUIRED", "INVALID_NAME", "INVALID_REASON", "INVALID_REFERENCE_DOCUMENT"}
)
"""What is wrong with every write that is made so."""
REMEDIES = {
    "INVALID_LOCATION": "; see location_names of the channel",
    "NON_MUTABLE_INVENTORY_ITEM": "; a bundle's stock is that of its parts: give it to their SKUs",
}
_KEYS = uuid.UUID("6a9d9c1e-6f0b-5f7a-9a55-6b2d1f1b7c11")


class Error(msgspec.Struct, frozen=True):
    """One of ``userErrors``. ``index`` is the place of the quantity it is about, None for none."""

    code: str
    message: str
    index: int | None


class Told(msgspec.Struct, frozen=True):
    """What an answer tells. ``skus`` are those of the items that were changed, by item."""

    errors: tuple[Error, ...]
    skus: Mapping[str, str]


def rows_of(item: Item, shown: Shown) -> list[dict[str, Any]]:
    """The quantities of one item: at each location that stocks it, if it holds ``from``."""
    return [
        {"inventoryItemId": item.id, "locationId": place, "quantity": count, "from": before}
        for place, count in shown.locations
        if (before := item.levels.get(place)) is not None
    ]


def write(
    updates: Sequence[StockUpdate],
    items: Mapping[str, Item],
    to_show: Callable[[StockUpdate], Shown],
    options: ShopifyOptions,
    salt: Sequence[str],
) -> Request:
    """The mutation for these updates. ``salt`` makes its key another one than before."""
    compare = "changeFromQuantity" if options.changes_from else "compareQuantity"
    quantities = [
        {compare if name == "from" else name: value for name, value in row.items()}
        for update in updates
        for row in rows_of(items[update.sku], to_show(update))
    ]
    versions = [f"{update.sku}\0{update.version}" for update in updates]
    key = _key([*salt, options.quantity, *versions, *(str(q) for q in quantities)])
    given = {
        "name": options.quantity,
        "reason": options.reason,
        "referenceDocumentUri": f"gid://stockfold/AvailabilityUpdate/{key}",
        "quantities": quantities,
    }
    variables: dict[str, Any] = {"input": given}
    if options.is_idempotent:
        variables["key"] = key
    body = {
        "operationName": OPERATION,
        "query": _mutation(idempotent=options.is_idempotent),
        "variables": variables,
    }
    path = path_of(options.api_version)
    return Request(Purpose.WRITE, "POST", path, tuple(updates), json=body)


def _mutation(*, idempotent: bool) -> str:
    head, directive = (", $key: String!", " @idempotent(key: $key)") if idempotent else ("", "")
    return (
        f"mutation {OPERATION}($input: InventorySetQuantitiesInput!{head}) {{ "
        f"{FIELD}(input: $input){directive} {{ "
        "inventoryAdjustmentGroup { changes { item { id sku } location { id } } } "
        "userErrors { code field message } } }"
    )


def _key(parts: Sequence[str]) -> str:
    """The same for the same write: Shopify does it once, however often it comes."""
    return str(uuid.uuid5(_KEYS, "\n".join(parts)))


def owners(request: Request) -> list[tuple[StockUpdate, str]]:
    """The update and location of each quantity, in the order of the input."""
    by_item: dict[str, StockUpdate] = {}
    pending = iter(request.updates)
    found = []
    for row in request.json["variables"]["input"]["quantities"]:
        item = row["inventoryItemId"]
        if item not in by_item:
            by_item[item] = next(pending)
        found.append((by_item[item], row["locationId"]))
    return found


def levels_of(request: Request) -> list[tuple[StockUpdate, dict[str, int]]]:
    """What a write sets for each of its updates, by location."""
    levels: dict[str, dict[str, int]] = {update.sku: {} for update in request.updates}
    rows = request.json["variables"]["input"]["quantities"]
    for (update, place), row in zip(owners(request), rows, strict=True):
        levels[update.sku][place] = row["quantity"]
    return [(update, levels[update.sku]) for update in request.updates]


def read(data: Mapping[str, Any]) -> Told | None:
    """What the answer to a write tells; None when it is none."""
    payload = data.get(FIELD)
    errors = payload.get("userErrors") if isinstance(payload, dict) else None
    if not isinstance(payload, dict) or not isinstance(errors, list):
        return None
    group = payload.get("inventoryAdjustmentGroup")
    changes = group.get("changes") if isinstance(group, dict) else None
    skus = {}
    for change in changes if isinstance(changes, list) else ():
        item = change.get("item") if isinstance(change, dict) else None
        if isinstance(item, dict) and isinstance(item.get("sku"), str):
            skus[str(item.get("id"))] = item["sku"]
    return Told(tuple(_error(one) for one in errors), skus)


def _error(told: Any) -> Error:
    one = told if isinstance(told, dict) else {}
    field = one.get("field")
    path = field if isinstance(field, list) else []
    index = str(path[2]) if len(path) > 2 and path[1] == "quantities" else ""
    return Error(
        str(one.get("code") or "no_code"),
        str(one.get("message") or ""),
        int(index) if index.isascii() and index.isdecimal() else None,
    )
