"""Records of the output topics as rows of the read model. Pure."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson

from stockfold.domain.times import EPOCH, from_us
from stockfold.ledger.accounts import CODES, STRIDE
from stockfold.ledger.entities import Change, Line, Transfer, decode_change

Record = Mapping[str, Any]
Row = tuple[Any, ...]

_EPOCH_DAY = EPOCH.date()
_BY_LOCATION = frozenset(name for name, code in CODES.items() if code < STRIDE)
NO_BODY = b"{}"
SKU_CHARACTERS_MAX = 512
"""An exception's SKU may be any bytes that somebody sent as a key; more would not fit an index."""


def text(value: str) -> str:
    """Text as PostgreSQL can hold it: NUL, which it cannot, becomes its visible sign U+2400."""
    return value.replace("\x00", "\u2400") if "\x00" in value else value


def moment(us: int) -> datetime | None:
    """UTC microseconds as a moment; 0, which stands for the ledger's own timer, as NULL."""
    return _at(us) if us else None


_at = lru_cache(4096)(from_us)
"""Facts of one batch share their times."""


def json_text(value: object) -> str:
    """JSON for a jsonb column."""
    return "[]" if value == [] else orjson.dumps(value).decode()


def position_row(record: Record, partition: int, offset: int) -> Row:
    """A ``Position`` record as a row of positions."""
    return (
        record["sku"],
        record["location"],
        record["seq"],
        record["on_hand"],
        record["quality_hold"],
        record["damaged"],
        record["in_transit"],
        record["reserved"],
        record["allocated"],
        record["atp"],
        json_text(record["claims"]),
        json_text([_expected(line) for line in record["expected"]]),
        _at(record["recorded_at"]),
        record["correlation_id"],
        moment(record["caused_at"]),
        partition,
        offset,
    )


def _expected(line: Record) -> dict[str, Any]:
    eta_us = line["eta"]
    return {**line, "eta": None if eta_us is None else from_us(eta_us).isoformat()}


def summary_row(record: Record, partition: int, offset: int) -> Row:
    """A ``SkuSummary`` record as a row of sku_summaries."""
    waiting = record["backordered"]
    return (
        record["sku"],
        record["seq"],
        sum(row["quantity"] for row in waiting),
        json_text(waiting),
        json_text(record["fences"]),
        json_text(record["limits"]),
        _at(record["recorded_at"]),
        record["correlation_id"],
        moment(record["caused_at"]),
        partition,
        offset,
    )


def availability_row(record: Record, partition: int, offset: int) -> Row:
    """An ``Availability`` record as a row of availability."""
    return (
        record["channel"],
        record["sku"],
        record["quantity"],
        record["status"],
        _day(record["next_available"]),
        record["lead_time_days"],
        json_text(record["locations"]),
        record["version"],
        record["policy_revision"],
        record["seq"],
        json_text(record["steps"]),
        _at(record["recorded_at"]),
        record["correlation_id"],
        moment(record["caused_at"]),
        partition,
        offset,
    )


def availability_history_row(record: Record, partition: int, offset: int, told_us: int) -> Row:
    """The same as a row of availability_history; ``told_us`` is when the broker took it."""
    return (
        partition,
        offset,
        record["channel"],
        record["sku"],
        record["version"],
        record["quantity"],
        record["status"],
        record["policy_revision"],
        record["seq"],
        _at(record["recorded_at"]),
        record["correlation_id"],
        from_us(told_us),
    )


def _day(days: int | None) -> date | None:
    return None if days is None else _EPOCH_DAY + timedelta(days=days)


def delivery_row(record: Record) -> Row:
    """The columns that deliveries and delivery_history share, of a ``Delivery`` record."""
    return (
        record["channel"],
        record["sku"],
        record["version"],
        record["quantity"],
        record["outcome"],
        record["attempts"],
        text(record["detail"]),
        from_us(record["sent_at"]),
        from_us(record["finished_at"]),
        text(record["correlation_id"]),
        moment(record["caused_at"]),
        moment(record["recorded_at"]),
        record["took_us"],
    )


def listing_row(record: Record, partition: int, offset: int) -> Row:
    """A ``ListingState`` record as a row of listings; NULL is what it does not know."""
    return (
        record["channel"],
        record["sku"],
        record["desired_version"],
        record["desired_quantity"],
        record["listing"],
        record["sent_version"],
        moment(record["sent_at"] or 0),
        record["accepted_version"],
        record["applied_version"],
        record["applied_quantity"],
        moment(record["applied_at"] or 0),
        record["took_us"],
        record["observed_version"],
        record["observed_quantity"],
        moment(record["observed_at"] or 0),
        record["outcome"],
        text(record["detail"]),
        from_us(record["told_at"]),
        partition,
        offset,
    )


def reevaluation_row(record: Record) -> Row:
    """A ``ReevaluationProgress`` record as a row of reevaluation."""
    return (
        record["instance"],
        from_us(record["began_at"]),
        _at(record["recorded_at"]),
        record["listings"],
        record["unseen"],
        record["untold"],
        record["zeros"],
        record["channels"],
    )


def exception_row(record: Record, partition: int, offset: int) -> Row:
    """An ``ExceptionRaised`` record as a row of exceptions."""
    return (
        partition,
        offset,
        text(record["exception"]),
        record["kind"],
        record["folded"],
        text(record["reason"]),
        text(record["remedy"]),
        text(record["sku"][:SKU_CHARACTERS_MAX]),
        text(record["source"]),
        text(record["event_id"]),
        text(record["event_type"]),
        record["topic"],
        record["partition"],
        record["offset"],
        record["key"],
        record["value"],
        json_text([_header(header) for header in record["headers"]]),
        _at(record["recorded_at"]),
        text(record["correlation_id"]),
        moment(record["caused_at"]),
    )


def _header(header: Record) -> dict[str, str | None]:
    """A header; bytes that are not UTF-8 text are kept whole, in base64, under another name."""
    raw = header["value"]
    name = text(header["name"])
    if raw is None:
        return {"name": name, "value": None}
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        return {"name": name, "value_base64": base64.b64encode(raw).decode()}
    if "\x00" in value:
        return {"name": name, "value_base64": base64.b64encode(raw).decode()}
    return {"name": name, "value": value}


def change_of(record: Record) -> Change | None:
    """The entities that a fact carries; None when it carries none."""
    body = record["body"]
    return None if body == NO_BODY else decode_change(body)


def journal_row(record: Record, change: Change | None, partition: int, offset: int) -> Row:
    """A ``JournalFact`` record as a row of journal."""
    return (
        record["sku"],
        record["seq"],
        partition,
        offset,
        record["kind"],
        text(record["source"]),
        text(record["event_id"]),
        text(record["correlation_id"]),
        record["topic"],
        record["partition"],
        record["offset"],
        record["schema_id"],
        record["payload_hash"],
        from_us(record["occurred_at"]),
        _at(record["recorded_at"]),
        moment(record["caused_at"]),
        json_text(record["deltas"]),
        record["flags"],
        places_of(record["deltas"], change),
        record["body"],
    )


def places_of(deltas: list[dict[str, Any]], change: Change | None) -> list[str]:
    """Locations whose position a fact changes; the empty one stands for the SKU's summary.

    The ledger writes a position or summary record for exactly these.
    """
    places = set()
    for delta in deltas:
        if delta["account"] in _BY_LOCATION:
            places.add(delta["location"])
        elif delta["account"] == "backordered":
            places.add("")
    if change is not None:
        if change.fence is not None or change.limit is not None:
            places.add("")
        if change.left:
            places.add(change.left)
        if change.inbound is not None:
            places.update(known.location for known in change.inbound.lines if known.location)
    return sorted(places) if len(places) > 1 else list(places)


def line_row(record: Record, line: Line, partition: int) -> Row:
    """The demand line that a fact carries as a row of demand_lines."""
    return (
        record["sku"],
        line.order,
        line.line,
        record["seq"],
        line.reservation,
        line.channel,
        line.ordered,
        line.unordered,
        line.reserved_units(),
        line.allocated_units(),
        line.backordered,
        line.shipped,
        line.cancelled,
        line.expired,
        line.rejected,
        line.final,
        line.priority,
        json_text([{"location": place, "quantity": units} for place, units in line.reserved]),
        json_text(
            [
                {"allocation": a.id, "location": a.location, "quantity": a.quantity, "open": a.open}
                for a in line.allocations
            ]
        ),
        moment(line.expires_us),
        _at(record["recorded_at"]),
        partition,
    )


def transfer_row(record: Record, transfer: Transfer, partition: int) -> Row:
    """The transfer that a fact carries as a row of transfers."""
    return (
        record["sku"],
        transfer.id,
        record["seq"],
        json_text([{"location": place, "quantity": units} for place, units in transfer.posted]),
        None if transfer.eta_us is None else from_us(transfer.eta_us),
        _at(record["recorded_at"]),
        partition,
    )


def status_row(record: Record, change: Change, partition: int) -> Row | None:
    """The answer that a fact gives as a row of reservation_status; None when it gives none."""
    if change.status is None:
        return None
    reservation, status, command, units, reason, available = change.status
    order, line = _demand(change)
    return (
        record["sku"],
        record["seq"],
        reservation,
        order,
        line,
        status,
        command,
        units,
        text(reason),
        available,
        text(record["source"]),
        text(record["event_id"]),
        _at(record["recorded_at"]),
        partition,
    )


def _demand(change: Change) -> tuple[str, str]:
    """Order and line that an answer is about, as far as its fact names them."""
    if change.line is not None:
        return change.line.order, change.line.line
    note = change.note or {}
    return str(note.get("order") or ""), str(note.get("line") or "")
