"""Dated ATP of a kit. Pure.

For each day, what the kit's own stock promises and what can be assembled of what its components
promise for that day. A component's later demand lowers its earlier promises, and so the kit's.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stockfold.availability.kit_promises import KitSeries, PartSeries
from stockfold.availability.kits import buildable, limits
from stockfold.domain.bills import Tree
from stockfold.domain.days import DayOf
from stockfold.ledger.dated import Series, series
from stockfold.ledger.outlook import NO_OUTLOOK, Outlook


def kit_series(
    tree: Tree,
    outlooks: Mapping[str, Outlook],
    day_of: DayOf,
    today: int,
    days: int,
    location: str | None = None,
) -> KitSeries:
    """The dated ATP of a kit, or of it at one location. ValueError as of ``series``.

    ``outlooks`` of the kit and of its parts; who has none was never held.
    """
    own = _series(tree.bills[0].sku, outlooks, day_of, today, days, location)
    parts = {sku: _series(sku, outlooks, day_of, today, days, location) for sku in tree.parts}
    promised, limited_by = _assembled(tree, {sku: of.promises for sku, of in parts.items()}, days)
    projected, _ = _assembled(tree, {sku: of.projection for sku, of in parts.items()}, days)
    whole = msgspec.structs.replace(
        own,
        projection=tuple(a + b for a, b in zip(own.projection, projected, strict=True)),
        promises=tuple(a + b for a, b in zip(own.promises, promised, strict=True)),
    )
    needed = dict(tree.leaves)
    components = tuple(PartSeries(sku, needed.get(sku, 0), of) for sku, of in parts.items())
    return KitSeries(whole, tuple(limited_by), components)


def _series(
    sku: str,
    outlooks: Mapping[str, Outlook],
    day_of: DayOf,
    today: int,
    days: int,
    location: str | None,
) -> Series:
    return series(outlooks.get(sku, NO_OUTLOOK), day_of, today, days, location)


def _assembled(
    tree: Tree, levels: Mapping[str, tuple[int, ...]], days: int
) -> tuple[list[int], list[str]]:
    """Kits that can be made for each day, and the component that allows the fewest."""
    built: list[int] = []
    fewest: list[str] = []
    before: dict[str, int] | None = None
    for day in range(days):
        units = {sku: of[day] for sku, of in levels.items()}
        if units == before:
            built.append(built[-1])
            fewest.append(fewest[-1])
        else:
            built.append(buildable(tree, units))
            fewest.append(limits(tree, units)[0].sku)
        before = units
    return built, fewest
