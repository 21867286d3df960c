"""Their side: what a file says of each SKU, location and account, and the file's own totals."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from stockfold.ledger.accounts import FIRST_OUTSIDE, NAMES
from stockfold.reconcile.book import Place

UNPLACED = frozenset({"backordered", *NAMES[FIRST_OUTSIDE:]})
"""Accounts that the ledger keeps by SKU, not by location."""


class Row(msgspec.Struct, frozen=True):
    """One figure of the file, in base units; ``row`` is 1 for the first behind the header."""

    row: int
    sku: str
    location: str
    account: str
    units: int

    @property
    def place(self) -> Place:
        """Where it is compared: outside accounts have no location in the ledger."""
        return ("" if self.account in UNPLACED else self.location, self.account)


class Unread(msgspec.Struct, frozen=True):
    """A row that cannot be compared, and why; ``units`` as written, where they are a number."""

    row: int
    sku: str
    place: Place
    reason: str
    remedy: str
    kind: str
    """``unit_unknown``, ``mapping_unknown`` or ``bad_row``."""
    told: str = ""
    units: int = 0


class Figure(msgspec.Struct):
    """What the file says of one place of a SKU: the sum of its rows."""

    units: int = 0
    rows: int = 0
    first_row: int = 0


class FileTotal(msgspec.Struct):
    """The file's own total of a place: rows that are compared, and those that are not."""

    rows: int = 0
    units: int = 0
    unread_rows: int = 0
    unread_units: int = 0


class Statement:
    """A file, row by row. Rows of one place of a SKU are added up: lots, bins and aliases."""

    def __init__(self, *, complete: bool = False) -> None:
        self.complete = complete
        self.figures: dict[str, dict[Place, Figure]] = {}
        self.unread: list[Unread] = []
        self.totals: dict[Place, FileTotal] = {}
        self.rows = 0

    def add(self, found: Row | Unread) -> None:
        """Take the next figure."""
        total = self.totals.setdefault(found.place, FileTotal())
        self.rows += 1
        if isinstance(found, Unread):
            total.unread_rows += 1
            total.unread_units += found.units
            self.unread.append(found)
            return
        total.rows += 1
        total.units += found.units
        figure = self.figures.setdefault(found.sku, {}).setdefault(found.place, Figure())
        figure.units += found.units
        figure.rows += 1
        figure.first_row = figure.first_row or found.row

    @property
    def scope(self) -> frozenset[Place]:
        """The places that the file speaks of at all; nothing else is compared."""
        return frozenset(self.totals)

    def of(self, sku: str) -> dict[Place, Figure]:
        """What it says of a SKU."""
        return self.figures.get(sku, {})

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)
