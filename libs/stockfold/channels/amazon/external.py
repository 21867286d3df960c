"""External Fulfillment, inventory 2024-09-11: absolute quantities by location, ten at a time.

A batch answers 207, and each of its requests for itself. ``clientSequenceNumber`` is our version:
an update that arrives late changes nothing any more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec

from stockfold.channels.amazon.operations import INVENTORIES
from stockfold.channels.port import Outcome, OutcomeKind, Purpose, Request, Shown, StockUpdate

BATCH_MAX = 10
INVALID_SKU = "INVALID_SKU"
SEQUENCE_BEHIND = "sequence_behind"


class Inventory(msgspec.Struct, frozen=True):
    """How one seller's inventory is addressed. ``places`` are Amazon's ids of all locations."""

    places: tuple[str, ...]
    marketplace: str = ""
    channel_name: str = ""
    sequence_base: int = 0

    @property
    def skus_max(self) -> int:
        """How many SKUs fit into a batch, each with all of its locations."""
        return BATCH_MAX // len(self.places)

    def update(self, updates: Sequence[StockUpdate], shown: Sequence[Shown]) -> Request:
        """The write of these: every location of each."""
        requests = [
            self._part("update", one.sku, place, self._written(one, units))
            for one, told in zip(updates, shown, strict=True)
            for place, units in told.locations
        ]
        return _batch(Purpose.WRITE, updates, requests)

    def _written(self, update: StockUpdate, units: int) -> dict[str, Any]:
        return {
            "quantity": units,
            "clientSequenceNumber": self.sequence_base + update.version,
        }

    def fetch(self, purpose: Purpose, updates: Sequence[StockUpdate]) -> Request:
        """The question what the first of these show, and as many others as fit."""
        asked = updates[: self.skus_max]
        requests = [
            self._part("fetch", one.sku, place, {}) for one in asked for place in self.places
        ]
        return _batch(purpose, asked, requests)

    def _part(self, name: str, sku: str, place: str, body: dict[str, Any]) -> dict[str, Any]:
        named = {"marketplaceId": self.marketplace, "channelName": self.channel_name}
        attributes = {key: value for key, value in named.items() if value}
        if attributes:
            body = {**body, "marketplaceAttributes": attributes}
        uri = f"/inventory/{name}?{urlencode({'locationId': place, 'skuId': sku})}"
        return {"method": "POST", "uri": uri, "body": body}


def _batch(
    purpose: Purpose, updates: Sequence[StockUpdate], requests: list[dict[str, Any]]
) -> Request:
    return Request(purpose, "POST", INVENTORIES, tuple(updates), json={"requests": requests})


class Part(msgspec.Struct, frozen=True):
    """What was answered about one SKU at one location. ``code`` is empty when it went well."""

    quantity: int = 0
    sequence: int = 0
    status: int = 200
    code: str = ""
    detail: str = ""


def parts_of(request: Request, body: Mapping[str, Any]) -> list[list[Part]] | None:
    """The answers by update, those of its locations in order; None for anything else."""
    rows = body.get("responses")
    if not isinstance(rows, list) or len(rows) != len(request.json["requests"]):
        return None
    parts = [_part_of(row) for row in rows]
    if any(part is None for part in parts):
        return None
    each = len(rows) // len(request.updates)
    told = [part for part in parts if part is not None]
    return [told[at : at + each] for at in range(0, len(told), each)]


def _part_of(row: Any) -> Part | None:
    status = _at(row, "status", "statusCode")
    if type(status) is not int:
        return None
    body = _at(row, "body")
    if status == 200:
        quantity, sequence = _at(body, "sellableQuantity"), _at(body, "clientSequenceNumber")
        if type(quantity) is not int:
            return None
        return Part(quantity, sequence if type(sequence) is int else 0)
    errors = _at(body, "actionableErrors")
    first = errors[0] if isinstance(errors, list) and errors else None
    code = _at(first, "errorType")
    reason = _at(row, "status", "reasonPhrase")
    detail = f"{status} {reason}: {_at(first, 'errorSubType') or 'no reason was given'}"
    return Part(0, 0, status, code if isinstance(code, str) else f"status_{status}", detail)


def _at(tree: Any, *names: str) -> Any:
    for name in names:
        tree = tree.get(name) if isinstance(tree, dict) else None
    return tree


def failure_of(update: StockUpdate, parts: Sequence[Part]) -> Outcome | None:
    """What is the matter with an update, at any of its locations; None for nothing."""
    failed = [part for part in parts if part.code]
    if not failed:
        return None
    worst = min(failed, key=lambda part: _passes(part.status))
    kind = OutcomeKind.RETRYABLE if _passes(worst.status) else OutcomeKind.REJECTED
    if worst.code == INVALID_SKU:
        kind = OutcomeKind.UNMAPPED
    return Outcome(update, kind, worst.code, worst.detail)


def _passes(status: int) -> bool:
    return status in (408, 429) or status >= 500


def behind(update: StockUpdate, parts: Sequence[Part], sequence: int) -> Outcome | None:
    """The outcome where a higher sequence number was used than ours, so that ours counted nothing.

    That happens when something else has written there; a version of ours is never behind.
    """
    highest = max(part.sequence for part in parts)
    if highest <= sequence:
        return None
    detail = (
        f"Amazon has the sequence number {highest} of it, and ours is {sequence}: set the option "
        f"sequence_base to {highest} or more"
    )
    return Outcome(update, OutcomeKind.REJECTED, SEQUENCE_BEHIND, detail)
