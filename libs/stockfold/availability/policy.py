"""A channel's policy: what it may promise from, and what is kept back."""

from __future__ import annotations

import msgspec

UNITS_MAX = 10**12
"""More than this is nonsense in any quantity (rulings.md, 27)."""


class Policy(msgspec.Struct, frozen=True):
    """What one channel may promise from. The newest ``revision`` rules.

    ``locations`` of None means all. ``safety_stock`` is in units per SKU. At or below
    ``low_stock`` units the status is low; 0 means never. ``zone`` is the IANA zone of the
    channel's days. ``per_location`` asks for the breakdown.
    """

    channel: str
    revision: int
    zone: str = "UTC"
    locations: tuple[str, ...] | None = None
    safety_stock: int = 0
    low_stock: int = 0
    per_location: bool = False


def problems(policy: Policy) -> list[str]:
    """What makes a policy unfit to be in force, one sentence each; empty when it is fit."""
    found = []
    if not policy.channel or "|" in policy.channel:
        found.append(f"channel {policy.channel!r} is empty or holds the sign |")
    if policy.revision < 1:
        found.append(f"revision {policy.revision} is below 1")
    for name, units in (("safety_stock", policy.safety_stock), ("low_stock", policy.low_stock)):
        if not 0 <= units <= UNITS_MAX:
            found.append(f"{name} {units} is not between 0 and 10^12 units")
    if policy.locations is not None:
        if any(not location or "|" in location for location in policy.locations):
            found.append("a location is empty or holds the sign |")
        if len(set(policy.locations)) != len(policy.locations):
            found.append("a location is named more than once")
    return found


def same_rules(one: Policy, other: Policy) -> bool:
    """Whether two policies differ in nothing but their revision and the order of locations."""
    return _normal(one) == _normal(other)


def _normal(policy: Policy) -> Policy:
    places = policy.locations
    ordered = None if places is None else tuple(sorted(places))
    return msgspec.structs.replace(policy, revision=0, locations=ordered)


Reach = frozenset[str] | None
"""The SKUs that a change can touch: those with a position at one of these locations; None: all."""

NOTHING: Reach = frozenset()


def reach(old: Policy | None, new: Policy) -> Reach:
    """Which SKUs a change from ``old`` to ``new`` can touch; no other answer can differ."""
    if old is None or (old.safety_stock, old.low_stock, old.per_location) != (
        new.safety_stock,
        new.low_stock,
        new.per_location,
    ):
        return None
    if old.locations == new.locations:
        return NOTHING
    if old.locations is None or new.locations is None:
        return None
    return frozenset(old.locations) ^ frozenset(new.locations)


def widest(one: Reach, other: Reach) -> Reach:
    """What either of two changes can touch."""
    return None if one is None or other is None else one | other
