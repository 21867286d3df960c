"""Runbooks of what was told and not folded: the event is wrong, or what is known of it."""

from __future__ import annotations

from stockfold.contracts.runbooks.kinds import Runbook

_CORRECT = "`stockfold exceptions correct PLACE --set FIELD=VALUE --reason WHY --dry-run`"
_RESUBMIT = "`stockfold exceptions resubmit --kind KIND --dry-run`"
_DISCARD = "`stockfold exceptions discard PLACE --reason WHY --dry-run`"

INPUTS: tuple[Runbook, ...] = (
    Runbook(
        "undecodable",
        "The bytes are no event",
        "engineer",
        "`stockfold exceptions correct PLACE --body event.json --reason WHY --dry-run`",
        {"exception": ("undecodable", "unsupported_content_type", "invalid_json", "too_large")},
    ),
    Runbook(
        "unknown-schema",
        "The schema is not ours",
        "engineer",
        "`stockfold schemas register --dry-run`, then `stockfold exceptions resubmit --kind KIND`",
        {"exception": ("unknown_schema", "incompatible_schema", "unknown_type")},
    ),
    Runbook(
        "bad-envelope",
        "The CloudEvents headers are incomplete or wrong",
        "engineer",
        "`stockfold exceptions correct PLACE --header NAME=VALUE --reason WHY --dry-run`",
        {"exception": ("bad_envelope", "missing_header")},
    ),
    Runbook(
        "wrong-topic",
        "The event came on a topic that is not its own",
        "engineer",
        "`stockfold exceptions correct PLACE --header ce_type=TYPE --reason WHY --dry-run`",
        {"exception": ("wrong_topic", "type_mismatch")},
    ),
    Runbook(
        "key-mismatch",
        "The key or the partition is not the event's",
        "engineer",
        "`stockfold exceptions correct PLACE --set sku=SKU --reason WHY --dry-run`",
        {"exception": ("key_mismatch", "misrouted_key", "bad_key")},
    ),
    Runbook(
        "bad-value",
        "A field holds what it may not",
        "ERP team",
        _CORRECT,
        {
            "exception": (
                "quantity_out_of_range",
                "bad_identifier",
                "text_too_long",
                "bucket_not_allowed",
                "time_out_of_range",
                "nothing_changes",
                "confidence_out_of_range",
                "bad_revision",
                "no_locations",
                "schema_mismatch",
            )
        },
    ),
    Runbook(
        "bad-order",
        "The order cannot be understood",
        "shop team",
        "`stockfold exceptions show PLACE`; correct the order in the shop, which tells it anew",
        {"exception": ("bad_order", "unknown_status", "unreadable_order")},
    ),
    Runbook(
        "order-forgotten",
        "Something new about an order that is long over",
        "support",
        "Tell what it moves as a warehouse would (a return), then " + _DISCARD,
        {"exception": ("order_forgotten",)},
    ),
    Runbook(
        "unknown-sku",
        "The catalogue does not know the SKU",
        "ERP team",
        "`stockfold catalog import items.csv --dry-run`, then "
        "`stockfold exceptions resubmit --kind KIND`",
        {"exception": ("unknown_sku",)},
    ),
    Runbook(
        "inactive-sku",
        "An order for a SKU that is no longer sold",
        "shop team",
        "Take it from sale in the shop, or import it as active and "
        "`stockfold exceptions resubmit PLACE`",
        {"exception": ("inactive_sku",)},
    ),
    Runbook(
        "unknown-unit",
        "A quantity that does not convert to base units",
        "ERP team",
        "`stockfold catalog import items.csv --dry-run`, then "
        "`stockfold exceptions resubmit --kind KIND`",
        {"exception": ("unknown_unit", "inexact_conversion")},
    ),
    Runbook(
        "no-authority",
        "The source may not say that",
        "engineer",
        "`stockfold catalog import authorities.csv --dry-run`, then "
        "`stockfold exceptions resubmit --kind KIND`",
        {"exception": ("no_authority",)},
    ),
    Runbook(
        "older-than-horizon",
        "Too old to tell whether it is a repeat",
        "ERP team",
        "`stockfold exceptions correct PLACE --header ce_time=NOW --reason WHY --dry-run`",
        {"exception": ("older_than_horizon",)},
    ),
    Runbook(
        "payload-conflict",
        "The same id, other content",
        "ERP team",
        _DISCARD,
        {"exception": ("payload_conflict",)},
    ),
    Runbook(
        "document-differs",
        "Two sources disagree about one document line",
        "WMS team",
        "`stockfold explain SKU`, then count, or `stockfold exceptions resolve PLACE --reason WHY`",
        {"exception": ("document_differs",)},
    ),
    Runbook(
        "count-too-old",
        "A count that can no longer be brought to today",
        "WMS team",
        "Count again, then " + _DISCARD,
        {"exception": ("count_too_old", "count_superseded")},
    ),
    Runbook(
        "count-in-future",
        "A count of a time that has not come",
        "WMS team",
        "`stockfold exceptions correct PLACE --set as_of=TIME --reason WHY --dry-run`",
        {"exception": ("count_in_future",)},
    ),
    Runbook(
        "snapshot-beyond-limit",
        "A reported figure is too far from the ledger to be believed by itself",
        "WMS team",
        "Count the bucket; or raise snapshot_limit and `stockfold exceptions resubmit PLACE`",
        {"exception": ("snapshot_beyond_limit",)},
    ),
    Runbook(
        "bad-bill",
        "A bill of materials that cannot be",
        "ERP team",
        "`stockfold catalog import items.csv --dry-run`, then "
        "`stockfold exceptions resolve PLACE --reason WHY`",
        {"exception": ("bad_bill", "cyclic_bill", "bill_too_large")},
    ),
    Runbook(
        "fences-above-pool",
        "A policy fences more than there is",
        "support",
        "`stockfold policy plan policies.yaml`, then "
        "`stockfold policy apply policies.yaml --dry-run`",
        {"exception": ("fences_above_pool",)},
    ),
    Runbook(
        "erp-refused",
        "The ERP refuses an order",
        "ERP team",
        "Mend what it names there; the next change of the order is handed on by itself",
        {"exception": ("erp_refused",)},
    ),
    Runbook(
        "shipment-refused",
        "A parcel that the shop does not take",
        "shop team",
        "`stockfold exceptions correct PLACE --set order=NUMBER --reason WHY --dry-run`",
        {"exception": ("shipment_refused", "bad_shipment")},
    ),
    Runbook(
        "defect",
        "A defect of stockfold",
        "engineer",
        "Report the traceback; once mended, " + _RESUBMIT,
        {"exception": ("defect",), "alert": ("DefectMet",)},
    ),
)
