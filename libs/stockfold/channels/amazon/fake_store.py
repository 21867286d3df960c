"""What the imitated Amazon keeps: a seller's listings, and what it will do later."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

SKU_CHARACTERS_MAX = 40
QUANTITY_PATH = "/attributes/fulfillment_availability"
_VALUE_FIELDS = frozenset(
    {
        "fulfillment_channel_code",
        "quantity",
        "lead_time_to_ship_max_days",
        "restock_date",
        "marketplace_id",
    }
)
_LEAD_TIME_DAYS_MAX = 30


class RefusalError(Exception):
    """A request that Amazon calls wrong."""

    def __init__(self, status: int, code: str, message: str, details: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.error = {"code": code, "message": message, "details": details}


def wrong(details: str) -> RefusalError:
    """A request with missing or invalid parameters."""
    return RefusalError(400, "InvalidInput", "Request has missing or invalid parameters", details)


class Listed(msgspec.Struct):
    """One listing: quantity by fulfilment channel, and what else is said of that channel."""

    asin: str
    quantities: dict[str, int]
    product_type: str = "LUGGAGE"
    lead_times: dict[str, int] = msgspec.field(default_factory=dict)


class Store:
    """The listings of one seller, on a clock that goes on only by ``advance``."""

    def __init__(self, now_s: float) -> None:
        self.now_s = now_s
        self.listings: dict[str, Listed] = {}
        self.spoiled: set[str] = set()
        self.writes: list[tuple[str, int]] = []
        self.items_most = 0
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def later(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something once it is that time."""
        self._count += 1
        heapq.heappush(self._later, (at_s, self._count, do))

    def advance(self, seconds: float) -> None:
        """Time goes by."""
        end_s = self.now_s + seconds
        while self._later and self._later[0][0] <= end_s:
            self.now_s, _, do = heapq.heappop(self._later)
            do()
        self.now_s = end_s

    def number(self) -> int:
        """A number that was not given before."""
        self._count += 1
        return self._count

    def took(self, items: int) -> None:
        """A request had so many items."""
        self.items_most = max(self.items_most, items)

    def issues_of(self, sku: str, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What is wrong with the patches of a listing."""
        if sku in self.spoiled:
            return [_issue("8541", "The SKU data provided conflicts with the catalogue.")]
        return [issue for patch in body["patches"] for issue in _patch_issues(patch)]

    def apply(self, sku: str, patches: list[dict[str, Any]]) -> None:
        """Carry patches out; those of a SKU that nobody has listed come to nothing."""
        listed = self.listings.get(sku)
        if listed is None:
            return
        for patch in patches:
            for value in patch["value"]:
                code, quantity = value["fulfillment_channel_code"], value["quantity"]
                listed.quantities[code] = quantity
                if patch["op"] != "merge":
                    listed.lead_times.pop(code, None)
                if "lead_time_to_ship_max_days" in value:
                    listed.lead_times[code] = value["lead_time_to_ship_max_days"]
                self.writes.append((sku, quantity))


def check_shape(body: Any, fields: frozenset[str]) -> dict[str, Any]:
    """The body of a patch; RefusalError when it is none."""
    if not isinstance(body, dict) or set(body) - fields:
        raise wrong(f"the body may have {', '.join(sorted(fields))} only")
    if not isinstance(body.get("productType"), str) or not body["productType"]:
        raise wrong("productType is required")
    patches = body.get("patches")
    if not isinstance(patches, list) or not patches:
        raise wrong("patches are required")
    for patch in patches:
        if not isinstance(patch, dict) or set(patch) - {"op", "path", "value"}:
            raise wrong("a patch has op, path and value")
        if patch.get("op") not in ("add", "replace", "merge", "delete"):
            raise wrong(f"op {patch.get('op')!r}")
        if not isinstance(patch.get("path"), str):
            raise wrong("path is required")
        value = patch.get("value")
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise wrong("value is a list of objects")
    return body


def _patch_issues(patch: Mapping[str, Any]) -> list[dict[str, Any]]:
    if patch["path"] != QUANTITY_PATH or patch["op"] == "delete":
        return [_issue("90000900", f"The patch of {patch['path']} is not imitated.")]
    issues = []
    for value in patch["value"]:
        unknown = set(value) - _VALUE_FIELDS
        if unknown:
            issues.append(_issue("90000900", f"The attributes {sorted(unknown)} are invalid."))
        if not isinstance(value.get("fulfillment_channel_code"), str):
            issues.append(_issue("90220", "'fulfillment_channel_code' is required."))
        if not _is_number(value.get("quantity"), 2**31 - 1):
            issues.append(_issue("90244", "The value of 'quantity' is invalid."))
        days = value.get("lead_time_to_ship_max_days", 0)
        if not _is_number(days, _LEAD_TIME_DAYS_MAX):
            issues.append(_issue("90225", "Greater than the allowed maximum '30'."))
    return issues


def _is_number(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most


def _issue(code: str, message: str) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "severity": "ERROR",
        "attributeNames": ["fulfillment_availability"],
        "categories": ["INVALID_ATTRIBUTE"],
    }
