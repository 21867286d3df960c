"""What a ledger's state comes to as positions, without the way over the topics."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from stockfold.availability.limits import claims_by_channel
from stockfold.availability.positions import LocationNumbers, SkuPositions, Summary
from stockfold.ledger.accounts import NAMES, STRIDE
from stockfold.ledger.sourcing import granted
from stockfold.ledger.state import SkuState

Place = tuple[str, str]
"""(location, channel)."""


def could_give(positions: SkuPositions, channel: str, locations: tuple[str, ...]) -> int:
    """Units that the ledger would hold for a channel at these locations, by the fences known."""
    free = {place: max(row.atp, 0) for place, row in positions.locations.items()}
    pool = sum(free.values())
    claimed = claims_by_channel(positions)
    unused = [
        (-rank, owner, units - claimed.get(owner, 0))
        for owner, units, rank, _ in positions.summary.fences
    ]
    kept = sum(units for owner, units in granted(unused, pool) if owner != channel)
    return max(min(sum(free.get(place, 0) for place in locations), pool - kept), 0)


def positions_of(
    state: SkuState, beyond: Mapping[Place, int] = MappingProxyType({})
) -> SkuPositions:
    """A ledger's state as positions; ``beyond`` are units claimed there besides."""
    found = SkuPositions(state.sku)
    found.seq = state.seq
    claims: dict[str, dict[str, tuple[int, int]]] = {}
    for (location, channel), held in state.claims.items():
        claims.setdefault(location, {})[channel] = (held[0], held[1])
    more: dict[str, int] = {}
    for (location, channel), units in beyond.items():
        if units:
            soft, hard = claims.setdefault(location, {}).get(channel, (0, 0))
            claims[location][channel] = (soft + units, hard)
            more[location] = more.get(location, 0) + units
    for location in state.locations:
        row = dict(zip(NAMES[:STRIDE], state.row(location), strict=True))
        extra = more.get(location, 0)
        row["reserved"] += extra
        found.locations[location] = LocationNumbers(
            **row,
            atp=state.atp(location) - extra,
            claims=tuple((c, *held) for c, held in claims.get(location, {}).items()),
            expected=tuple(state.expected.get(location, ())),
            seq=state.seq,
        )
    found.summary = Summary(
        tuple(state.backordered.items()),
        tuple((f.channel, f.quantity, f.priority, f.revision) for f in state.fences.values()),
        tuple((m.channel, m.quantity, m.revision) for m in state.limits.values()),
        state.seq,
    )
    return found
