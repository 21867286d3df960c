"""The stock of an imitated shop: items at locations, and ``inventorySetQuantities`` on them.

Each rule is the published schema's (Admin API 2026-04, ``InventorySetQuantitiesUserErrorCode``) or
was seen in recorded answers of a real shop; see ``tests/contract/shopify``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stockfold.channels.shopify.terms import QUANTITY_MAX

REASONS = (
    "correction",
    "cycle_count_available",
    "damaged",
    "movement_canceled",
    "movement_created",
    "movement_received",
    "movement_updated",
    "other",
    "promotion",
    "quality_control",
    "received",
    "reservation_created",
    "reservation_deleted",
    "reservation_updated",
    "restock",
    "safety_stock",
    "shrinkage",
)
KEY_LIFE_S = 86_400.0
Error = dict[str, Any]


@dataclass(slots=True)
class Level:
    """What one location holds of an item; ``on_hand`` is both together."""

    available: int = 0
    committed: int = 0

    def get(self, name: str) -> int:
        """A quantity by Shopify's name of it."""
        return self.available + self.committed if name == "on_hand" else self.available

    def set(self, name: str, quantity: int) -> None:
        """Set one; committed units stay as they are."""
        self.available = quantity - self.committed if name == "on_hand" else quantity


@dataclass(slots=True)
class Item:
    """An inventory item, which belongs to one variant."""

    number: int
    sku: str
    tracked: bool = True
    mutable: bool = True
    levels: dict[str, Level] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its global id."""
        return f"gid://shopify/InventoryItem/{self.number}"


@dataclass(slots=True)
class _Kept:
    params: Any
    payload: dict[str, Any]
    until_s: float


class Stock:
    """Every item of a shop. Times are UTC seconds."""

    def __init__(self, locations: Sequence[str], compare: str) -> None:
        self.names_stale = False
        """Whether a stale quantity is told by its place; those who tried it saw none."""
        self.locations = tuple(locations)
        self.items: dict[str, Item] = {}
        self.writes: list[tuple[str, int]] = []
        self._compare = compare
        self._keys: dict[str, _Kept] = {}
        self._numbers = iter(range(1001, 10**9))

    def add(self, sku: str, levels: Mapping[str, int]) -> Item:
        """A new item, stocked at these locations."""
        item = Item(next(self._numbers), sku)
        item.levels = {place: Level(count) for place, count in levels.items()}
        self.items[item.id] = item
        return item

    def named(self, sku: str) -> list[Item]:
        """Every item of a SKU."""
        return [item for item in self.items.values() if item.sku == sku]

    def set_once(self, key: str, given: Mapping[str, Any], now_s: float) -> dict[str, Any]:
        """As ``set``; with a key that was used before, what was answered then."""
        kept = self._keys.get(key)
        if kept is not None and now_s < kept.until_s:
            if kept.params != given:
                text = (
                    "The same idempotency key cannot be used with different operation parameters."
                )
                return _payload([_error("IDEMPOTENCY_KEY_PARAMETER_MISMATCH", text)])
            return kept.payload
        payload = self.set(given)
        self._keys[key] = _Kept(dict(given), payload, now_s + KEY_LIFE_S)
        return payload

    def set(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """``InventorySetQuantitiesPayload``: all of it, or errors and none of it."""
        name, rows = given["name"], given["quantities"]
        errors = [*_wrong_input(given), *self._wrong_rows(name, rows)]
        if not errors and not given.get("ignoreCompareQuantity"):
            errors = list(self._stale(name, rows))
        if errors:
            return _payload(errors)
        changes = []
        for row in rows:
            item = self.items[row["inventoryItemId"]]
            level = item.levels[row["locationId"]]
            delta = row["quantity"] - level.get(name)
            level.set(name, row["quantity"])
            changes += [
                {"name": both, "delta": delta, "item": item, "location": row["locationId"]}
                for both in ("available", "on_hand")
                if delta
            ]
        for item_id in dict.fromkeys(row["inventoryItemId"] for row in rows):
            item = self.items[item_id]
            self.writes.append((item.sku, sum(one.get(name) for one in item.levels.values())))
        return _payload([], _group(given, changes))

    def _wrong_rows(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Error]:
        pairs = [(row["inventoryItemId"], row["locationId"]) for row in rows]
        for index, row in enumerate(rows):
            item, place = self.items.get(row["inventoryItemId"]), row["locationId"]
            if pairs.count(pairs[index]) > 1:
                text = "The combination of inventoryItemId and locationId must be unique."
                code = "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR"
                yield _error(code, text, "quantities", index, "locationId")
            if item is None:
                text = "The specified inventory item could not be found."
                yield _error("INVALID_INVENTORY_ITEM", text, "quantities", index, "inventoryItemId")
            if place not in self.locations:
                text = "The specified location could not be found."
                yield _error("INVALID_LOCATION", text, "quantities", index, "locationId")
            elif item is not None:
                yield from _wrong_item(item, place, index)
            yield from _wrong_quantity(name, row["quantity"], index)

    def _stale(self, name: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[Error]:
        legacy = self._compare == "compareQuantity"
        for index, row in enumerate(rows):
            expected = row.get(self._compare)
            if expected is None:
                if legacy:
                    text = "The compareQuantity argument must be given to each quantity."
                    yield _error("COMPARE_QUANTITY_REQUIRED", text, "ignoreCompareQuantity")
                continue
            if self.items[row["inventoryItemId"]].levels[row["locationId"]].get(name) != expected:
                code = "COMPARE_QUANTITY_STALE" if legacy else "CHANGE_FROM_QUANTITY_STALE"
                text = f"The {self._compare} argument no longer matches the persisted quantity."
                yield _error(code, text, *self._place(index))
                if not self.names_stale:
                    return

    def _place(self, index: int) -> tuple[str | int, ...]:
        return ("quantities", index, self._compare) if self.names_stale else ()


def _wrong_input(given: Mapping[str, Any]) -> Iterator[Error]:
    if given["name"] not in ("available", "on_hand"):
        text = "The quantity name must be either 'available' or 'on_hand'."
        yield _error("INVALID_NAME", text, "name")
    if given["reason"] not in REASONS:
        text = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
        yield _error("INVALID_REASON", text, "reason")
    uri = given.get("referenceDocumentUri")
    if uri is not None and "://" not in uri:
        text = "The specified reference document is invalid."
        yield _error("INVALID_REFERENCE_DOCUMENT", text, "referenceDocumentUri")


def _wrong_item(item: Item, place: str, index: int) -> Iterator[Error]:
    if place not in item.levels:
        text = "The specified inventory item is not stocked at the location."
        yield _error("ITEM_NOT_STOCKED_AT_LOCATION", text, "quantities", index, "locationId")
    if not item.mutable:
        text = "The specified inventory item is not allowed to be adjusted via API."
        code = "NON_MUTABLE_INVENTORY_ITEM"
        yield _error(code, text, "quantities", index, "inventoryItemId")


def _wrong_quantity(name: str, quantity: int, index: int) -> Iterator[Error]:
    if name == "on_hand" and quantity < 0:
        text, code = "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE"
    elif quantity > QUANTITY_MAX:
        text, code = (
            "The quantity can't be higher than 1,000,000,000.",
            "INVALID_QUANTITY_TOO_HIGH",
        )
    elif quantity < -QUANTITY_MAX:
        text, code = (
            "The quantity can't be lower than -1,000,000,000.",
            "INVALID_QUANTITY_TOO_LOW",
        )
    else:
        return
    yield _error(code, text, "quantities", index, "quantity")


def _error(code: str, message: str, *path: str | int) -> Error:
    field_path = ["input", *(str(part) for part in path)] if path else None
    return {"field": field_path, "message": message, "code": code}


def _group(given: Mapping[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any] | None:
    """None when everything was so before."""
    if not changes:
        return None
    return {
        "reason": given["reason"],
        "referenceDocumentUri": given.get("referenceDocumentUri"),
        "changes": changes,
    }


def _payload(errors: list[Error], group: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"inventoryAdjustmentGroup": group, "userErrors": errors}
