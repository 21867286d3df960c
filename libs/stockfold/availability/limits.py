"""The rules that leave less to this channel: windows, ring-fences, shares, thresholds, ceilings."""

from __future__ import annotations

from stockfold.availability import words
from stockfold.availability.categories import upwards
from stockfold.availability.draft import Draft
from stockfold.availability.policy import Promotion
from stockfold.availability.positions import Grants, SkuPositions
from stockfold.availability.stock import part_down
from stockfold.ledger.sourcing import granted


def promotion(draft: Draft) -> None:
    """Note the first window that is open now and that the SKU is in; it changes no number here."""
    moment_us = draft.surroundings.moment_us
    for window in draft.policy.promotions:
        if window.starts_at <= moment_us < window.ends_at and _fits(window, draft):
            draft.window = window
            draft.note("promotion", words.promotion, window.name)
            return


def _fits(window: Promotion, draft: Draft) -> bool:
    if not window.skus and not window.categories:
        return True
    if draft.positions.sku in window.skus:
        return True
    return any(name in window.categories for name in upwards(draft.surroundings.category))


def fences(draft: Draft) -> None:
    """Leave the units of other channels' ring-fences alone, as the ledger would.

    The ledger's own rule (``sourcing.granted``), of the fences that it has folded: a channel may
    take the pool of all locations less what is granted to others. A channel's own claims have used
    up its fence by as much.
    """
    positions = draft.positions
    if not positions.summary.fences:
        return
    plain = not draft.arriving and not draft.policy.in_transit
    grants = positions.grants if plain else None
    if grants is None:
        grants = _grants(positions, _pool(draft))
        if plain:
            positions.grants = grants
    pool, fenced = grants
    bound = pool
    draft.fenced = 0
    for owner, units in fenced:
        if owner == draft.policy.channel:
            draft.fenced = units
        else:
            bound -= units
    if bound < draft.quantity:
        taken = draft.quantity - bound
        draft.quantity = bound
        others = [(owner, units) for owner, units in fenced if owner != draft.policy.channel]
        draft.note("ring_fences", words.ring_fences, taken, others)


def _grants(positions: SkuPositions, pool: int) -> Grants:
    """What the ring-fences of the SKU are granted of a pool; none that is granted nothing."""
    claimed = claims_by_channel(positions)
    unused = [
        (-priority, owner, units - claimed.get(owner, 0))
        for owner, units, priority, _ in positions.summary.fences
    ]
    return pool, [(owner, units) for owner, units in granted(unused, pool) if units]


def claims_by_channel(positions: SkuPositions) -> dict[str, int]:
    """Reserved and allocated units of each channel, over all locations."""
    found: dict[str, int] = {}
    for numbers in positions.locations.values():
        for channel, reserved, allocated in numbers.claims:
            found[channel] = found.get(channel, 0) + reserved + allocated
    return found


def _pool(draft: Draft) -> int:
    """Σ max(ATP at location, 0) over every location, with the supply that this policy counts."""
    total = 0
    arriving, moving = draft.arriving, draft.policy.in_transit
    for location, numbers in draft.positions.locations.items():
        units = numbers.atp + arriving.get(location, 0)
        if moving and numbers.in_transit > 0:
            units += numbers.in_transit
        if units > 0:
            total += units
    return total


def share(draft: Draft) -> None:
    """Leave the channel its share of what no fence holds, rounded down, and its own fence whole."""
    running = draft.quantity
    if running > 0:
        own = min(draft.fenced, running)
        draft.quantity = own + part_down(running - own, draft.policy.share)
        draft.note("share", words.share, draft.policy.share, running - own, own)


def publish_zero(draft: Draft) -> None:
    """Tell nothing rather than the last few."""
    running = draft.quantity
    if 0 < running <= draft.policy.publish_zero_at:
        draft.quantity = 0
        draft.note("publish_zero", words.publish_zero, running, draft.policy.publish_zero_at)


def ceiling(draft: Draft) -> None:
    """Tell no more than the ceiling, the one of the open promotion window before the policy's."""
    most = most_told(draft)
    if most is not None and draft.quantity > most:
        draft.quantity = most
        draft.note("ceiling", words.ceiling, most)


def most_told(draft: Draft) -> int | None:
    """The ceiling that holds now; None when there is none."""
    if draft.window is not None and draft.window.ceiling is not None:
        return draft.window.ceiling
    return draft.policy.ceiling
