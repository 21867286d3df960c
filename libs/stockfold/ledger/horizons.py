"""How old an input may be. Older ones go to the exception desk and are never folded blindly.

A physical fact older than the horizon of repeats might be one; a count older than the horizon of
movements cannot be brought to today (semantics.md, "Inputs").
"""

from __future__ import annotations

import msgspec

from stockfold.domain.times import DAY_US
from stockfold.ledger.facts import Input, Refused

NOT_MOVEMENTS = frozenset(
    {
        "ReserveStock",
        "ExtendReservation",
        "MoveReservation",
        "ReleaseReservation",
        "RingFenceSet",
        "BackorderLimitSet",
        "InboundExpected",
        "InboundClosed",
        "ReturnAuthorized",
        "StockAllocated",
        "StockDeallocated",
        "OrderLineCancelled",
        "StockCounted",
        "StockSnapshotReported",
    }
)
FIGURES = frozenset({"StockCounted", "StockSnapshotReported"})


class Horizons(msgspec.Struct, frozen=True):
    """Ages in microseconds."""

    repeats_us: int = 7 * DAY_US
    movements_us: int = 7 * DAY_US

    def check(self, given: Input, now_us: int, floor_us: int) -> None:
        """Refuse what is too old; ``floor_us`` is the partition's own, see ``dedupe.Window``."""
        occurred_us = given.occurred_us
        if occurred_us <= floor_us or (
            occurred_us < now_us - self.repeats_us and given.type not in NOT_MOVEMENTS
        ):
            raise Refused(
                "older_than_horizon",
                f"event {given.event_id} of {given.source} occurred before the horizon within "
                "which repeats can be told, so it may be one",
                "If it is not a repeat, resubmit it with the time of today.",
            )
        if given.type in FIGURES and given.body["as_of"] < now_us - self.movements_us:
            raise Refused(
                "count_too_old",
                "movements since as_of are no longer remembered, so the figure cannot be brought "
                "to today",
                "Count again.",
            )
