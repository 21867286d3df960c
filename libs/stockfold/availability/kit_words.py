"""The steps of a kit in words that a merchant understands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stockfold.availability.words import NAMED_MAX, units
from stockfold.domain.days import iso_day


def pre_assembled(own: int) -> str:
    """What needs no work."""
    if not own:
        return "none stands assembled"
    return f"{own} {_stand(own)} assembled"


def _stand(number: int) -> str:
    return "stands" if number == 1 else "stand"


def assembled(built: int, version: str, revision: int) -> str:
    """What the components are good for."""
    can = f"{built} can be assembled" if built else "none can be assembled"
    return f"{can} by bill of materials {version} (catalogue revision {revision})"


def components(
    limits: Sequence[tuple[str, int, int, int]],
    version_of: Callable[[str], int],
    standing: Sequence[tuple[str, int]],
) -> str:
    """Which component limits, and how many kits each allows, the fewest first."""
    named = "; ".join(
        f"{sku} allows {allows} ({units(there)}, {needed} a kit, version {version_of(sku)})"
        for sku, needed, there, allows in limits[:NAMED_MAX]
    )
    more = f"; {len(limits) - NAMED_MAX} more allow no fewer" if len(limits) > NAMED_MAX else ""
    nested = ", ".join(f"{there} of {sku} (version {version_of(sku)})" for sku, there in standing)
    before = f"; {nested} that stand assembled are used first" if nested else ""
    return f"{limits[0][0]} limits it: {named}{more}{before}"


def limited(total: int, quantity: int) -> str:
    """What the channel is never told."""
    if not quantity:
        return f"{total} is no more than what this channel is told as 0"
    return f"this channel is never told more than {quantity}"


def published(quantity: int) -> str:
    """What goes out."""
    return f"this channel may sell {units(quantity)}"


def can_leave(own: int, built: int, day: int, version: str, revision: int) -> str:
    """What a promise of a kit consists of, and when it leaves."""
    told = [f"{own} that {_stand(own)} assembled"] if own else []
    if built:
        bill = f"bill of materials {version} (catalogue revision {revision})"
        told.append(f"{built} to be assembled by {bill}")
    return f"All {own + built} can leave on {iso_day(day)}: {' and '.join(told)}."


def part(sku: str, needed: int, day: int | None) -> str:
    """By when a component's units for it are there."""
    when = "never, by what is known" if day is None else f"there on {iso_day(day)}"
    return f"{sku}: {units(needed)}, {when}."


def made_here(place: str, own: int, built: int) -> str:
    """What one location would promise alone."""
    told = [f"{own} {_stand(own)} assembled"] if own else []
    told += [f"components for {built} more"] if built and own else []
    told += [f"components for {built}"] if built and not own else []
    return f"{place} has {' and '.join(told)}."
