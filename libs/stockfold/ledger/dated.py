"""Dated ATP: what may be promised for each day (semantics.md, "Dated ATP").

Days are whole days since 1970 in one named zone; the caller converts times to them. Supply that is
overdue or has no date stands beside the series: not silently counted, not silently dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import msgspec

from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.entities import Line
from stockfold.ledger.state import ExpectedRow, SkuState

DAYS_MAX = 732

DayOf = Callable[[int], int]
"""The day, in the series' zone, of a time in UTC microseconds."""


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
    state: SkuState, day_of: DayOf, today: int, days: int, location: str | None = None
) -> Series:
    """The dated ATP of a SKU, or of it at one location. ValueError beyond ``DAYS_MAX`` days.

    Reservations fall on their ``needed_on``, allocations today; a backorder on its supply line's
    day, an untied one today (ruling 21).
    """
    if not 0 < days <= DAYS_MAX:
        raise ValueError(f"days must be 1 to {DAYS_MAX}")
    places = [location] if location is not None else state.locations
    supplies = list(_supplies(state, day_of, location))
    changes: dict[int, int] = {}
    for supply in supplies:
        if supply.day is not None and supply.day >= today:
            _add(changes, supply.day - today, supply.units)
    eta_days = {(s.inbound, s.line): s.day for s in supplies}
    claimed = 0
    for line in state.lines.values():
        claimed += _demand(changes, line, eta_days, today, location)
    # Claims of no known line would be a defect; what lines do not explain counts today.
    held = sum(state.number(place, RESERVED) + state.number(place, ALLOCATED) for place in places)
    _add(changes, 0, claimed - held)
    start = sum(state.number(place, ON_HAND) for place in places)
    projection, least = promises(start, changes, days)
    return Series(
        today,
        tuple(projection),
        tuple(least),
        tuple(s for s in supplies if s.day is not None and s.day < today),
        tuple(s for s in supplies if s.day is None),
    )


def _add(changes: dict[int, int], day: int, units: int) -> None:
    if units:
        changes[max(day, 0)] = changes.get(max(day, 0), 0) + units


def _demand(
    changes: dict[int, int],
    line: Line,
    eta_days: Mapping[tuple[str, str], int | None],
    today: int,
    location: str | None,
) -> int:
    """Add a line's demand to its days; returns its reserved and allocated units here."""
    reserved = sum(u for place, u in line.reserved if location in {None, place})
    allocated = sum(a.open for a in line.allocations if location in {None, a.location})
    needed = line.needed_on if line.needed_on is not None else today
    _add(changes, needed - today, -reserved)
    _add(changes, 0, -allocated)
    if line.backordered and location is None:
        day = eta_days.get(line.supply) if line.supply is not None else None
        _add(changes, (day if day is not None else today) - today, -line.backordered)
    return reserved + allocated


def _supplies(state: SkuState, day_of: DayOf, location: str | None) -> Iterable[Supply]:
    rows: Iterable[tuple[str, list[ExpectedRow]]] = state.expected.items()
    for place, expected in rows:
        if location in {None, place}:
            for inbound, line, units, eta_us, confidence in expected:
                day = day_of(eta_us) if eta_us is not None else None
                yield Supply(inbound, line, place, units, day, confidence)
    for transfer in state.transfers.values():
        for place, units in transfer.posted:
            if units > 0 and location in {None, place}:
                day = day_of(transfer.eta_us) if transfer.eta_us is not None else None
                yield Supply(transfer.id, "", place, units, day)
