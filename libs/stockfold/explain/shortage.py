"""A location in deficit, by its numbers alone."""

from __future__ import annotations

from stockfold.explain.entry import answer


@answer
class Shortage:
    """A location where a SKU is in deficit, by its numbers alone."""

    sku: str
    """The SKU."""
    location: str
    """The location."""
    kinds: tuple[str, ...]
    """What holds of: short, oversold (allocated > on hand), on_hand_negative."""
    units: int
    """Units missing."""
    on_hand: int
    """Units on the shelf."""
    reserved: int
    """Soft promises."""
    allocated: int
    """Hard promises."""


def kinds_of(on_hand: int, reserved: int, allocated: int) -> tuple[str, ...]:
    """Which kinds of deficit a location has; empty when it has none."""
    holds = {
        "short": on_hand < reserved + allocated,
        "oversold": allocated > max(on_hand, 0),
        "on_hand_negative": on_hand < 0,
    }
    return tuple(kind for kind, is_so in holds.items() if is_so)


def shortage(
    sku: str, location: str, on_hand: int, reserved: int, allocated: int
) -> Shortage | None:
    """The deficit of a position; None when it has none."""
    kinds = kinds_of(on_hand, reserved, allocated)
    missing = reserved + allocated - on_hand
    if not kinds:
        return None
    return Shortage(sku, location, kinds, missing, on_hand, reserved, allocated)
