"""The two books of a SKU (semantics.md, "Two books") and their accounts, as small integers.

Accounts below ``CLAIMS_FROM`` and the first outside account hold units; claims say who was promised
them. Facts carry deltas as ``(account, location, channel, quantity)``.
"""

from __future__ import annotations

from typing import Final

ON_HAND: Final = 0
QUALITY_HOLD: Final = 1
DAMAGED: Final = 2
IN_TRANSIT: Final = 3
RESERVED: Final = 4
ALLOCATED: Final = 5
BACKORDERED: Final = 6
SUPPLIER: Final = 7
CUSTOMER: Final = 8
LOST: Final = 9
SCRAPPED: Final = 10
ADJUSTMENT: Final = 11

NAMES: Final = (
    "on_hand",
    "quality_hold",
    "damaged",
    "in_transit",
    "reserved",
    "allocated",
    "backordered",
    "supplier",
    "customer",
    "lost",
    "scrapped",
    "adjustment",
)
CODES: Final = {name: code for code, name in enumerate(NAMES)}

CLAIMS_FROM: Final = RESERVED
STRIDE: Final = 6
"""Numbers kept per location: the four buckets, reserved and allocated."""
FIRST_OUTSIDE: Final = SUPPLIER
OUTSIDE_COUNT: Final = len(NAMES) - FIRST_OUTSIDE
COUNTED_BELOW: Final = IN_TRANSIT
"""Buckets that can be counted: on_hand, quality_hold, damaged (ruling 16)."""

Delta = tuple[int, str, str, int]
