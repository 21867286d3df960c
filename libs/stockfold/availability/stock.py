"""The rules of what is there: shelves, claims, deficits, silent sources."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.availability import words
from stockfold.availability.draft import Draft
from stockfold.availability.policy import ALL
from stockfold.availability.positions import LocationNumbers


def on_hand(draft: Draft) -> None:
    """Start from the units on the shelf at the eligible locations."""
    total = net = 0
    short = False
    atp = draft.atp
    for location, numbers in _eligible(draft):
        total += numbers.on_hand
        atp[location] = free = numbers.atp
        net += free
        if free < 0:
            short = True
    draft.quantity = total
    draft.net = net
    draft.short = short
    draft.note("on_hand", words.on_hand, total, len(atp), draft.locations is not None)


def in_transit(draft: Draft) -> None:
    """Count units on their way to an eligible location as if they were there.

    Where more has arrived than was dispatched, the count is below zero: these are on the shelf.
    """
    known = draft.positions.locations
    total = 0
    for location in draft.atp:
        units = known[location].in_transit
        if units > 0:
            total += units
            draft.atp[location] += units
    if total:
        draft.quantity += total
        draft.net += total
        draft.short = any(units < 0 for units in draft.atp.values())
        draft.note("in_transit", words.in_transit, total)


def promised(draft: Draft) -> None:
    """Take off what is reserved or allocated there, by whichever channel."""
    claims = draft.quantity - draft.net
    if claims:
        draft.quantity = draft.net
        draft.note("promised", words.promised, claims)


def deficit(draft: Draft) -> None:
    """Report what is missing at a location beside the rest, so that it hides no stock elsewhere.

    pool = Σ max(ATP at location, 0): a deficit is never netted (semantics.md, "ATP now").
    """
    if draft.short:
        missing = [(location, -atp) for location, atp in draft.atp.items() if atp < 0]
        draft.quantity += sum(units for _, units in missing)
        draft.note("deficit", words.deficit, sorted(missing))


def silence(draft: Draft) -> None:
    """Count less, or nothing, of locations whose source has been silent for too long."""
    silent = draft.surroundings.silent
    if not silent:
        return
    terms = draft.policy.silence
    since_max = draft.surroundings.moment_us - terms.after_s * 1_000_000
    doubted = []
    atp = draft.atp
    for location in sorted(silent.keys() & atp.keys()):
        free = atp[location]
        if free > 0 and silent[location] <= since_max:
            kept = free if terms.then == "zero" else kept_of(free, terms.units, terms.basis_points)
            atp[location] -= kept
            doubted.append((location, kept, silent[location]))
    if doubted:
        draft.quantity -= sum(units for _, units, _ in doubted)
        draft.note("silence", words.silence, doubted)


def kept_of(free: int, units: int, basis_points: int) -> int:
    """What of ``free`` units at a location is kept back: at most all, a percentage rounded up."""
    return min(units, free) if units else part_up(free, basis_points)


def part_up(units: int, basis_points: int) -> int:
    """The part of units, rounded up: for what is kept back."""
    return -(-units * basis_points // ALL)


def part_down(units: int, basis_points: int) -> int:
    """The part of units, rounded down: for what may be promised."""
    return units * basis_points // ALL


def _eligible(draft: Draft) -> Iterable[tuple[str, LocationNumbers]]:
    known = draft.positions.locations
    wanted = draft.locations
    if wanted is None:
        return known.items()
    return [(location, known[location]) for location in wanted if location in known]
