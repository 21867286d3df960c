"""What makes an input nonsense, whatever the state: refused before anything is decided.

Quantities are 1 to 10^12 (ruling 27); zero only for expected units, counts, fences and limits.

Nearly every event is sound, so each type has one predicate, written from what its checks demand:
measured 0.5 µs against 0.9 µs for the checks one by one, which only the others meet. For records
that are short as a whole there is a quicker one still, for who reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from stockfold.ledger.facts import Refused

QUANTITY_MAX = 10**12
ID_CHARACTERS_MAX = 256
LOCATIONS_MAX = 1000
TEXT_CHARACTERS_MAX = 4000
"""Of reasons: facts carry them, and no record of the journal may become too large for Kafka."""
TIME_MIN_US = 0
TIME_MAX_US = 7_258_118_400_000_000  # The year 2200: beyond it a unit was mistaken.

Body = Mapping[str, Any]


class Check(NamedTuple):
    """One rule about a body."""

    holds: str
    """When it holds: a Python expression of ``body``, true exactly if ``refuse`` does not raise."""
    refuse: Callable[[Body], None]
    """Raises Refused with the reason when it does not hold."""
    ids: tuple[str, ...] = ()
    """Fields that must be identifiers, if not None."""
    in_short: str | None = None
    """``holds`` where no text has more than ``ID_CHARACTERS_MAX`` characters and ``ids`` are
    identifiers; None where that is ``holds`` itself, empty where nothing more is asked."""

    def __call__(self, body: Body) -> None:
        """Refuse what does not hold."""
        self.refuse(body)


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

    return Check(f"{low} <= body[{field!r}] <= {QUANTITY_MAX}", check)


def _optional_quantity(field: str, low: int = 1) -> Check:
    inner = _quantity(field, low)

    def check(body: Body) -> None:
        if body[field] is not None:
            inner(body)

    return Check(f"(body[{field!r}] is None or {inner.holds})", check)


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

    holds = f"{-QUANTITY_MAX} <= body[{field!r}] <= {QUANTITY_MAX}"
    return Check(holds if zero else f"{holds} and body[{field!r}] != 0", check)


def _ids(*fields: str) -> Check:
    def check(body: Body) -> None:
        for field in fields:
            value = body[field]
            if value is not None and not (
                0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable()
            ):
                raise _bad_id(field, value)

    return Check(_each(fields, _IS_ID), check, fields, "")


_IS_ID = f"(v is None or 0 < len(v) <= {ID_CHARACTERS_MAX} and v.isprintable())"


def _each(fields: tuple[str, ...], holds: str) -> str:
    """An expression of ``v``, of each of the fields."""
    return " and ".join(holds.replace("(v ", f"((v := body[{field!r}]) ", 1) for field in fields)


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

    return Check(
        _each(fields, f"{_IS_ID[:-1]} and '|' not in v)"),
        check,
        fields,
        _each(fields, "(v is None or '|' not in v)"),
    )


def _text(field: str) -> Check:
    def check(body: Body) -> None:
        value = body[field]
        if value is not None and len(value) > TEXT_CHARACTERS_MAX:
            raise Refused(
                "text_too_long",
                f"{field} has {len(value)} characters; it must have at most {TEXT_CHARACTERS_MAX}",
                "Shorten it and resubmit.",
            )

    holds = _each((field,), f"(v is None or len(v) <= {TEXT_CHARACTERS_MAX})")
    return Check(holds, check, in_short="")


def _refuse_supply_line(body: Body) -> None:
    for value in (body["supply_line"] or {}).values():
        if not (0 < len(value) <= ID_CHARACTERS_MAX and value.isprintable()):
            raise _bad_id("supply_line", value)


def _not_in_transit(*fields: str) -> Check:
    def check(body: Body) -> None:
        for field in fields:
            if body[field] == "in_transit":
                raise Refused(
                    "bucket_not_allowed",
                    f"{field} is in_transit, which only transfers move",
                    "Use a transfer, or another bucket.",
                )

    return Check(" and ".join(f"body[{field!r}] != 'in_transit'" for field in fields), check)


def _time(field: str) -> Check:
    def check(body: Body) -> None:
        value = body[field]
        if value is not None and not TIME_MIN_US <= value <= TIME_MAX_US:
            raise Refused(
                "time_out_of_range",
                f"{field} is {value}; it must be UTC microseconds between 1970 and 2200",
                "Check the unit of the time and resubmit.",
            )

    return Check(_each((field,), f"(v is None or {TIME_MIN_US} <= v <= {TIME_MAX_US})"), check)


def _refuse_same(body: Body) -> None:
    if body["from"] == body["to"]:
        raise Refused("nothing_changes", "from and to are the same bucket", _RESEND)


def _refuse_confidence(body: Body) -> None:
    if not 0 <= body["confidence"] <= 100:
        raise Refused(
            "confidence_out_of_range",
            f"confidence is {body['confidence']}; it must be 0 to 100 percent",
            _RESEND,
        )


def _refuse_revision(body: Body) -> None:
    value = body["revision"]
    if value is not None and not 0 <= value < 1 << 62:
        raise Refused("bad_revision", f"revision is {value}; it must be 0 to 2^62-1", _RESEND)


def _refuse_locations(body: Body) -> None:
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


_different = Check("body['from'] != body['to']", _refuse_same)
_confidence = Check("0 <= body['confidence'] <= 100", _refuse_confidence)
_revision = Check(_each(("revision",), "(v is None or 0 <= v < 1 << 62)"), _refuse_revision)
_locations = Check(
    f"0 < len(body['locations']) <= {LOCATIONS_MAX}"
    f" and all([0 < len(v) <= {ID_CHARACTERS_MAX} and v.isprintable() and '|' not in v"
    " for v in body['locations']])",
    _refuse_locations,
    in_short=f"0 < len(body['locations']) <= {LOCATIONS_MAX} and '' not in body['locations']"
    " and '|' not in (v := ''.join(body['locations'])) and v.isprintable()",
)
_supply_line = Check(
    f"(body['supply_line'] is None or all([0 < len(v) <= {ID_CHARACTERS_MAX} and v.isprintable()"
    " for v in body['supply_line'].values()]))",
    _refuse_supply_line,
)
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
        _text("reason"),
        _DOCUMENT,
    ),
    "StockStatusChanged": (
        _UNITS,
        _places("location"),
        _not_in_transit("from", "to"),
        _different,
        _text("reason"),
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
        _ids("snapshot"),
    ),
    "ReserveStock": (
        _UNITS,
        _ids("reservation", "order", "line"),
        _places("channel"),
        _locations,
        _time("expires_at"),
        _supply_line,
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
    "OrderLineCancelled": (_ids("order", "line"), _text("reason")),
}
"""The checks of each event type, in the order in which they are told."""


SOUND = {
    name: " and ".join(check.holds for check in (_sku, *checks)) for name, checks in CHECKS.items()
}
"""When a body of each event type passes its checks: a Python expression of ``body``."""


class Short(NamedTuple):
    """When the body of a short record passes its checks."""

    bytes_max: int
    """How long it may be: then no text of it is too long."""
    ids: tuple[str, ...]
    """Fields that must have printable characters, if they are not None."""
    holds: str
    """What else must hold: a Python expression of ``body``."""


def _short(checks: tuple[Check, ...]) -> Short:
    told = (check.holds if check.in_short is None else check.in_short for check in checks)
    return Short(
        ID_CHARACTERS_MAX,
        tuple(dict.fromkeys(field for check in checks for field in check.ids)),
        " and ".join(filter(None, told)) or "True",
    )


SOUND_SHORT = {name: _short((_sku, *checks)) for name, checks in CHECKS.items()}
"""By event type."""


def _predicate(holds: str) -> Callable[[Body], bool]:
    found: Callable[[Body], bool] = eval(f"lambda body: {holds}")  # noqa: S307 - our own text
    return found


IS_SOUND = {name: _predicate(holds) for name, holds in SOUND.items()}
"""The same as functions."""


def validate(event_type: str, body: Body) -> None:
    """Refuse nonsense; the body already fits its schema."""
    if not IS_SOUND[event_type](body):
        _sku(body)
        for check in CHECKS[event_type]:
            check(body)
