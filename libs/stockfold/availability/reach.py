"""Which SKUs a change can touch; no answer of another can differ."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from stockfold.availability.categories import upwards
from stockfold.availability.policy import (
    Backorder,
    Policy,
    Promotion,
    ReservationTerms,
    RingFence,
    Safety,
    Silence,
)
from stockfold.availability.positions import SkuPositions
from stockfold.availability.surroundings import NO_PLACES, Places

_NONE: frozenset[str] = frozenset()


class Reach(msgspec.Struct, frozen=True):
    """The SKUs that a change can touch: all, or those that meet any of the rest.

    Those with a position at one of the ``locations``, those named, those of a category named or of
    one below it, and with ``expecting`` those with inbound lines.
    """

    everything: bool = False
    locations: frozenset[str] = _NONE
    skus: frozenset[str] = _NONE
    categories: frozenset[str] = _NONE
    expecting: bool = False

    def __or__(self, other: Reach) -> Reach:
        """What either of two changes can touch."""
        if self.everything or other.everything:
            return EVERYTHING
        return Reach(
            False,
            self.locations | other.locations,
            self.skus | other.skus,
            self.categories | other.categories,
            self.expecting or other.expecting,
        )

    def __bool__(self) -> bool:
        return self != NOTHING

    def touches(self, positions: SkuPositions, category: str) -> bool:
        """Whether a SKU of this category can be touched."""
        if self.everything or positions.sku in self.skus:
            return True
        if self.locations and not self.locations.isdisjoint(positions.locations):
            return True
        if self.categories and any(name in self.categories for name in upwards(category)):
            return True
        return self.expecting and any(place.expected for place in positions.locations.values())


NOTHING = Reach()
EVERYTHING = Reach(everything=True)


def reach(
    old: Policy | None,
    new: Policy,
    places: Places = NO_PLACES,
    *,
    moment_us: int = 0,
    silent: Iterable[str] = (),
) -> Reach:
    """Which SKUs a change from ``old`` to ``new`` can touch.

    ``moment_us`` says which windows are open; one that is not touches nothing before it opens.
    ``silent`` are the locations whose source is silent: terms of silence touch no others.
    """
    if old is None or _general(old) != _general(new):
        return EVERYTHING
    found = _of_places(old, new, places) | _of_safety(old, new)
    for before, after in ((old.ring_fences, new.ring_fences), (old.backorders, new.backorders)):
        found |= _of_terms(before, after)
    found |= of_windows(open_windows(old, moment_us), open_windows(new, moment_us))
    if old.preorder != new.preorder:
        found |= Reach(expecting=True)
    if old.zone != new.zone and is_dated(new):
        found |= Reach(expecting=True)
    if old.silence != new.silence:
        found |= Reach(locations=frozenset(silent))
    return found


def of_windows(before: tuple[Promotion, ...], after: tuple[Promotion, ...]) -> Reach:
    """Whom it touches that other windows are open, or the same ones in another order."""
    found = NOTHING
    if before != after:
        for window in {*before, *after}:
            everything = not window.skus and not window.categories
            found |= Reach(
                everything, skus=frozenset(window.skus), categories=frozenset(window.categories)
            )
    return found


def _general(policy: Policy) -> Policy:
    """The policy without what touches only some SKUs, or none at all."""
    return msgspec.structs.replace(
        policy,
        revision=0,
        zone="",
        locations=None,
        tags=(),
        safety=tuple(rule for rule in policy.safety if _is_general(rule)),
        ring_fences=None,
        backorders=None,
        preorder=None,
        promotions=(),
        reservations=ReservationTerms(),
        silence=Silence(),
    )


def _is_general(rule: Safety | Backorder) -> bool:
    location = rule.location if isinstance(rule, Safety) else ""
    return not (rule.sku or rule.category or location)


def _of_places(old: Policy, new: Policy, places: Places) -> Reach:
    before = places.eligible(old.locations, old.tags)
    after = places.eligible(new.locations, new.tags)
    if before == after:
        return NOTHING
    if before is None or after is None:
        return EVERYTHING
    return Reach(locations=frozenset(before) ^ frozenset(after))


def _of_safety(old: Policy, new: Policy) -> Reach:
    found = NOTHING
    for rule in set(old.safety) ^ set(new.safety):
        if rule.sku:
            found |= Reach(skus=frozenset({rule.sku}))
        elif rule.category:
            found |= Reach(categories=frozenset({rule.category}))
        elif rule.location:
            found |= Reach(locations=frozenset({rule.location}))
    return found


def _of_terms(
    before: tuple[RingFence, ...] | tuple[Backorder, ...] | None,
    after: tuple[RingFence, ...] | tuple[Backorder, ...] | None,
) -> Reach:
    if before == after:
        return NOTHING
    if before is None or after is None:
        return EVERYTHING
    found = NOTHING
    for rule in {*before} ^ {*after}:
        if rule.sku:
            found |= Reach(skus=frozenset({rule.sku}))
        elif rule.category:
            found |= Reach(categories=frozenset({rule.category}))
        else:
            return EVERYTHING
    return found


def open_windows(policy: Policy, moment_us: int) -> tuple[Promotion, ...]:
    """The promotion windows of a policy that are open at a moment."""
    return tuple(w for w in policy.promotions if w.starts_at <= moment_us < w.ends_at)


def is_dated(policy: Policy) -> bool:
    """Whether the day matters to what the policy promises."""
    return policy.preorder is not None or policy.backorders is not None
