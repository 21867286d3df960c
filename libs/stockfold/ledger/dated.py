"""Dated ATP: what may be promised for each day (semantics.md, "Dated ATP").

Days are whole days since 1970 in one named zone; the caller converts times to them. Supply that is
overdue or has no date stands beside the series: not silently counted, not silently dropped.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from stockfold.domain.days import DayOf
from stockfold.ledger.entities import Line
from stockfold.ledger.outlook import Outlook

DAYS_MAX = 732


class Supply(msgspec.Struct, frozen=True):
    """Units that are to come, by their document and line; a transfer has no line."""

    inbound: str
    line: str
    location: str
    units: int
    day: int | None
    confidence: int = 100


class Series(msgspec.Struct, frozen=True):
    """Numbers per day from ``today``; ``promises[i]`` may be promised for day ``today + i``."""

    today: int
    projection: tuple[int, ...]
    promises: tuple[int, ...]
    overdue: tuple[Supply, ...]
    undated: tuple[Supply, ...]


def promises(on_hand: int, changes: Mapping[int, int], days: int) -> tuple[list[int], list[int]]:
    """Projection and promises of days 0 to ``days`` - 1.

    ``changes`` are net units per day: supply positive, dated demand negative. A promise is the
    least of the projection from its day to the end, so later demand lowers earlier promises.
    """
    level = on_hand
    projection = []
    for day in range(days):
        level += changes.get(day, 0)
        projection.append(level)
    least = list(projection)
    for day in range(days - 2, -1, -1):
        least[day] = min(least[day], least[day + 1])
    return projection, least


def series(
    outlook: Outlook, day_of: DayOf, today: int, days: int, location: str | None = None
) -> Series:
    """The dated ATP of a SKU, or of it at one location. ValueError beyond ``DAYS_MAX`` days.

    Reservations fall on their ``needed_on``, allocations today; a backorder on its supply line's
    day, an untied one today (ruling 21).
    """
    if not 0 < days <= DAYS_MAX:
        raise ValueError(f"days must be 1 to {DAYS_MAX}")
    supplies = supplies_of(outlook, day_of)
    here = [s for s in supplies if location in {None, s.location}]
    changes: dict[int, int] = {}
    for supply in here:
        if supply.day is not None and supply.day >= today:
            _add(changes, supply.day - today, supply.units)
    # A backorder is tied to a line wherever that line is due.
    eta_days = {(s.inbound, s.line): s.day for s in supplies}
    claimed = 0
    for line in outlook.lines:
        for day, units in demand_of(line, eta_days, today, location):
            _add(changes, day - today, -units)
        claimed += _claims(line, location)
    # Claims of no known line would be a defect; what lines do not explain counts today.
    held = sum(u for place, u in outlook.held.items() if location in {None, place})
    _add(changes, 0, claimed - held)
    start = sum(u for place, u in outlook.on_hand.items() if location in {None, place})
    projection, least = promises(start, changes, days)
    return Series(
        today,
        tuple(projection),
        tuple(least),
        tuple(s for s in here if s.day is not None and s.day < today),
        tuple(s for s in here if s.day is None),
    )


def supplies_of(outlook: Outlook, day_of: DayOf) -> list[Supply]:
    """What is to come, with the day it is due on."""
    return [
        Supply(
            c.inbound,
            c.line,
            c.location,
            c.units,
            None if c.eta_us is None else day_of(c.eta_us),
            c.confidence,
        )
        for c in outlook.coming
    ]


def demand_of(
    line: Line,
    eta_days: Mapping[tuple[str, str], int | None],
    today: int,
    location: str | None,
) -> list[tuple[int, int]]:
    """(day, units) of what a line claims at a location, or of all that it has open."""
    reserved = sum(u for place, u in line.reserved if location in {None, place})
    allocated = sum(a.open for a in line.allocations if location in {None, a.location})
    needed = line.needed_on if line.needed_on is not None else today
    found = [(needed, reserved), (today, allocated)]
    if location is None:
        found.append((waits_until(line, eta_days, today), line.backordered))
    return [(day, units) for day, units in found if units]


def waits_until(line: Line, eta_days: Mapping[tuple[str, str], int | None], today: int) -> int:
    """The day that a line's backorder counts on: its supply line's, or today (ruling 21)."""
    day = eta_days.get(line.supply) if line.supply is not None else None
    return today if day is None else day


def _claims(line: Line, location: str | None) -> int:
    reserved = sum(u for place, u in line.reserved if location in {None, place})
    return reserved + sum(a.open for a in line.allocations if location in {None, a.location})


def _add(changes: dict[int, int], day: int, units: int) -> None:
    if units:
        changes[max(day, 0)] = changes.get(max(day, 0), 0) + units
