"""What is nonsense (rulings 27 to 30), and what was told before (rulings 6, 20, 22, 35)."""

from __future__ import annotations

import json
from collections import defaultdict

from .log import Refused

QUANTITY_MAX = 10**12  # Ruling 27: more than that is nonsense.
DAY_US = 86_400_000_000

# Field, lowest, and whether null is allowed. Ruling 27: zero is nonsense except here.
COUNTED_FROM_ZERO = {
    "InboundExpected": ("quantity", False),
    "StockCounted": ("counted", False),
    "RingFenceSet": ("quantity", False),
    "BackorderLimitSet": ("quantity", True),
}
NULLABLE = {"StockDeallocated", "ReleaseReservation"}
PHYSICAL = {
    "GoodsReceived",
    "TransferDispatched",
    "TransferReceived",
    "TransferClosed",
    "ReturnReceived",
    "ReturnDispositioned",
    "StockAdjusted",
    "StockStatusChanged",
    "StockShipped",
}
# Buckets an input may not name: goods in transit are moved by transfers alone.
NEVER_IN_TRANSIT = {
    "StockAdjusted": "bucket",  # Ruling 29.
    "StockCounted": "bucket",  # Ruling 16.
    "StockStatusChanged": "from",  # Ruling 28.
    "TransferDispatched": "bucket",  # Ruling 30.
}


def check_sense(event_type: str, body: dict) -> None:
    """Raise Refused for numbers and places that make no sense."""
    if event_type == "StockAdjusted":
        _check(body["delta"] != 0 and abs(body["delta"]) <= QUANTITY_MAX)
    elif event_type == "StockSnapshotReported":
        _check(abs(body["quantity"]) <= QUANTITY_MAX)
    elif event_type in COUNTED_FROM_ZERO:
        name, nullable = COUNTED_FROM_ZERO[event_type]
        value = body.get(name)
        _check(nullable if value is None else 0 <= value <= QUANTITY_MAX)
    elif event_type in NULLABLE:
        value = body.get("quantity")
        _check(value is None or 1 <= value <= QUANTITY_MAX)
    elif "quantity" in body:
        _check(1 <= body["quantity"] <= QUANTITY_MAX)
    if body.get(NEVER_IN_TRANSIT.get(event_type, "")) == "in_transit":
        raise Refused("bucket_not_allowed")
    if event_type == "StockStatusChanged" and body["from"] == body["to"]:
        raise Refused("nothing_changes")  # Choice: it would move nothing.
    if event_type == "ReserveStock" and not body["locations"]:
        raise Refused("no_locations")  # Ruling 36.


def _check(sensible: bool) -> None:
    if not sensible:
        raise Refused("quantity_out_of_range")


class Memory:
    """What was accepted before: ids, sequence numbers and document lines.

    Choice: nothing is ever forgotten here; the horizon of ids is the ledger's economy.
    """

    def __init__(self) -> None:
        self.ids: dict[tuple[str, str], str] = {}
        self.numbers: dict[str, dict[int, str]] = defaultdict(dict)
        self.documents: dict[tuple[str, str, str], tuple] = {}

    def told_before(
        self, event_type: str, body: dict, event_id: str, source: str, sequence: int | None
    ) -> bool:
        """True for a repeat; Refused when the payload differs (rulings 6 and 35)."""
        payload = payload_of(event_type, body)
        seen = [self.ids.get((source, event_id))]
        if sequence is not None:
            seen.append(self.numbers[source].get(sequence))
        for before in seen:
            if before is not None and before != payload:
                raise Refused("payload_conflict")
        return any(before is not None for before in seen)

    def document_told_before(self, event_type: str, body: dict) -> bool:
        """True when the same movement was told under its document line (ruling 20)."""
        key = _document(event_type, body)
        if key is None or key not in self.documents:
            return False
        if self.documents[key] != _movement(event_type, body):
            raise Refused("document_differs")  # A finding; the first one stands.
        return True

    def accept(
        self, event_type: str, body: dict, event_id: str, source: str, sequence: int | None
    ) -> bool:
        """Remember an accepted event; True when it leaves a gap in its source's numbers."""
        payload = payload_of(event_type, body)
        self.ids[source, event_id] = payload
        key = _document(event_type, body)
        if key is not None:
            self.documents.setdefault(key, _movement(event_type, body))
        if sequence is None:
            return False
        numbers = self.numbers[source]
        gap = bool(numbers) and sequence > max(numbers) + 1
        numbers[sequence] = payload
        return gap


def payload_of(event_type: str, body: dict) -> str:
    """Ruling 6: payload is the body, without envelope times, trace and sequence."""
    told = {key: value for key, value in body.items() if value is not None}
    return json.dumps([event_type, told], sort_keys=True)


def _movement(event_type: str, body: dict) -> tuple:
    """What two tellings of one document line must agree on: how many units, from where to where."""
    condition = body.get("condition")
    if event_type == "ReturnReceived":
        condition = condition or "quality_hold"
    places = [body.get(name) for name in ("location", "from", "to", "bucket")]
    return body.get("quantity", body.get("delta")), condition, *places


def _document(event_type: str, body: dict) -> tuple[str, str, str] | None:
    document, line = body.get("document"), body.get("document_line")
    if document is None or line is None:
        return None
    return event_type, document, line
