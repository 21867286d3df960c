"""Records about orders as rows of the read model. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stockfold.channels.parcels import checked
from stockfold.contracts.shipments import parcel_of
from stockfold.domain.times import from_us
from stockfold_services.projector.rows import Row, json_text, moment, text

Record = Mapping[str, Any]


def order_case_row(record: Record, partition: int, offset: int) -> Row:
    """An ``OrderCase`` record as a row of order_cases."""
    return (
        record["case"],
        record["channel"],
        record["order"],
        record["line"],
        record["kind"],
        record["state"],
        record["owner"],
        record["sku"],
        record["missing"],
        record["reason"],
        record["by"],
        from_us(record["opened_at"]),
        from_us(record["changed_at"]),
        partition,
        offset,
    )


def order_row(record: Record, partition: int, offset: int) -> Row:
    """An ``OrderStatus`` record as a row of orders."""
    return (
        text(record["channel"]),
        text(record["order"]),
        record["version"],
        record["revision"],
        record["status"],
        text(record["reason"]),
        record["told"],
        record["accepted"],
        moment(record["expires_at"] or 0),
        text(record["ledger_order"]),
        json_text(record["lines"]),
        from_us(record["recorded_at"]),
        text(record["correlation_id"]),
        moment(record["caused_at"]),
        partition,
        offset,
    )


def order_history_row(record: Record, partition: int, offset: int) -> Row:
    """The same as a row of order_history."""
    return (
        partition,
        offset,
        text(record["channel"]),
        text(record["order"]),
        record["version"],
        record["status"],
        text(record["reason"]),
        record["told"],
        text(record["source"]),
        text(record["event_id"]),
        from_us(record["recorded_at"]),
        text(record["correlation_id"]),
    )


def parcel_row(record: Record, partition: int, offset: int) -> Row:
    """An ``OrderShipped`` record as a row of parcels; ContractError for what no shop is shown."""
    parcel = checked(parcel_of(record, ""))
    return (
        text(record["channel"]),
        text(parcel.order),
        text(parcel.shipment),
        from_us(parcel.shipped_at_us),
        text(parcel.carrier),
        text(parcel.tracking_number),
        text(parcel.tracking_url),
        json_text([{"line": line, "quantity": units} for line, units in parcel.lines]),
        partition,
        offset,
    )
