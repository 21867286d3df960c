"""Where an ask is held: a pure choice among places (ReserveStock, rulings 8 and 9)."""

from __future__ import annotations


def choose(
    ask: int,
    places: list[str],
    atp: dict[str, int],
    cap: int,
    *,
    allow_split: bool,
    allow_partial: bool,
) -> dict[str, int]:
    """Units to hold per place; empty when nothing can be held under the flags.

    ``atp`` is signed per place; ``cap`` what the channel may take in all.
    """
    places = list(dict.fromkeys(places))
    can = {place: max(min(atp.get(place, 0), cap), 0) for place in places}
    for place in places:  # the first listed location that can take it whole
        if can[place] >= ask:
            return {place: ask}
    total = min(cap, sum(can.values()))
    if allow_split and (allow_partial or total >= ask):  # in order
        return _fill(min(ask, total), can)
    if allow_partial and not allow_split and places:
        # Ruling 9: the listed location that can take most; max() keeps the first of ties.
        best = max(places, key=lambda place: can[place])
        return _fill(can[best], {best: can[best]})
    return {}  # Ruling 8: whole or not at all.


def _fill(quantity: int, can: dict[str, int]) -> dict[str, int]:
    held = {}
    for place, most in can.items():
        part = min(quantity, most)
        if part > 0:
            held[place] = part
            quantity -= part
    return held
