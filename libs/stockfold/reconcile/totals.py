"""Sums by location and account: of both sides, and against the file's own total."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stockfold.reconcile.book import Place
from stockfold.reconcile.findings import Finding, Kind
from stockfold.reconcile.statement import FileTotal, Statement


class Total(msgspec.Struct):
    """One location and account. ``ours`` and ``theirs`` are of what the file lists.

    ``file_units`` + ``unread_units`` is all that the file says there; of these, ``theirs`` were
    compared and the rest could not be. ``unlisted`` are our units
    there of SKUs that the file does not list.
    """

    location: str
    account: str
    rows: int = 0
    file_units: int = 0
    unread_rows: int = 0
    unread_units: int = 0
    theirs: int = 0
    ours: int = 0
    then: int = 0
    unlisted: int = 0
    agree: int = 0
    differ: int = 0

    @property
    def difference(self) -> int:
        """What would have to be added here."""
        return self.theirs - self.ours

    @property
    def balances(self) -> bool:
        """Whether the compared figures are exactly those of the file."""
        return self.theirs == self.file_units


class Totals:
    """Takes findings as they come."""

    def __init__(self) -> None:
        self._by_place: dict[Place, Total] = {}
        self.kinds: dict[Kind, int] = {}

    def add(self, found: Iterable[Finding]) -> None:
        """Count findings in; those of rows that cannot be read are the file's alone."""
        for one in found:
            self.kinds[one.kind] = self.kinds.get(one.kind, 0) + 1
            total = self._of((one.location, one.account))
            if one.kind is Kind.AGREES:
                total.agree += 1
            else:
                total.differ += 1
            if one.theirs is not None:
                total.theirs += one.theirs
                total.ours += one.ours
                total.then += one.then
            elif one.kind is Kind.MISSING_THERE:
                total.unlisted += one.ours

    def close(self, statement: Statement) -> list[Total]:
        """The totals by location and account, beside the file's own."""
        for place, said in statement.totals.items():
            _beside(self._of(place), said)
        return [self._by_place[place] for place in sorted(self._by_place)]

    def _of(self, place: Place) -> Total:
        total = self._by_place.get(place)
        if total is None:
            total = self._by_place[place] = Total(*place)
        return total


def _beside(total: Total, said: FileTotal) -> None:
    total.rows, total.file_units = said.rows, said.units
    total.unread_rows, total.unread_units = said.unread_rows, said.unread_units
