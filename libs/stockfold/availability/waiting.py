"""How many units of those who wait can be served from which locations: a small maximum flow."""

from __future__ import annotations

from collections.abc import Mapping

Waiting = Mapping[frozenset[str], int]
"""Units that wait, by the locations that may serve them."""


def served(waiting: Waiting, free: Mapping[str, int]) -> int:
    """The most units of ``waiting`` that ``free`` units by location can serve at once."""
    left = {place: units for place, units in free.items() if units > 0}
    taken: dict[tuple[frozenset[str], str], int] = {}
    total = 0
    for group, units in waiting.items():
        open_units = units
        while open_units > 0:
            path = _path(group, left, taken)
            if path is None:
                break
            # Along the path units move over, and the last place gives one more.
            moved = min(open_units, left[path[-1][1]], *(taken[g, p] for g, p in path[1::2]))
            for at, (owner, place) in enumerate(path):
                sign = -1 if at % 2 else 1
                taken[owner, place] = taken.get((owner, place), 0) + sign * moved
            left[path[-1][1]] -= moved
            open_units -= moved
            total += moved
    return total


def _path(
    group: frozenset[str],
    left: Mapping[str, int],
    taken: Mapping[tuple[frozenset[str], str], int],
) -> list[tuple[frozenset[str], str]] | None:
    """Takes and gives, in turn, that end at a place with units left; None when there is none."""
    seen = {group}
    paths: list[tuple[frozenset[str], list[tuple[frozenset[str], str]]]] = [(group, [])]
    for owner, path in paths:
        for place in sorted(owner):
            if left.get(place, 0) > 0:
                return [*path, (owner, place)]
            for (other, held), units in taken.items():
                if held == place and units > 0 and other not in seen:
                    seen.add(other)
                    paths.append((other, [*path, (owner, place), (other, place)]))
    return None
