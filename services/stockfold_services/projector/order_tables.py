"""The tables of the read model that are about orders."""

from __future__ import annotations

from stockfold_services.projector.table import Retention, Table

_RECORD = ("partition", "record_offset")

ORDER_CASES = Table(
    "order_cases",
    "What a person must settle about orders, the latest; the case's key of the topic is case_id.",
    (
        "case_id",
        "channel",
        "order_id",
        "line",
        "kind",
        "state",
        "owner",
        "sku",
        "missing",
        "reason",
        "changed_by",
        "opened_at",
        "changed_at",
        *_RECORD,
    ),
    ("case_id",),
    ("record_offset",),
)
ORDERS = Table(
    "orders",
    "Where each order stands, with its lines as their record tells them, the latest.",
    (
        "channel",
        "order_id",
        "version",
        "revision",
        "status",
        "reason",
        "told",
        "accepted",
        "expires_at",
        "ledger_order",
        "lines",
        "recorded_at",
        "correlation_id",
        "caused_at",
        *_RECORD,
    ),
    ("channel", "order_id"),
    ("version", "record_offset"),
)
ORDER_HISTORY = Table(
    "order_history",
    "What each order went through; what one batch of the service passed over is not in it.",
    (
        *_RECORD,
        "channel",
        "order_id",
        "version",
        "status",
        "reason",
        "told",
        "source",
        "event_id",
        "recorded_at",
        "correlation_id",
    ),
    _RECORD,
    retention=Retention("recorded_at", 400),
)
PARCELS = Table(
    "parcels",
    "Parcels that have left, as their shop is told of them. The first of a name stays.",
    (
        "channel",
        "order_id",
        "shipment",
        "shipped_at",
        "carrier",
        "tracking_number",
        "tracking_url",
        "lines",
        *_RECORD,
    ),
    ("channel", "order_id", "shipment"),
    retention=Retention("shipped_at", 400),
)
