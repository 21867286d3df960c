"""How many units of those who wait can be served from which locations: a small maximum flow."""

from __future__ import annotations

from collections.abc import Mapping

Waiting = Mapping[frozenset[str], int]
"""Units that wait, by the locations that may serve them."""


Taken = dict[str, dict[frozenset[str], int]]
"""Units by location, and by who has taken them."""
Step = tuple[frozenset[str], str]


def served(waiting: Waiting, free: Mapping[str, int]) -> int:
    """The most units of ``waiting`` that ``free`` units by location can serve at once."""
    left = {place: units for place, units in free.items() if units > 0}
    taken: Taken = {}
    total = 0
    for group, units in waiting.items():
        open_units = units
        while open_units > 0:
            path = _path(group, left, taken)
            if path is None:
                break
            # Along the path units move over, and the last place gives one more.
            last = path[-1][1]
            moved = min(open_units, left[last], *(taken[p][g] for g, p in path[1::2]))
            for at, (owner, place) in enumerate(path):
                holders = taken.setdefault(place, {})
                holders[owner] = holders.get(owner, 0) + (-moved if at % 2 else moved)
            left[last] -= moved
            open_units -= moved
            total += moved
    return total


def _path(group: frozenset[str], left: Mapping[str, int], taken: Taken) -> list[Step] | None:
    """Takes and gives, in turn, that end at a place with units left; None when there is none."""
    seen = {group}
    passed: set[str] = set()
    paths: list[tuple[frozenset[str], list[Step]]] = [(group, [])]
    for owner, path in paths:
        for place in owner:
            if left.get(place, 0) > 0:
                return [*path, (owner, place)]
        for place in owner - passed:
            passed.add(place)
            for other, units in taken.get(place, {}).items():
                if units > 0 and other not in seen:
                    seen.add(other)
                    paths.append((other, [*path, (owner, place), (other, place)]))
    return None
