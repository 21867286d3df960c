"""Where a soft claim may rest: fences, locations, splits (rulings 4, 8, 9, 11, 19)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from stockfold.ledger.entities import Fence
from stockfold.ledger.state import SkuState

Places = list[tuple[str, int]]
NO_BOUND = 1 << 62


def allowance(state: SkuState, channel: str) -> int:
    """Units a channel may still take of the SKU's pool, over all locations.

    Each fence is granted min(unused, pool left) by priority; a channel may take the pool less what
    is granted to others (ruling 4). Where nothing is granted to others there is no bound beyond
    each location's ATP.
    """
    if not state.fences:
        return NO_BOUND
    if len(state.fences) == 1:
        (fence,) = state.fences.values()
        if fence.channel == channel:
            return NO_BOUND
        unused_units = fence.quantity - state.channel_claims(fence.channel)
        if unused_units <= 0:
            return NO_BOUND
        pool = state.pool()
        return pool - min(unused_units, pool)
    pool = state.pool()
    unused = [
        (-f.priority, f.channel, f.quantity - state.channel_claims(f.channel))
        for f in state.fences.values()
    ]
    return pool - sum(units for owner, units in granted(unused, pool) if owner != channel)


def granted(unused: list[tuple[int, str, int]], pool: int) -> list[tuple[str, int]]:
    """What each fence is granted of the pool: min(unused, pool left), by priority (ruling 4).

    ``unused`` are (minus the priority, channel, units fenced that the channel's own claims have not
    used up), units signed. The highest priority comes first, then the channel's name; so fences
    shrink in reverse order when stock falls.
    """
    found = []
    left = pool
    for _, channel, units in sorted(unused):
        taken = min(max(units, 0), left)
        left -= taken
        found.append((channel, taken))
    return found


def held_for_others(
    fences: Iterable[Fence], claims: Mapping[str, int], channel: str, pool: int
) -> int:
    """Units of the pool that fences grant to others than ``channel``; ``claims`` by channel."""
    unused = [(-f.priority, f.channel, f.quantity - claims.get(f.channel, 0)) for f in fences]
    return sum(units for owner, units in granted(unused, max(pool, 0)) if owner != channel)


def backorder_room(state: SkuState, channel: str) -> int:
    """Units a channel may still have waiting (ruling 19)."""
    limit = state.limits.get(channel)
    if limit is None or limit.quantity is None:
        return NO_BOUND
    return max(limit.quantity - state.backordered.get(channel, 0), 0)


def find_places(
    state: SkuState,
    locations: Sequence[str],
    ask: int,
    bound: int,
    *,
    split: bool,
    partial: bool,
) -> Places:
    """Where ``ask`` units are held; fewer than asked only with ``partial``; [] when none.

    One location that takes all comes before a split; a part without ``split`` goes to the listed
    location that can take most, ties to the first listed.
    """
    bound = min(bound, ask)
    if bound <= 0:
        return []
    most, most_at = 0, ""
    for location in locations:
        can = min(state.atp(location), bound)
        if can >= ask:
            return [(location, ask)]
        if can > most:
            most, most_at = can, location
    if not most:
        return []
    if not split:
        return [(most_at, most)] if partial else []
    places: Places = []
    left = bound
    for location in locations:
        taken = min(max(state.atp(location), 0), left)
        if taken:
            places.append((location, taken))
            left -= taken
    held = bound - left
    return places if partial or held == ask else []
