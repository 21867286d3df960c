"""The imitated External Fulfillment inventory 2024-09-11.

Assumed, because nothing tells it: a sale lowers what is sellable at once; an update whose sequence
number is lower than the last one's changes nothing, and is answered with what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from stockfold.channels.amazon import operations
from stockfold.channels.amazon.fake import URL, Imitation
from stockfold.channels.amazon.fake_store import SKU_CHARACTERS_MAX, RefusalError, wrong
from stockfold.channels.amazon.operations import Operation
from stockfold.channels.conformance import Fault, Sent

BATCH_MAX = 10
LOCATIONS = {"berlin": "EXSB", "hamburg": "EXSH"}
_BODY = frozenset({"quantity", "clientSequenceNumber", "marketplaceAttributes"})
_ATTRIBUTES = frozenset({"marketplaceId", "channelName"})
_NO_SKU = "The requested Sku does not exist for the seller in requested marketplace."


class Held(msgspec.Struct):
    """One SKU at one location."""

    sellable: int = 0
    reserved: int = 0
    sequence: int = 0


class ExternalImitation(Imitation):
    """See ``stockfold.channels.conformance.Subject``."""

    def __init__(self) -> None:
        super().__init__()
        self.options = {"seller": self.options["seller"], "token_url": f"{URL}/auth/o2/token"}
        self.locations: Mapping[str, str] = LOCATIONS
        self.held: dict[str, dict[str, Held]] = {}
        self._broken = False

    def list(
        self, sku: str, quantity: int = 0, per_location: Mapping[str, int] | None = None
    ) -> None:
        """See ``Subject.list``: at both locations, the units at the first."""
        if not 1 <= len(sku) <= SKU_CHARACTERS_MAX or sku != sku.strip():
            raise ValueError(f"no seller could give the SKU {sku!r}")
        first, *others = self.locations.values()
        units = {first: quantity, **dict.fromkeys(others, 0), **(per_location or {})}
        self.held[sku] = {place: Held(number) for place, number in units.items()}

    def unlist(self, sku: str) -> None:
        """See ``Subject.unlist``."""
        self.held.pop(sku, None)

    def sell(self, sku: str, units: int) -> None:
        """See ``Subject.sell``: at the location that has most."""
        held = max(self.held[sku].values(), key=lambda one: one.sellable)
        held.sellable -= units
        held.reserved += units

    def shows(self, sku: str) -> int | None:
        """See ``Subject.shows``."""
        return sum(self.shows_at(sku).values()) if sku in self.held else None

    def shows_at(self, sku: str) -> Mapping[str, int]:
        """See ``Subject.shows_at``."""
        return {place: held.sellable for place, held in self.held.get(sku, {}).items()}

    def _fault(self, operation: Operation, sent: Sent) -> Fault | None:
        fault = super()._fault(operation, sent)
        self._broken = fault is Fault.BROKEN
        return fault

    def _is_write(self, operation: Operation, sent: Sent) -> bool:
        return operation is operations.BATCH_INVENTORY and b"/inventory/update" in sent.body

    def _routed(
        self, operation: Operation, sent: Sent, params: Mapping[str, str], path: str
    ) -> tuple[int, Any]:
        if operation is not operations.BATCH_INVENTORY or params or sent.method != "POST":
            raise RefusalError(404, "NotFound", f"{sent.method} {path}")
        body = self._json(sent)
        requests = body.get("requests") if isinstance(body, dict) else None
        if not isinstance(requests, list) or not requests or set(body) != {"requests"}:
            raise wrong("requests")
        if len(requests) > BATCH_MAX:
            message = f"Maximum number for requests supported in batch is {BATCH_MAX}."
            raise RefusalError(400, "BATCH_SIZE_EXCEED", message)
        self.store.took(len(requests))
        # What breaks has done one half.
        done = requests[: len(requests) // 2] if self._broken else requests
        responses = [self._one(request) for request in done]
        touched = dict.fromkeys(_named(one)[1] for one in done if "/update" in one["uri"])
        self.store.writes += [
            (sku, self.shows(sku) or 0)
            for sku in touched
            if sku in self.held and sku not in self.store.spoiled
        ]
        return 207, {"responses": responses}

    def _one(self, request: Any) -> dict[str, Any]:
        name, sku, place = _checked(request)
        held = self.held.get(sku, {}).get(place)
        if held is None:
            return _failed(sku, place, "INVALID_SKU", _NO_SKU)
        body = request["body"]
        if name == "update":
            if sku in self.store.spoiled:
                detail = "The SKU is not eligible for external fulfillment."
                return _failed(sku, place, "PRODUCT_VALIDATION_FAILURE", detail)
            if body["clientSequenceNumber"] >= held.sequence:
                held.sellable, held.sequence = body["quantity"], body["clientSequenceNumber"]
        told = {
            "locationId": place,
            "sellableQuantity": held.sellable,
            "reservedQuantity": held.reserved,
            "clientSequenceNumber": held.sequence,
            "skuId": sku,
            "actionableErrors": [],
        }
        if "marketplaceAttributes" in body:
            told["marketplaceAttributes"] = body["marketplaceAttributes"]
        return {"status": {"statusCode": 200, "reasonPhrase": "Success"}, "body": told}


def _named(request: Mapping[str, Any]) -> tuple[str, str, str]:
    parts = urlsplit(str(request.get("uri")))
    asked = dict(parse_qsl(parts.query))
    if set(asked) != {"locationId", "skuId"} or not parts.path.startswith("/inventory/"):
        raise wrong("uri")
    return parts.path.removeprefix("/inventory/"), asked["skuId"], asked["locationId"]


def _checked(request: Any) -> tuple[str, str, str]:
    if not isinstance(request, dict) or set(request) != {"method", "uri", "body"}:
        raise wrong("a request has method, uri and body")
    name, sku, place = _named(request)
    body = request["body"]
    if request["method"] != "POST" or name not in ("update", "fetch"):
        raise wrong("method or uri")
    if not isinstance(body, dict) or set(body) - _BODY:
        raise wrong("body")
    if name == "update":
        for member in ("quantity", "clientSequenceNumber"):
            if type(body.get(member)) is not int or body[member] < 0:
                raise wrong(member)
    attributes = body.get("marketplaceAttributes", {})
    if not isinstance(attributes, dict) or set(attributes) - _ATTRIBUTES:
        raise wrong("marketplaceAttributes")
    if attributes.get("channelName", "MFN") not in ("FBA", "MFN", "DF"):
        raise wrong("channelName")
    return name, sku, place


def _failed(sku: str, place: str, kind: str, detail: str) -> dict[str, Any]:
    error = {"errorType": kind, "errorSubType": detail}
    return {
        "status": {"statusCode": 400, "reasonPhrase": "Invalid Input"},
        "body": {"skuId": sku, "locationId": place, "actionableErrors": [error]},
    }
