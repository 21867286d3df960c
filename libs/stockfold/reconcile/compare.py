"""Both sides of a SKU, place by place: what agrees, what differs, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from stockfold.availability.words import units
from stockfold.ledger.accounts import NAMES, RESERVED
from stockfold.reconcile.book import Cut, Place, PlaceBook, SkuBook
from stockfold.reconcile.explaining import explained
from stockfold.reconcile.findings import Finding, Kind
from stockfold.reconcile.statement import Figure, Statement, Unread

_EMPTY = PlaceBook()
_PHYSICAL = NAMES[:RESERVED]
_REMEDY = {
    Kind.IN_COUNT_WINDOW: "Compare with a later figure, or with a shorter window.",
}
UnitRatio = tuple[str, int, int]
"""(unit, numerator, denominator): ``denominator`` of it are ``numerator`` base units."""


class Waiting(msgspec.Struct, frozen=True):
    """Units that a place would gain (or lose) by something that has not been folded yet."""

    units: int
    what: str
    remedy: str


class Known(msgspec.Struct):
    """What is known of SKUs and places besides their movements."""

    skus: Mapping[str, Sequence[UnitRatio]] = {}
    """SKUs of the catalogue, with their units besides the base unit."""
    locations: frozenset[str] = frozenset()
    waiting: Mapping[tuple[str, Place], Sequence[Waiting]] = {}


def compare(
    sku: str, book: SkuBook | None, statement: Statement, cut: Cut, known: Known
) -> list[Finding]:
    """Every place of a SKU that the file lists, or speaks of and does not list."""
    ours = book.places if book is not None else {}
    figures = statement.of(sku)
    places = set(figures)
    if book is not None:
        places |= {p for p, held in ours.items() if p in statement.scope and held.later}
    strange = book is None and sku not in known.skus
    found = [
        _finding(sku, place, ours.get(place), figures.get(place), statement, cut, known, strange)
        for place in sorted(places)
    ]
    return _moved_there(found)


def of_unread(rows: Iterable[Unread]) -> list[Finding]:
    """The findings of rows that cannot be compared."""
    return [
        Finding(
            one.sku,
            *one.place,
            Kind(one.kind),
            0,
            0,
            None,
            f"row {one.row}: {one.reason}" + (f" ({one.told})" if one.told else ""),
            one.remedy,
            row=one.row,
        )
        for one in rows
    ]


def unknown_locations(found: Iterable[Finding], locations: frozenset[str]) -> list[Finding]:
    """The same findings; what they have at a location that nobody here knows is a mapping's."""
    return [
        msgspec.structs.replace(
            one,
            kind=Kind.MAPPING_UNKNOWN,
            why=f"no location here is called {one.location!r}",
            remedy="Import an alias of the source for the location, or the location itself.",
        )
        if one.kind is Kind.MISSING_HERE and one.location and one.location not in locations
        else one
        for one in found
    ]


def _finding(
    sku: str,
    place: Place,
    held: PlaceBook | None,
    figure: Figure | None,
    statement: Statement,
    cut: Cut,
    known: Known,
    strange: bool,
) -> Finding:
    book = held if held is not None else _EMPTY
    theirs = figure.units if figure is not None else 0 if statement.complete else None
    row = figure.first_row if figure is not None else 0
    since = any(m.us > cut.at_us for m in book.counted_since)
    base = Finding(
        sku, *place, Kind.AGREES, book.later, book.then, theirs, row=row, counted_since=since
    )
    if theirs is None:
        return _told(
            base,
            Kind.MISSING_THERE,
            "the file does not list it",
            "If it is zero there, have the file say so, or give --complete.",
        )
    if theirs == book.later:
        return base
    if strange:
        return _told(
            base,
            Kind.MAPPING_UNKNOWN,
            "neither the ledger nor the catalogue knows the SKU",
            "Import an alias of the source for it, or the item itself.",
        )
    reason = explained(book, cut, theirs - book.later)
    if reason is not None:
        kind, why, movements = reason
        return _told(base, kind, why, _REMEDY.get(kind, ""), movements)
    return _otherwise(base, held, known)


def _otherwise(base: Finding, held: PlaceBook | None, known: Known) -> Finding:
    """A difference that the place's own movements do not explain."""
    difference = base.difference
    assert base.theirs is not None
    for waiting in known.waiting.get((base.sku, (base.location, base.account)), ()):
        if waiting.units == difference:
            return _told(base, Kind.NOT_HERE_YET, waiting.what, waiting.remedy)
    for unit, numerator, denominator in known.skus.get(base.sku, ()):
        if base.theirs * numerator == base.ours * denominator and base.ours:
            return _told(
                base,
                Kind.UNIT_OF_MEASURE,
                f"{base.theirs} {unit} are {units(base.ours)}",
                f"Have the file name its unit: a column unit, with {unit}.",
            )
    if held is None:
        return _told(base, Kind.MISSING_HERE, "nothing was ever told of it here")
    return _told(base, Kind.UNEXPLAINED, "")


def _moved_there(found: list[Finding]) -> list[Finding]:
    """Two places of which one has as much more as the other has less: moved there, not yet here."""
    open_ends = {
        at: one.difference
        for at, one in enumerate(found)
        if one.kind in (Kind.UNEXPLAINED, Kind.MISSING_HERE) and one.account in _PHYSICAL
    }
    for at, gained in list(open_ends.items()):
        if at not in open_ends or not gained or gained < 0:
            continue
        pair = next((b for b, lost in open_ends.items() if lost == -gained), None)
        if pair is None:
            continue
        why = f"they have moved {units(gained)} from {_named(found[pair])} to {_named(found[at])}"
        for end in (at, pair):
            del open_ends[end]
            found[end] = _told(
                found[end],
                Kind.NOT_HERE_YET,
                why,
                "Send the transfer or the change of status; it comes as soon as it is told here.",
            )
    return found


def _named(finding: Finding) -> str:
    return f"{finding.account.replace('_', ' ')} at {finding.location}"


def _told(
    base: Finding, kind: Kind, why: str, remedy: str = "", movements: tuple[object, ...] = ()
) -> Finding:
    return msgspec.structs.replace(base, kind=kind, why=why, remedy=remedy, movements=movements)
