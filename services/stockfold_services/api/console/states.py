"""What states are called, for people who know shops and not the ledger, and how they look."""

from __future__ import annotations

from stockfold.orders.lifecycle import MEANINGS

LISTING: dict[str, tuple[str, str]] = {
    "": ("good", "shows what it shall"),
    "shadow": ("idle", "not written: its connection does not write this listing in its mode"),
    "refused": ("bad", "the channel refused it, or it was given up"),
    "waiting": ("warn", "not sent yet"),
    "unanswered": ("warn", "sent; the answer is to come, or was unclear"),
    "not_shown": ("bad", "taken by the channel, and not shown"),
    "drifted": ("bad", "somebody else has changed it since"),
}
"""Tone and words of each difference of ``stockfold.explain.listing_states``."""

ORDER: dict[str, str] = MEANINGS

ORDER_TONE: dict[str, str] = {
    "new": "idle",
    "suspended": "bad",
    "reserving": "busy",
    "compensating": "busy",
    "retrying": "busy",
    "held": "idle",
    "confirmed": "good",
    "partial": "bad",
    "backordered": "warn",
    "rejected": "bad",
    "lapsed": "idle",
    "released": "idle",
    "fulfilled": "good",
}
LINE_TONE: dict[str, str] = {
    "waiting": "busy",
    "confirmed": "good",
    "partial": "bad",
    "backordered": "warn",
    "rejected": "bad",
    "released": "idle",
    "shipped": "good",
}

NUMBERS: dict[str, str] = {
    "on_hand": "On hand|n",
    "quality_hold": "Held|n",
    "damaged": "Damaged|n",
    "in_transit": "In transit|n",
    "reserved": "Reserved|n",
    "allocated": "Allocated|n",
    "atp": "ATP|n",
}
"""Heads of a table's columns, aligned as numbers."""
