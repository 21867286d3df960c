"""Dated ATP (Two books): what may be promised for each day of a horizon."""

from __future__ import annotations


def promises(on_hand: int, changes: dict[int, int], days: int) -> list[int]:
    """ATP per day 0 to days - 1: the least of the projection from that day to the end.

    ``changes`` are net units per day: supply positive, dated demand negative.
    """
    level, projection = on_hand, []
    for day in range(days):
        level += changes.get(day, 0)
        projection.append(level)
    return [min(projection[day:]) for day in range(days)]
