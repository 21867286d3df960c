"""Taking claims off a (copied) demand line, and naming whose they are."""

from __future__ import annotations

from stockfold.ledger.accounts import ALLOCATED, BACKORDERED, RESERVED, Delta
from stockfold.ledger.entities import Allocation, Line


def take_reserved(line: Line, units: int, location: str, deltas: list[Delta]) -> int:
    """Take soft units, there first, then elsewhere by preference; how many it took."""
    left = units
    places = line.reserved
    if len(places) > 1:
        rank = {place: i for i, place in enumerate(line.locations)}
        places = tuple(sorted(places, key=lambda r: (r[0] != location, rank.get(r[0], len(rank)))))
    for place, held in places:
        taken = min(held, left)
        if taken:
            line.add_reserved(place, -taken)
            deltas.append((RESERVED, place, line.channel, -taken))
            left -= taken
    return units - left


def give_back(line: Line, units: int) -> list[Delta]:
    """Take soft units off a (copied) line: backordered first, then from the last preference."""
    deltas: list[Delta] = []
    waiting = min(line.backordered, units)
    if waiting:
        line.backordered -= waiting
        deltas.append((BACKORDERED, "", line.channel, -waiting))
        units -= waiting
    if units:
        rank = {place: i for i, place in enumerate(line.locations)}
        last_first = sorted(
            line.reserved, key=lambda held: rank.get(held[0], len(rank)), reverse=True
        )
        for place, held in last_first:
            taken = min(held, units)
            if taken:
                line.add_reserved(place, -taken)
                deltas.append((RESERVED, place, line.channel, -taken))
                units -= taken
    return deltas


def know_channel(line: Line, channel: str) -> list[Delta]:
    """Name a (copied) line's channel; claims of no channel become that channel's (ruling 18)."""
    line.channel = channel
    deltas: list[Delta] = []
    if channel and line.allocations:
        owned = []
        for held in line.allocations:
            if not held.channel and held.open:
                deltas.append((ALLOCATED, held.location, "", -held.open))
                deltas.append((ALLOCATED, held.location, line.channel, held.open))
                owned.append(
                    Allocation(held.id, held.location, line.channel, held.quantity, held.open)
                )
            else:
                owned.append(held)
        line.allocations = tuple(owned)
    return deltas
