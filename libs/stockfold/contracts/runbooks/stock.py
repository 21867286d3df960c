"""Runbooks of what was folded and should be looked at, of order cases, and of comparisons."""

from __future__ import annotations

from stockfold.contracts.runbooks.kinds import Runbook

_RESOLVE = "`stockfold exceptions resolve PLACE --reason WHY --dry-run`"

STOCK: tuple[Runbook, ...] = (
    Runbook(
        "negative-stock",
        "A bucket fell below zero",
        "WMS team",
        "Find the missing receipt, or count the bucket; then " + _RESOLVE,
        {
            "exception": ("on_hand_negative", "quality_hold_negative", "damaged_negative"),
            "alert": ("NegativeStock",),
        },
    ),
    Runbook(
        "oversell",
        "More is promised at a place than lies there",
        "support",
        "`stockfold oversell SKU`; source the orders elsewhere or cancel them, then " + _RESOLVE,
        {"exception": ("oversold",), "alert": ("Oversell",)},
    ),
    Runbook(
        "oversold-order",
        "An order that was sold and cannot be served",
        "support",
        "`stockfold cases show CASE`, then `stockfold cases assign CASE OWNER`",
        {"case": ("oversold",)},
    ),
    Runbook(
        "over-receipt",
        "More was received than was ordered",
        "ERP team",
        "Compare with the purchase order; " + _RESOLVE,
        {"exception": ("over_receipt",)},
    ),
    Runbook(
        "transfer-over-receipt",
        "More of a transfer arrived than was sent",
        "WMS team",
        "Have the dispatch told, or `stockfold leaks --kind transfer --send --dry-run`",
        {"exception": ("transfer_over_receipt",)},
    ),
    Runbook(
        "return-over-shipped",
        "More came back than was shipped",
        "WMS team",
        "Compare with the order; " + _RESOLVE,
        {"exception": ("return_over_shipped",)},
    ),
    Runbook(
        "shipped-closed",
        "Shipped although it was cancelled, expired or rejected",
        "support",
        "Call the parcel back, or charge it; " + _RESOLVE,
        {"exception": ("shipped_closed",)},
    ),
    Runbook(
        "shipment-without-line",
        "Shipped for an order line that nobody knows",
        "WMS team",
        "Find its order; " + _RESOLVE,
        {"exception": ("shipment_without_line",)},
    ),
    Runbook(
        "line-cancelled",
        "Allocated for a line that is cancelled",
        "WMS team",
        "Have it deallocated where it was made; " + _RESOLVE,
        {"exception": ("line_cancelled",)},
    ),
    Runbook(
        "occurred-in-future",
        "An event of a time that has not come",
        "engineer",
        "Set the producer's clock; " + _RESOLVE,
        {"exception": ("occurred_in_future",)},
    ),
    Runbook(
        "parked-too-long",
        "A command waits for something that never came",
        "engineer",
        "`stockfold exceptions list --sku SKU --not-folded`; correct or resubmit what it waits for",
        {"exception": ("parked_too_long",)},
    ),
    Runbook(
        "sequence-gap",
        "A producer skipped numbers",
        "ERP team",
        "Have the missing events sent; " + _RESOLVE,
        {"exception": ("sequence_gap",)},
    ),
    Runbook(
        "snapshot-differs",
        "A reported figure differs from the ledger's",
        "WMS team",
        "`stockfold explain SKU LOCATION`; count the shelf or find the event, then " + _RESOLVE,
        {"exception": ("snapshot_differs",)},
    ),
    Runbook(
        "erp-difference",
        "The ERP's figure is not ours",
        "ERP team",
        "`stockfold reconcile erp FILE --as-of T --apply --dry-run`",
        {
            "figure": (
                "late",
                "not_here_yet",
                "timing",
                "in_count_window",
                "missing_here",
                "missing_there",
                "unexplained",
            )
        },
    ),
    Runbook(
        "erp-row",
        "A row of the ERP's file that cannot be compared",
        "ERP team",
        "`stockfold catalog import aliases.csv --dry-run`, or name columns with --mapping",
        {"figure": ("unit_of_measure", "mapping_unknown", "unit_unknown", "bad_row")},
    ),
    Runbook(
        "stuck-life-cycle",
        "Begun and never ended",
        "support",
        "`stockfold leaks --older-than 14d --send --dry-run`",
        {
            "leak": ("reservation", "allocation", "transfer", "return", "inbound"),
            "alert": ("StuckLifeCycle",),
        },
    ),
)
