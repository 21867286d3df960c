"""Reconciliations of shops on record, and repairing what they find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from stockfold.contracts.codec import Record, decode, encode
from stockfold.contracts.topics import RECONCILIATIONS
from stockfold.reconcile.listings import ListingFinding
from stockfold.runtime import audit
from stockfold.runtime.channel_reconcile import Reconciled
from stockfold.runtime.kafka import ensure_topic, topic_exists
from stockfold.runtime.one_record import send_one
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.resends import Resend, ask_to_resend
from stockfold.runtime.settings import Settings

TOLD_MAX = 500
AUDITED_MAX = 1_000
WHY_CHARACTERS_MAX = 300


def last(settings: Settings, channel: str) -> Record | None:
    """The last reconciliation of a channel, or None. KafkaException, UnavailableError."""
    if not topic_exists(settings, RECONCILIATIONS):
        return None
    found: Record | None = None
    for batch in PartitionReader(settings).read(RECONCILIATIONS, 0):
        for record in batch:
            if record.key() == channel.encode() and record.value() is not None:
                found = decode(record.value())[1]
    return found


def record(settings: Settings, found: Reconciled, *, by: str, repaired: int) -> None:
    """Put a reconciliation on record. UnavailableError."""
    ensure_topic(settings, RECONCILIATIONS)
    differing = found.differing
    body = {
        "channel": found.channel,
        "began_at": found.began_us,
        "ended_at": found.ended_us,
        "by": by,
        "products": found.products,
        "kinds": [{"kind": kind, "count": count} for kind, count in sorted(found.kinds.items())],
        "differences": [_difference(one) for one in differing[:TOLD_MAX]],
        "more": max(len(differing) - TOLD_MAX, 0),
        "repaired": repaired,
    }
    send_one(
        settings,
        RECONCILIATIONS,
        found.channel,
        encode("stockfold.ChannelReconciled", body),
        what=f"the reconciliation of {found.channel}",
        remedy="Check the broker, then reconcile again.",
    )


def _difference(one: ListingFinding) -> dict[str, Any]:
    return {
        "sku": one.sku,
        "listing": one.listing,
        "kind": str(one.kind),
        "shows": one.shows,
        "shall": one.shall,
        "why": one.why[:WHY_CHARACTERS_MAX],
    }


def repair(settings: Settings, channel: str, wanted: Sequence[Resend], by: str) -> int:
    """Have the publisher send these once more, audited; how many. UnavailableError."""
    listings = [[one.sku, one.version, one.reason] for one in wanted[:AUDITED_MAX]]
    entry = audit.record(
        settings,
        command="reconcile channel",
        subject=channel,
        details={"count": len(wanted), "listings": listings},
        who=by,
    )
    outcome: audit.Outcome = "failed"
    try:
        ask_to_resend(settings, [msgspec.structs.replace(one, by=by) for one in wanted])
        outcome = "done"
    finally:
        audit.conclude(settings, entry, outcome, {"asked": len(wanted)})
    return len(wanted)
