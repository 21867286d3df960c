"""Which SKUs a change of policy can touch; no answer of another can differ."""

from __future__ import annotations

import msgspec

from stockfold.availability.policy import Policy, ReservationTerms

Reach = frozenset[str] | None
"""The SKUs that a change can touch: those with a position at one of these locations; None: all."""

NOTHING: Reach = frozenset()


def reach(old: Policy | None, new: Policy) -> Reach:
    """Which SKUs a change from ``old`` to ``new`` can touch."""
    if old is None or _limits(old) != _limits(new):
        return None
    if old.locations == new.locations:
        return NOTHING
    if old.locations is None or new.locations is None:
        return None
    return frozenset(old.locations) ^ frozenset(new.locations)


def _limits(policy: Policy) -> Policy:
    """The policy without what touches only some SKUs, or none.

    Terms of reservations limit no promise; the zone matters only where days do.
    """
    dated = policy.preorder is not None or policy.backorders is not None
    return msgspec.structs.replace(
        policy,
        revision=0,
        locations=None,
        zone=policy.zone if dated else "",
        reservations=ReservationTerms(),
    )


def widest(one: Reach, other: Reach) -> Reach:
    """What either of two changes can touch."""
    return None if one is None or other is None else one | other
