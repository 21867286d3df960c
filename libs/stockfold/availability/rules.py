"""The rules, one small step each. Every step moves the running quantity and says so in words.

Nothing is clamped between them: the running quantity is signed, and what is below zero stays to be
seen in the steps. Only ``publish`` ends at zero (semantics.md, "nothing is clamped inside").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from stockfold.availability import words
from stockfold.availability.answer import Answer, Breakdown, Note, Status
from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions


class Draft:
    """An answer in the making. ``atp`` holds the signed ATP of each eligible location."""

    __slots__ = ("atp", "notes", "policy", "positions", "quantity")

    def __init__(self, policy: Policy, positions: SkuPositions) -> None:
        self.policy = policy
        self.positions = positions
        self.quantity = 0
        self.atp: dict[str, int] = {}
        self.notes: list[Note] = []

    def note(self, what: str, say: Callable[..., str], *about: Any) -> None:
        """Record the step just taken; the words are found only when somebody asks."""
        self.notes.append((what, self.quantity, say, about))


Rule = Callable[[Draft], None]


def on_hand(draft: Draft) -> None:
    """Start from the units on the shelf at the eligible locations."""
    total = 0
    atp = draft.atp
    for location, numbers in _eligible(draft):
        total += numbers.on_hand
        atp[location] = numbers.atp
    draft.quantity = total
    draft.note("on_hand", words.on_hand, total, len(atp), draft.policy.locations is not None)


def promised(draft: Draft) -> None:
    """Take off what is reserved or allocated there, by whichever channel."""
    net = sum(draft.atp.values())
    claims = draft.quantity - net
    if claims:
        draft.quantity = net
        draft.note("promised", words.promised, claims)


def deficit(draft: Draft) -> None:
    """Report what is missing at a location beside the rest, so that it hides no stock elsewhere.

    pool = Σ max(ATP at location, 0): a deficit is never netted (semantics.md, "ATP now").
    """
    missing = [(location, -atp) for location, atp in draft.atp.items() if atp < 0]
    if missing:
        draft.quantity += sum(units for _, units in missing)
        draft.note("deficit", words.deficit, sorted(missing))


def safety_stock(draft: Draft) -> None:
    """Keep the channel's safety stock back. It limits what is published, not what is honoured."""
    kept = draft.policy.safety_stock
    if kept:
        draft.quantity -= kept
        draft.note("safety_stock", words.safety_stock, kept)


def publish(draft: Draft) -> None:
    """End at zero at the least: a channel cannot sell less than nothing."""
    running = draft.quantity
    if running < 0:
        draft.quantity = 0
    draft.note("published", words.published, draft.quantity, running)


PIPELINE: tuple[Rule, ...] = (on_hand, promised, deficit, safety_stock, publish)
"""The order of the rules. Ring-fences, shares, ceilings and supply to come have their places
between ``deficit``, which makes the pool, and ``publish``."""


def status_of(quantity: int, low_stock: int) -> Status:
    """``out_of_stock`` at nothing, ``low_stock`` at or below the mark, else ``in_stock``."""
    if quantity <= 0:
        return "out_of_stock"
    return "low_stock" if quantity <= low_stock else "in_stock"


def compute(policy: Policy, positions: SkuPositions) -> Answer:
    """What the channel may promise of the SKU. Pure: equal arguments give equal answers."""
    draft = Draft(policy, positions)
    for rule in PIPELINE:
        rule(draft)
    quantity = draft.quantity
    return Answer(
        quantity,
        status_of(quantity, policy.low_stock),
        break_down(draft.atp, quantity) if policy.per_location else (),
        draft.notes,
    )


def break_down(atp: dict[str, int], quantity: int) -> Breakdown:
    """Share the quantity out over the locations that have it, by name; it adds up exactly.

    What the locations have beyond the quantity is kept back where most is, so that small
    locations stay sellable; at equal units, where the name comes first.
    """
    shares = {location: max(units, 0) for location, units in atp.items()}
    excess = sum(shares.values()) - quantity
    for location in sorted(shares, key=lambda name: (-shares[name], name)):
        if excess <= 0:
            break
        kept = min(shares[location], excess)
        shares[location] -= kept
        excess -= kept
    return tuple(sorted(shares.items()))


def _eligible(draft: Draft) -> Iterable[tuple[str, LocationNumbers]]:
    known = draft.positions.locations
    wanted = draft.policy.locations
    if wanted is None:
        return known.items()
    return [(location, known[location]) for location in wanted if location in known]
