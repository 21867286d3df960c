"""What is remembered of one order and of one listing, to know what a channel has sold."""

from __future__ import annotations

from collections import deque

import msgspec

from stockfold_services.publisher.sales import SoldLine

SALES_KEPT = 16


class Step(msgspec.Struct):
    """How a line of the ledger stood from ``seq`` on; heard at ``at_s``, during ``tick``."""

    seq: int
    units: int
    tick: int
    at_s: float


class OrderEntry:
    """One order: as the shop shows it, and what was claimed for it."""

    __slots__ = ("claims", "lines", "noticed_s", "placed_us", "revision", "settled")

    def __init__(self) -> None:
        self.revision = -1
        self.placed_us = 0
        self.noticed_s = 0.0
        self.lines: tuple[SoldLine, ...] = ()
        self.claims: dict[tuple[str, str], list[Step]] = {}
        self.settled: dict[str, int] = {}
        """Units by line that count as here without a claim of their own."""


class ListingEntry:
    """One listing: what it showed, and what must be missing since."""

    __slots__ = (
        "base", "looked_s", "resold", "resold_then", "sales_s", "seen_s", "sent_s", "shown", "sold",
        "sold_then", "unexplained", "unexplained_s",
    )  # fmt: skip

    def __init__(self) -> None:
        self.base: int | None = None
        """What the channel showed when it was last known, by our write or by a reading."""
        self.sold = 0
        """Units noticed as sold since."""
        self.shown: int | None = None
        self.sold_then = 0
        """Of ``sold``, what was noticed before ``shown`` was asked for."""
        self.resold = self.resold_then = 0
        """Units of orders that changed since: given up and taken again, they look the same."""
        self.unexplained = 0
        self.unexplained_s = 0.0
        self.seen_s: float | None = None
        self.looked_s = 0.0
        self.sent_s = 0.0
        self.sales_s: deque[float] = deque(maxlen=SALES_KEPT)
