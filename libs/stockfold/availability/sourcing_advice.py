"""Order sourcing advice: from which locations an order had best be sent. Pure, and only advice.

What counts, in this order: as many units as possible, from as few locations as possible, as near
to the destination as possible, by the priority of the locations, by their names. Sets of locations
are tried from the smallest on, so the first that covers all has the fewest; beyond ``SETS_MAX`` of
them a greedy choice stands, and is said to be one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import msgspec

from stockfold.availability import sourcing_words as words

SETS_MAX = 20_000
"""Enough for any answer of four parcels from 26 useful locations, or of three from 49."""

Left = dict[str, int]
"""Units still wanted, by SKU."""


class OrderLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of a SKU; a SKU may stand on several lines."""

    sku: str
    quantity: int


class Stock(msgspec.Struct, frozen=True):
    """What may be promised of a SKU now: by location, and of all of them together.

    ``allowance`` of None is no bound beyond that of the locations; ring-fences of other channels
    make one (rulings.md, 4).
    """

    places: Mapping[str, int]
    allowance: int | None = None

    @property
    def takeable(self) -> int:
        """Units that can be taken over all locations."""
        free = sum(units for units in self.places.values() if units > 0)
        return free if self.allowance is None else max(min(free, self.allowance), 0)


class Source(msgspec.Struct, frozen=True):
    """A location that may send: what a parcel to the destination costs, and its priority.

    ``cost`` of None is not known, and counts as dearer than all that are; the higher priority
    comes first.
    """

    location: str
    cost: int | None = None
    priority: int = 0


class Pick(msgspec.Struct, frozen=True):
    """Units of a SKU to be sent from a location."""

    location: str
    sku: str
    quantity: int


class Advice(msgspec.Struct, frozen=True):
    """What to send from where, what nobody has, and why so.

    ``splits`` are parcels beyond the first. ``exact`` tells that no better answer exists.
    """

    picks: tuple[Pick, ...]
    missing: tuple[OrderLine, ...]
    locations: tuple[str, ...]
    splits: int
    cost: int | None
    exact: bool
    reasons: tuple[str, ...]


def advise(
    lines: Sequence[OrderLine], stock: Mapping[str, Stock], sources: Sequence[Source]
) -> Advice:
    """Where an order had best come from. ValueError for a quantity below 1 or a location twice.

    Demand for the same SKU is added up first. What cannot be covered from anywhere is ``missing``;
    the rest is covered whole.
    """
    if any(line.quantity < 1 for line in lines):
        raise ValueError("a line asks for at least 1 unit")
    if len({source.location for source in sources}) != len(sources):
        raise ValueError("a location is named more than once")
    wanted: Left = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + line.quantity
    names = {source.location for source in sources}
    held = {sku: _among(stock.get(sku, Stock({})), names) for sku in wanted}
    # What is scarce comes first: sets that lack it are soon passed over.
    scarce = sorted(wanted, key=lambda sku: (len(held[sku].places), sku))
    target = {sku: min(wanted[sku], held[sku].takeable) for sku in scarce}
    useful = sorted(
        (s for s in sources if any(_gives(held, target, s.location).values())), key=_rank
    )
    chosen, exact = _choose(target, held, useful)
    picks, used = _picks(target, held, chosen)
    missing = tuple(
        OrderLine(sku, units - target[sku]) for sku, units in wanted.items() if units > target[sku]
    )
    costs = [source.cost for source in used]
    cost = None if None in costs else sum(c for c in costs if c is not None)
    return Advice(
        picks,
        missing,
        tuple(source.location for source in used),
        max(len(used) - 1, 0),
        cost,
        exact,
        tuple(words.reasons(wanted, held, missing, used, useful, exact=exact)),
    )


def _among(stock: Stock, names: set[str]) -> Stock:
    places = {p: units for p, units in stock.places.items() if p in names and units > 0}
    return Stock(places, stock.allowance)


def _gives(held: Mapping[str, Stock], left: Left, place: str) -> Left:
    """What a location can give of what is left."""
    return {sku: min(held[sku].places.get(place, 0), units) for sku, units in left.items()}


def _covers(held: Mapping[str, Stock], target: Left, places: Sequence[Source]) -> bool:
    return all(
        sum(held[sku].places.get(source.location, 0) for source in places) >= units
        for sku, units in target.items()
    )


def _rank(source: Source) -> tuple[bool, int, int, str]:
    """Near, preferred, then by name."""
    return source.cost is None, source.cost or 0, -source.priority, source.location


def _worth(places: Sequence[Source]) -> tuple[int, int, int, list[str]]:
    """What makes one set of as many locations better than another: the less the better."""
    return (
        sum(source.cost is None for source in places),
        sum(source.cost or 0 for source in places),
        -sum(source.priority for source in places),
        [source.location for source in places],
    )


def _choose(
    target: Left, held: Mapping[str, Stock], useful: Sequence[Source]
) -> tuple[list[Source], bool]:
    """The locations to send from, and whether no better set exists."""
    if not any(target.values()):
        return [], True
    greedy = _greedy(target, held, useful)
    tried = 0
    for size in range(1, len(useful) + 1):
        best: list[Source] | None = None
        for places in combinations(useful, size):
            tried += 1
            if tried > SETS_MAX:
                return greedy, False
            if _covers(held, target, places) and (best is None or _worth(places) < _worth(best)):
                best = list(places)
        if best is not None:
            return best, True
    return greedy, False


def _greedy(target: Left, held: Mapping[str, Stock], useful: Sequence[Source]) -> list[Source]:
    """One location that has all, the nearest; else, again and again, the one that gives most."""
    for source in useful:
        if _covers(held, target, [source]):
            return [source]
    left, chosen = dict(target), list[Source]()
    while any(left.values()):
        rest = [source for source in useful if source not in chosen]
        most = max(rest, key=lambda s: sum(_gives(held, left, s.location).values()))
        for sku, units in _gives(held, left, most.location).items():
            left[sku] -= units
        chosen.append(most)
    # Whoever came early may have become needless.
    for source in sorted(chosen, key=_rank, reverse=True):
        others = [other for other in chosen if other is not source]
        if _covers(held, target, others):
            chosen = others
    return sorted(chosen, key=_rank)


def _picks(
    target: Left, held: Mapping[str, Stock], chosen: Sequence[Source]
) -> tuple[tuple[Pick, ...], list[Source]]:
    """Units from the nearest of the chosen first."""
    left, picks, used = dict(target), list[Pick](), list[Source]()
    for source in chosen:
        given = {sku: u for sku, u in _gives(held, left, source.location).items() if u}
        for sku, units in given.items():
            left[sku] -= units
            picks.append(Pick(source.location, sku, units))
        if given:
            used.append(source)
    assert not any(left.values()), "the locations were chosen because they cover it"
    return tuple(picks), used
