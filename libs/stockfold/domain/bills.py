"""Bills of materials: a kit may hold kits, but never itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_cycle(components: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """A path from a SKU back to itself, such as (A, B, A); empty when there is none.

    ``components`` has the SKUs of each kit's components. Iterative, so that deep nesting costs
    memory and not the stack; the smallest SKU of the first circle found comes first.
    """
    done: set[str] = set()
    for start in components:
        if start in done:
            continue
        path: dict[str, None] = {start: None}
        trail = [iter(components[start])]
        while trail:
            inner = next(trail[-1], None)
            if inner is None:
                trail.pop()
                done.add(path.popitem()[0])
            elif inner in path:
                names = list(path)
                return _from_smallest(names[names.index(inner) :])
            elif inner not in done and inner in components:
                path[inner] = None
                trail.append(iter(components[inner]))
    return ()


def _from_smallest(circle: list[str]) -> tuple[str, ...]:
    at = circle.index(min(circle))
    return (*circle[at:], *circle[:at], circle[at])
