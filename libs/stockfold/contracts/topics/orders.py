"""Orders: what shops tell of them, and what becomes of them."""

from __future__ import annotations

from stockfold.contracts.topics.topic import DAY_MS, Topic


def _by_order(
    name: str,
    owner: str,
    doc: str,
    schemas: tuple[str, ...],
    *,
    key: str = "channel|order",
    compacted: bool = False,
    log_append_time: bool = False,
) -> Topic:
    return Topic(
        name,
        owner,
        doc,
        key,
        schemas,
        keyed_by_sku=False,
        keyed_by_order=True,
        compacted=compacted,
        log_append_time=log_append_time,
    )


ORDERS = _by_order(
    "stockfold.orders.v1",
    "shops, through the gateway",
    "What orders are now like, what reviews say of them, and what people did about their cases.",
    ("stockfold.OrderChanged", "stockfold.OrderReviewed", "stockfold.OrderCaseChanged"),
    log_append_time=True,
)

SHIPMENTS = Topic(
    "stockfold.shipments.v1",
    "WMS and ERP",
    "Parcels that have left, with carrier and tracking, for the shops that sold what is in them.",
    "channel|order",
    ("stockfold.OrderShipped",),
    keyed_by_sku=False,
    keyed_by_order=True,
    retention_ms=30 * DAY_MS,
)

ORDER_ANSWERS = _by_order(
    "stockfold.order-answers.v1",
    "orders",
    "The ledger's answers about order lines, handed on to whoever has the order's partition.",
    ("stockfold.ReservationStatus",),
    log_append_time=True,
)

ORDER_JOURNAL = _by_order(
    "stockfold.order-journal.v1",
    "orders",
    "Every decision about every order, and the marks of the inputs it covers.",
    ("stockfold.OrderFact", "stockfold.InputsRead"),
    key="channel|order; none for marks",
)

ORDER_STATUS = _by_order(
    "stockfold.order-status.v1",
    "orders",
    "Where each order stands, line by line; the latest wins.",
    ("stockfold.OrderStatus",),
    compacted=True,
)

ORDER_CASES = _by_order(
    "stockfold.order-cases.v1",
    "orders",
    "What a person must settle about an order, such as an oversold line; the latest wins.",
    ("stockfold.OrderCase",),
    key="case",
    compacted=True,
)

ORDER_SWEEPS = Topic(
    "stockfold.order-sweeps.v1",
    "sweeper and gateway",
    "Up to when each shop's changed orders were read, and orders that are to be looked up there.",
    "cursor|channel, or question|channel|order|asked at",
    ("stockfold.SweepReached", "stockfold.OrderToLookUp"),
    keyed_by_sku=False,
    partitions=1,
    compacted=True,
)
