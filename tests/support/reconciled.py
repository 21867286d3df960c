"""Both sides of a reconciliation in a few words: a told story, and what an ERP's file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stockfold.explain.entry import Entry
from stockfold.reconcile.book import Cut, Place, SkuBook
from stockfold.reconcile.compare import Known, compare
from stockfold.reconcile.findings import Finding
from stockfold.reconcile.statement import Row, Statement
from tests.support.explained import SKU, entries
from tests.support.story import Story, minutes

MINUTE_US = minutes(1) - minutes(0)
CATALOGUE = Known({SKU: []})


def cut(at: float, known: float = 1_000, window: float = 10) -> Cut:
    """As of so many minutes after the story began."""
    return Cut(minutes(at), minutes(known), int(window * MINUTE_US))


def book(told: Story | Iterable[Entry], of: Cut) -> SkuBook:
    """The ledger's side."""
    found = SkuBook(of)
    for entry in entries(told) if isinstance(told, Story) else told:
        found.add(entry)
    return found


def says(figures: Mapping[Place, int], *, complete: bool = False, sku: str = SKU) -> Statement:
    """The file's side."""
    statement = Statement(complete=complete)
    for number, ((location, account), units) in enumerate(figures.items(), 1):
        statement.add(Row(number, sku, location, account, units))
    return statement


def compared(
    told: Story | None,
    theirs: Mapping[Place, int],
    of: Cut,
    known: Known = CATALOGUE,
    *,
    complete: bool = False,
) -> dict[Place, Finding]:
    """The finding of each place."""
    ours = book(told, of) if told is not None else None
    found = compare(SKU, ours, says(theirs, complete=complete), of, known)
    return {(one.location, one.account): one for one in found}
