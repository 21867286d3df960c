"""Numbers, times and names in plain words."""

from __future__ import annotations

from stockfold.availability.words import units
from stockfold.domain.times import from_us

BUCKET_WORDS = {
    "on_hand": "the shelf",
    "quality_hold": "quality hold",
    "damaged": "the damaged stock",
    "in_transit": "transit",
}


def moment(us: int) -> str:
    """Such as ``25 Nov 2026 19:15 UTC``."""
    return from_us(us).strftime("%-d %b %Y %H:%M UTC")


def day(us: int) -> str:
    """Such as ``25 Nov 2026``."""
    return from_us(us).strftime("%-d %b %Y")


def duration(us: int) -> str:
    """Such as ``40 s``, ``2 h 5 min``, ``3 days``."""
    seconds = us // 1_000_000
    if seconds < 120:
        return f"{seconds} s"
    minutes = seconds // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def was(number: int) -> str:
    """``1 unit was`` or ``12 units were``."""
    return f"{units(number)} {'was' if number in (1, -1) else 'were'}"


def do(number: int, one: str, many: str) -> str:
    """``1 unit waits`` or ``12 units wait``."""
    return f"{units(number)} {one if number in (1, -1) else many}"


def listed(parts: list[str]) -> str:
    """Such as ``a, b and c``."""
    if len(parts) < 2:
        return "".join(parts)
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def order_line(order: str, line: str) -> str:
    """Such as ``order 17, line 2``."""
    return f"order {order}, line {line}"
