"""The tables of the read model, declared once: key, guard of the newer row, and retention.

Their columns are in ``migrations/``; the projector writes them in the order given here.
"""

from __future__ import annotations

from datetime import timedelta

from stockfold_services.projector.named_tables import ALIASES, ITEMS
from stockfold_services.projector.order_tables import (
    ORDER_CASES,
    ORDER_HISTORY,
    ORDERS,
    PARCELS,
)
from stockfold_services.projector.table import Retention, Table

__all__ = [
    "ALIASES",
    "ITEMS",
    "ORDERS",
    "ORDER_CASES",
    "ORDER_HISTORY",
    "PARCELS",
    "TABLES",
    "Table",
]

_NUMBERS = ("on_hand", "quality_hold", "damaged", "in_transit", "reserved", "allocated", "atp")
_CAUSE = ("recorded_at", "correlation_id", "caused_at")
_RECORD = ("partition", "record_offset")
_DELIVERY = (
    "channel",
    "sku",
    "version",
    "quantity",
    "outcome",
    "attempts",
    "detail",
    "sent_at",
    "finished_at",
    "correlation_id",
    "caused_at",
    "recorded_at",
    "took_us",
)


POSITIONS = Table(
    "positions",
    "Numbers of a SKU at a location, the latest.",
    ("sku", "location", "seq", *_NUMBERS, "claims", "expected", *_CAUSE, *_RECORD),
    ("sku", "location"),
    ("seq",),
)
SKU_SUMMARIES = Table(
    "sku_summaries",
    "Numbers of a SKU that have no location, the latest.",
    (
        "sku",
        "seq",
        "backordered",
        "backordered_by_channel",
        "fences",
        "limits",
        *_CAUSE,
        *_RECORD,
    ),
    ("sku",),
    ("seq",),
)
AVAILABILITY = Table(
    "availability",
    "What a channel may promise of a SKU, the latest version.",
    (
        "channel",
        "sku",
        "quantity",
        "status",
        "next_available",
        "lead_time_days",
        "locations",
        "version",
        "policy_revision",
        "seq",
        "steps",
        *_CAUSE,
        *_RECORD,
    ),
    ("channel", "sku"),
    ("version",),
)
AVAILABILITY_HISTORY = Table(
    "availability_history",
    "What each channel was told of a SKU, and when.",
    (
        *_RECORD,
        "channel",
        "sku",
        "version",
        "quantity",
        "status",
        "policy_revision",
        "seq",
        "recorded_at",
        "correlation_id",
        "told_at",
    ),
    _RECORD,
    retention=Retention("recorded_at", 30),
)
JOURNAL = Table(
    "journal",
    "Every fact of every SKU.",
    (
        "sku",
        "seq",
        *_RECORD,
        "kind",
        "source",
        "event_id",
        "correlation_id",
        "cause_topic",
        "cause_partition",
        "cause_offset",
        "schema_id",
        "payload_hash",
        "occurred_at",
        "recorded_at",
        "caused_at",
        "deltas",
        "flags",
        "places",
        "body",
    ),
    ("sku", "seq"),
)
DEMAND_LINES = Table(
    "demand_lines",
    "Order lines and what became of their units, the latest. From the journal.",
    (
        "sku",
        "order_id",
        "line",
        "seq",
        "reservation",
        "channel",
        "ordered",
        "unordered",
        "reserved",
        "allocated",
        "backordered",
        "shipped",
        "cancelled",
        "expired",
        "rejected",
        "final",
        "priority",
        "places",
        "allocations",
        "expires_at",
        "recorded_at",
        "partition",
    ),
    ("sku", "order_id", "line"),
    ("seq",),
)
TRANSFERS = Table(
    "transfers",
    "What each transfer has in transit, and when it is due, the latest. From the journal.",
    ("sku", "transfer", "seq", "in_transit", "eta", "recorded_at", "partition"),
    ("sku", "transfer"),
    ("seq",),
)
RESERVATION_STATUS = Table(
    "reservation_status",
    "Answers to reservation commands and what became of them. From the journal.",
    (
        "sku",
        "seq",
        "reservation",
        "order_id",
        "line",
        "status",
        "command",
        "quantity",
        "reason",
        "available",
        "source",
        "event_id",
        "recorded_at",
        "partition",
    ),
    ("sku", "seq"),
    retention=Retention("recorded_at", 400),
)
EXCEPTIONS = Table(
    "exceptions",
    "Inputs that were not folded, with their bytes, and findings about those that were.",
    (
        *_RECORD,
        "exception",
        "kind",
        "folded",
        "reason",
        "remedy",
        "sku",
        "source",
        "event_id",
        "event_type",
        "cause_topic",
        "cause_partition",
        "cause_offset",
        "key",
        "value",
        "headers",
        *_CAUSE,
    ),
    _RECORD,
)
DELIVERIES = Table(
    "deliveries",
    "What a channel made of a SKU's latest published availability.",
    (*_DELIVERY, *_RECORD),
    ("channel", "sku"),
    ("version", "record_offset"),
)
DELIVERY_HISTORY = Table(
    "delivery_history",
    "Every outcome of a delivery.",
    (*_RECORD, *_DELIVERY),
    _RECORD,
    retention=Retention("finished_at", 30),
)
_KNOWN = (
    "listing",
    "sent_version",
    "sent_at",
    "accepted_version",
    "applied_version",
    "applied_quantity",
    "applied_at",
    "took_us",
    "observed_version",
    "observed_quantity",
    "observed_at",
)
LISTINGS = Table(
    "listings",
    "How far each listing is: desired, sent, accepted, applied and observed.",
    (
        "channel",
        "sku",
        "desired_version",
        "desired_quantity",
        *_KNOWN,
        "outcome",
        "detail",
        "told_at",
        *_RECORD,
    ),
    ("channel", "sku"),
    ("record_offset",),
    kept=_KNOWN,
)
REEVALUATION = Table(
    "reevaluation",
    "How far each instance of availability is with what it has to look at again, the latest.",
    (
        "instance",
        "began_at",
        "recorded_at",
        "listings",
        "unseen",
        "untold",
        "zeros",
        "channels",
    ),
    ("instance",),
    ("recorded_at",),
)
UNREADABLE = Table(
    "unreadable",
    "Records of our own topics that did not fit the tables, with their bytes.",
    ("topic", *_RECORD, "reason", "key", "value"),
    ("topic", *_RECORD),
    retention=Retention("seen_at", 90),
)

TABLES: tuple[Table, ...] = (
    POSITIONS,
    SKU_SUMMARIES,
    AVAILABILITY,
    AVAILABILITY_HISTORY,
    JOURNAL,
    DEMAND_LINES,
    TRANSFERS,
    RESERVATION_STATUS,
    EXCEPTIONS,
    DELIVERIES,
    DELIVERY_HISTORY,
    LISTINGS,
    REEVALUATION,
    ORDER_CASES,
    ORDERS,
    ORDER_HISTORY,
    PARCELS,
    ITEMS,
    ALIASES,
    UNREADABLE,
)

# Kept for ever, one row each per topic partition, process or cluster: offsets, progress, origin,
# migrations. Rows of projectors leave a day after their last beat.
PROJECTOR_ROW_AGE = timedelta(days=1)
