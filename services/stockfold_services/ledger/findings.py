"""Findings: flags on folded facts that a person should look at, with what to do."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """What a flag means and what to do about it."""

    reason: str
    remedy: str


FINDINGS = {
    "on_hand_negative": Finding(
        "on-hand fell below zero: more left the shelf than was ever received or counted",
        "Find the missing receipt, or count the shelf.",
    ),
    "quality_hold_negative": Finding(
        "more left quality hold than was ever put there",
        "Find the missing receipt or return, or count the bucket.",
    ),
    "damaged_negative": Finding(
        "more damaged units left than were ever put there",
        "Find the missing status change, or count the bucket.",
    ),
    "oversold": Finding(
        "more is allocated here than is on hand",
        "Source the orders elsewhere, or cancel what cannot be served.",
    ),
    "over_receipt": Finding(
        "more was received than the inbound line ordered",
        "Check the receipt against the purchase order.",
    ),
    "transfer_over_receipt": Finding(
        "more of the transfer was received than was dispatched",
        "Check the dispatch, or close the transfer to settle the difference.",
    ),
    "return_over_shipped": Finding(
        "more came back for the order line than was shipped",
        "Check the return against the order.",
    ),
    "shipped_closed": Finding(
        "units were shipped although they had been cancelled, expired or rejected",
        "Check whether the parcel can be called back; the numbers are right.",
    ),
    "shipment_without_line": Finding(
        "the shipment names no known order line",
        "Check which order it belongs to; the units have left the shelf.",
    ),
    "line_cancelled": Finding(
        "an allocation was told for a cancelled line: it claims nothing",
        "Deallocate it where it was made.",
    ),
    "occurred_in_future": Finding(
        "the event says it happened later than the ledger's clock; now is used instead",
        "Set the producer's clock.",
    ),
    "parked_too_long": Finding(
        "a command has waited too long for the reservation or allocation that it names",
        "Find out why that never came; send it, or discard the command.",
    ),
    "sequence_gap": Finding(
        "the producer skipped numbers of this SKU: events are missing, or late",
        "Ask the producer for what is missing; late ones are folded when they come.",
    ),
    "document_differs": Finding(
        "two sources told different quantities of one document line; the authority's stands",
        "Look at the fact's note for both quantities, and find out why the other source is wrong.",
    ),
    "snapshot_differs": Finding(
        "the reported figure differs from what the ledger held at that time",
        "Look at the fact's note for both figures; count the shelf, or find the missing event.",
    ),
}
