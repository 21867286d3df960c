"""What makes an input nonsense, whatever the state: refused before anything is decided.

Quantities are 1 to 10^12 (ruling 27); zero only for expected units, counts, fences and limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stockfold.ledger.facts import Refused

QUANTITY_MAX = 10**12
ID_CHARACTERS_MAX = 256
LOCATIONS_MAX = 1000
TIME_MIN_US = 0
TIME_MAX_US = 7_258_118_400_000_000  # The year 2200: beyond it a unit was mistaken.

Body = Mapping[str, Any]
Check = Callable[[Body], None]

_RESEND = "Correct the event and resubmit it."


def _quantity(field: str, low: int = 1) -> Check:
    def check(body: Body) -> None:
        value = body[field]
        if not low <= value <= QUANTITY_MAX:
            raise Refused(
                "quantity_out_of_range",
                f"{field} is {value}; it must be {low} to 10^12",
                _RESEND,
            )

    return check


def _optional_quantity(field: str, low: int = 1) -> Check:
    inner = _quantity(field, low)

    def check(body: Body) -> None:
        if body[field] is not None:
            inner(body)

    return check


def _signed(field: str, *, zero: bool) -> Check:
    def check(body: Body) -> None:
        value = body[field]
        if abs(value) > QUANTITY_MAX or (not zero and value == 0):
            raise Refused(
                "quantity_out_of_range",
                f"{field} is {value}; it must be within 10^12 either way"
                + ("" if zero else " and not 0"),
                _RESEND,
            )

    return check


def _ids(*fields: str) -> Check:
    def check(body: Body) -> None:
        for field in fields:
            value = body[field]
            if value is not None and not (
                0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable()
            ):
                raise _bad_id(field, value)

    return check


def _bad_id(field: str, value: str) -> Refused:
    return Refused(
        "bad_identifier",
        f"{field} is {value[:40]!r}; it must have 1 to {ID_CHARACTERS_MAX} printable characters"
        + ("" if "|" not in value else " and no |"),
        _RESEND,
    )


_sku = _ids("sku")


def _places(*fields: str) -> Check:
    """Locations and channels: identifiers without the separator that keys are built with."""

    def check(body: Body) -> None:
        for field in fields:
            value = body[field]
            if value is not None and not (
                0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable() and "|" not in value
            ):
                raise _bad_id(field, value)

    return check


def _not_in_transit(*fields: str) -> Check:
    def check(body: Body) -> None:
        for field in fields:
            if body[field] == "in_transit":
                raise Refused(
                    "bucket_not_allowed",
                    f"{field} is in_transit, which only transfers move",
                    "Use a transfer, or another bucket.",
                )

    return check


def _time(field: str) -> Check:
    def check(body: Body) -> None:
        value = body[field]
        if value is not None and not TIME_MIN_US <= value <= TIME_MAX_US:
            raise Refused(
                "time_out_of_range",
                f"{field} is {value}; it must be UTC microseconds between 1970 and 2200",
                "Check the unit of the time and resubmit.",
            )

    return check


def _different(body: Body) -> None:
    if body["from"] == body["to"]:
        raise Refused("nothing_changes", "from and to are the same bucket", _RESEND)


def _confidence(body: Body) -> None:
    if not 0 <= body["confidence"] <= 100:
        raise Refused(
            "confidence_out_of_range",
            f"confidence is {body['confidence']}; it must be 0 to 100 percent",
            _RESEND,
        )


def _revision(body: Body) -> None:
    value = body["revision"]
    if value is not None and not 0 <= value < 1 << 62:
        raise Refused("bad_revision", f"revision is {value}; it must be 0 or more", _RESEND)


def _locations(body: Body) -> None:
    places = body["locations"]
    if not 0 < len(places) <= LOCATIONS_MAX:
        raise Refused(
            "no_locations",
            f"locations names {len(places)} places; it must name 1 to {LOCATIONS_MAX}",
            "Name the locations that may serve the line.",
        )
    for place in places:
        if not (0 < len(place) <= ID_CHARACTERS_MAX and place.isprintable()) or "|" in place:
            raise _bad_id("locations", place)


_DOCUMENT = _ids("document", "document_line")
_UNITS = _quantity("quantity")

CHECKS: dict[str, tuple[Check, ...]] = {
    "InboundExpected": (
        _quantity("quantity", 0),
        _ids("inbound", "line"),
        _places("location"),
        _confidence,
        _revision,
        _time("eta"),
    ),
    "InboundClosed": (_ids("inbound", "line"), _revision),
    "GoodsReceived": (_UNITS, _ids("inbound", "line"), _places("location"), _DOCUMENT),
    "TransferDispatched": (
        _UNITS,
        _ids("transfer"),
        _places("from", "to"),
        _not_in_transit("bucket"),
        _time("eta"),
        _DOCUMENT,
    ),
    "TransferReceived": (_UNITS, _ids("transfer"), _places("location"), _DOCUMENT),
    "TransferClosed": (_ids("transfer"),),
    "ReturnAuthorized": (_UNITS, _ids("return", "order", "line")),
    "ReturnReceived": (_UNITS, _ids("return", "order", "line"), _places("location"), _DOCUMENT),
    "ReturnDispositioned": (_UNITS, _ids("return"), _places("location")),
    "StockAdjusted": (
        _signed("delta", zero=False),
        _places("location"),
        _not_in_transit("bucket"),
        _DOCUMENT,
    ),
    "StockStatusChanged": (
        _UNITS,
        _places("location"),
        _not_in_transit("from", "to"),
        _different,
    ),
    "StockCounted": (
        _quantity("counted", 0),
        _places("location"),
        _not_in_transit("bucket"),
        _time("as_of"),
    ),
    "StockSnapshotReported": (
        _signed("quantity", zero=True),
        _places("location"),
        _not_in_transit("bucket"),
        _time("as_of"),
    ),
    "ReserveStock": (
        _UNITS,
        _ids("reservation", "order", "line"),
        _places("channel"),
        _locations,
        _time("expires_at"),
    ),
    "ExtendReservation": (_ids("reservation"), _time("expires_at")),
    "MoveReservation": (_ids("reservation"), _places("location")),
    "ReleaseReservation": (_optional_quantity("quantity"), _ids("reservation")),
    "RingFenceSet": (_quantity("quantity", 0), _places("channel"), _revision),
    "BackorderLimitSet": (_optional_quantity("quantity", 0), _places("channel"), _revision),
    "StockAllocated": (
        _UNITS,
        _ids("allocation", "reservation", "order", "line"),
        _places("channel", "location"),
    ),
    "StockDeallocated": (_optional_quantity("quantity"), _ids("allocation")),
    "StockShipped": (
        _UNITS,
        _ids("shipment", "allocation", "reservation", "order", "line"),
        _places("location"),
        _DOCUMENT,
    ),
    "OrderLineCancelled": (_ids("order", "line"),),
}
"""The checks of each event type, in the order in which they are told."""


def validate(event_type: str, body: Body) -> None:
    """Refuse nonsense; the body already fits its schema."""
    _sku(body)
    for check in CHECKS[event_type]:
        check(body)
