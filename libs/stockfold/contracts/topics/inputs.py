"""What is told to the ledger, by SKU."""

from __future__ import annotations

from stockfold.contracts.topics.topic import Topic


def _input(name: str, owner: str, doc: str, schemas: tuple[str, ...]) -> Topic:
    return Topic(name, owner, doc, "SKU", schemas, log_append_time=True)


RECEIPTS = _input(
    "stockfold.receipts.v1",
    "ERP and WMS",
    "Inbound documents and goods received.",
    ("stockfold.InboundExpected", "stockfold.InboundClosed", "stockfold.GoodsReceived"),
)

TRANSFERS = _input(
    "stockfold.transfers.v1",
    "WMS",
    "Movements between locations.",
    ("stockfold.TransferDispatched", "stockfold.TransferReceived", "stockfold.TransferClosed"),
)

RETURNS = _input(
    "stockfold.returns.v1",
    "WMS and stores",
    "Goods that come back from customers.",
    ("stockfold.ReturnAuthorized", "stockfold.ReturnReceived", "stockfold.ReturnDispositioned"),
)

ADJUSTMENTS = _input(
    "stockfold.adjustments.v1",
    "ERP and WMS",
    "Corrections, status changes, counts and reported snapshots.",
    (
        "stockfold.StockAdjusted",
        "stockfold.StockStatusChanged",
        "stockfold.StockCounted",
        "stockfold.StockSnapshotReported",
    ),
)

RESERVATIONS = _input(
    "stockfold.reservations.v1",
    "orders and the policy compiler",
    "Commands about promises, ring-fences and backorder limits.",
    (
        "stockfold.ReserveStock",
        "stockfold.ExtendReservation",
        "stockfold.MoveReservation",
        "stockfold.ReleaseReservation",
        "stockfold.RingFenceSet",
        "stockfold.BackorderLimitSet",
    ),
)

ALLOCATIONS = _input(
    "stockfold.allocations.v1",
    "ERP and WMS",
    "Commitments, shipments and cancellations of order lines.",
    (
        "stockfold.StockAllocated",
        "stockfold.StockDeallocated",
        "stockfold.StockShipped",
        "stockfold.OrderLineCancelled",
    ),
)
