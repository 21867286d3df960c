"""The state of one SKU: numbers in one flat array, everything rare in dicts made on demand.

Ten million SKU-locations must fit one machine; ``make bench`` says what one costs.
"""

from __future__ import annotations

from array import array
from types import MappingProxyType
from typing import Any, cast

from stockfold.ledger.accounts import (
    ALLOCATED,
    ON_HAND,
    OUTSIDE_COUNT,
    RESERVED,
    STRIDE,
)
from stockfold.ledger.entities import (
    Ahead,
    Fence,
    Inbound,
    Limit,
    Line,
    Parked,
    Return,
    SecondHand,
    Transfer,
)
from stockfold.ledger.numbers import Numbers
from stockfold.ledger.ranked import Ranked

LineKey = tuple[str, str]
ExpectedRow = tuple[str, str, int, int | None, int]
"""(inbound, line, units, ETA in UTC microseconds or None, confidence percent)."""

_NO_ROW = array("q", [0] * STRIDE)
_NOTHING_OUTSIDE = (0,) * OUTSIDE_COUNT

EMPTY: dict[Any, Any] = cast("dict[Any, Any]", MappingProxyType({}))
"""Stands for every table that a SKU has not needed yet; ``own`` replaces it before a write. Most
SKUs need few, and an empty dict costs 64 bytes."""


class SkuState:
    """Everything the fold of one SKU holds. Changed only by ``evolve``."""

    __slots__ = (
        "ahead",
        "allocations",
        "backordered",
        "book",
        "claims",
        "counts",
        "document_times",
        "documents",
        "expected",
        "expiring",
        "fences",
        "inbounds",
        "limits",
        "lines",
        "locations",
        "moves",
        "moves_floor_us",
        "next_expiry_us",
        "numbers",
        "outside",
        "parked",
        "reservations",
        "returns",
        "seq",
        "sku",
        "transfers",
        "waiting",
    )

    def __init__(
        self,
        sku: str,
        locations: list[str] | None = None,
        book: array[int] | None = None,
        outside: array[int] | None = None,
        moves: array[int] | None = None,
    ) -> None:
        self.sku = sku
        self.seq = 0
        self.locations: list[str] = [] if locations is None else locations
        self.book = array("q") if book is None else book
        self.outside = array("q", _NOTHING_OUTSIDE) if outside is None else outside
        self.claims: dict[tuple[str, str], list[int]] = EMPTY
        """(location, channel) -> [reserved, allocated], while either is open."""
        self.backordered: dict[str, int] = EMPTY
        self.lines: dict[LineKey, Line] = EMPTY
        self.reservations: dict[str, LineKey] = EMPTY
        self.allocations: dict[str, LineKey] = EMPTY
        self.waiting: Ranked | None = None
        """Lines with backordered units: higher priority first, then who began to wait first."""
        self.expiring: Ranked | None = None
        """Lines whose reservation lapses, by when, in UTC microseconds."""
        self.next_expiry_us = 0
        """No open reservation expires before this; 0 when none expires."""
        self.transfers: dict[str, Transfer] = EMPTY
        self.inbounds: dict[str, Inbound] = EMPTY
        self.expected: dict[str, list[ExpectedRow]] = EMPTY
        self.returns: dict[str, Return] = EMPTY
        self.numbers: dict[str, Numbers] = EMPTY
        """Per source that numbers its events: the numbers it has used."""
        self.fences: dict[str, Fence] = EMPTY
        self.limits: dict[str, Limit] = EMPTY
        self.documents: dict[tuple[str, str, str], int | str | SecondHand] = EMPTY
        """(event type, document, line) -> units and shelves that it told ("5 DC on_hand"); units
        alone in a journal of before, more where the authority may still correct it."""
        self.document_times: dict[tuple[str, str, str], int] = EMPTY
        """When each of them was last recorded, UTC microseconds."""
        self.counts: dict[tuple[str, int], int] = EMPTY
        self.moves = array("q") if moves is None else moves
        """Recent movements of counted buckets, three numbers each: row * 4 + bucket, occurred at
        (UTC microseconds), units."""
        self.moves_floor_us = 0
        """Movements that occurred at or before this may be forgotten; older counts are refused."""
        self.ahead: tuple[Ahead, ...] = ()
        self.parked: dict[str, list[Parked]] = EMPTY

    def own(self, table: str) -> dict[Any, Any]:
        """The named table, ready to be written."""
        found: dict[Any, Any] = getattr(self, table)
        if found is EMPTY:
            found = {}
            setattr(self, table, found)
        return found

    def shipped_ahead(self, allocation: str, reservation: str) -> list[Ahead]:
        """Shipments that wait for this allocation or reservation; empty names match nothing."""
        return [
            a
            for a in self.ahead
            if (allocation and a.allocation == allocation)
            or (reservation and a.reservation == reservation)
        ]

    def number(self, location: str, account: int) -> int:
        """One bucket or claim at a location; 0 for a location never seen."""
        try:
            return self.book[self.locations.index(location) * STRIDE + account]
        except ValueError:
            return 0

    def row(self, location: str) -> array[int]:
        """The six numbers of a location, in the order of ``accounts``."""
        try:
            at = self.locations.index(location) * STRIDE
        except ValueError:
            return _NO_ROW
        return self.book[at : at + STRIDE]

    def atp(self, location: str) -> int:
        """on_hand - allocated - reserved, signed (semantics.md, "ATP now")."""
        try:
            at = self.locations.index(location) * STRIDE
        except ValueError:
            return 0
        book = self.book
        return book[at + ON_HAND] - book[at + RESERVED] - book[at + ALLOCATED]

    def pool(self) -> int:
        """ATP of the SKU: the sum of max(ATP at location, 0)."""
        book = self.book
        total = 0
        for at in range(0, len(book), STRIDE):
            atp = book[at] - book[at + RESERVED] - book[at + ALLOCATED]
            if atp > 0:
                total += atp
        return total

    def moved_after(self, location: str, bucket: int, as_of_us: int) -> int:
        """Units that moved in a counted bucket strictly after a time (ruling 16)."""
        try:
            wanted = self.locations.index(location) * 4 + bucket
        except ValueError:
            return 0
        moves = self.moves
        times = moves[1::3]
        if not times or max(times) <= as_of_us:  # As for a figure of just now.
            return 0
        return sum(
            units
            for place, at_us, units in zip(moves[::3], times, moves[2::3], strict=True)
            if place == wanted and at_us > as_of_us
        )

    def deficit(self) -> int:
        """The sum of max(-ATP at location, 0), reported beside ATP, never netted."""
        return sum(max(-self.atp(location), 0) for location in self.locations)

    def channel_claims(self, channel: str) -> int:
        """Reserved and allocated units of a channel, over all locations."""
        return sum(
            held[0] + held[1] for (_, owner), held in self.claims.items() if owner == channel
        )
