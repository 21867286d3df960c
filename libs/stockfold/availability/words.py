"""The steps in words that a merchant understands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from stockfold.availability.policy import Safety
from stockfold.domain.times import from_us

NAMED_MAX = 5
_EPOCH = dt.date(1970, 1, 1)


def units(number: int) -> str:
    """Such as ``1 unit`` or ``12 units``."""
    return f"{number} unit" if number in (1, -1) else f"{number} units"


def _are(number: int) -> str:
    return "is" if number in (1, -1) else "are"


def on_hand(total: int, places: int, chosen: bool) -> str:
    """Where the units are."""
    if not places:
        where = "none of this channel's locations has" if chosen else "no location has"
        return f"{where} ever held this SKU"
    where = "location" if places == 1 else "locations"
    whose = f"{places} of this channel's locations" if chosen else f"{places} {where}"
    if total < 0:
        return f"the shelf count at {whose} is {units(total)}: a receipt is missing"
    return f"{units(total)} {_are(total)} on the shelf at {whose}"


def promised(claims: int) -> str:
    """What orders hold."""
    return f"{units(claims)} {_are(claims)} promised to orders already"


def deficit(missing: Sequence[tuple[str, int]]) -> str:
    """Where more is promised than there is."""
    total = sum(number for _, number in missing)
    return (
        f"{units(total)} {_are(total)} missing at {_named(missing)}; "
        "that takes nothing from the stock of other locations"
    )


def in_transit(total: int) -> str:
    """What is on its way."""
    return f"{units(total)} {_are(total)} on the way there and count as supply"


def silence(doubted: Sequence[tuple[str, int, int]]) -> str:
    """What is not trusted: (location, units, since when nothing is heard, in UTC microseconds)."""
    total = sum(number for _, number, _ in doubted)
    named = [
        f"{place} since {from_us(since).strftime('%Y-%m-%d %H:%M')} UTC ({number})"
        for place, number, since in doubted[:NAMED_MAX]
    ]
    rest = len(doubted) - NAMED_MAX
    more = f" and {rest} more" if rest > 0 else ""
    where = ", ".join(named) + more
    return f"{units(total)} {_are(total)} not counted, as nothing is heard from {where}"


def promotion(name: str) -> str:
    """Which window is open."""
    return f"the promotion {name!r} is on, with limits of its own"


def ring_fences(taken: int, others: Sequence[tuple[str, int]]) -> str:
    """What others' fences leave."""
    return f"{units(taken)} {_are(taken)} out of reach, kept for other channels: {_named(others)}"


def safety_stock(kept: int, rule: Safety) -> str:
    """What is kept back of the SKU as a whole."""
    part = f", {percent(rule.basis_points)} rounded up" if rule.basis_points else ""
    why = f" for {rule.sku or 'category ' + rule.category}" if rule.sku or rule.category else ""
    return f"{units(kept)} {_are(kept)} kept back as safety stock{why}{part}"


def safety_at(kept: Sequence[tuple[str, int]]) -> str:
    """What is kept back at locations."""
    total = sum(number for _, number in kept)
    return f"{units(total)} {_are(total)} kept back as safety stock at {_named(kept)}"


def share(basis_points: int, of: int, own: int) -> str:
    """What the share is of."""
    whose = f"{units(own)} {_are(own)} kept for this channel; of the rest it" if own else "it"
    said = f"{whose} gets {percent(basis_points)} of {units(of)}, rounded down"
    return said if own else f"this channel{said.removeprefix('it')}"


def publish_zero(running: int, mark: int) -> str:
    """Why the last few are not told."""
    return f"{units(running)} {_are(running)} too few to offer: it is told 0 at {mark} or below"


def preorder(incoming: int, first: int, last: int) -> str:
    """What will be there."""
    when = day_named(first) if first == last else f"{day_named(first)} to {day_named(last)}"
    there = f"{units(incoming)} {_are(incoming)} due {when}"
    return f"nothing is left to sell now, but {there}: with these"


def waiting(number: int) -> str:
    """What comes first when it arrives."""
    return f"{units(number)} of that {_are(number)} for orders that wait already"


def room(number: int) -> str:
    """What the backorder limit leaves."""
    return f"no more than {units(number)} may still wait for this channel"


def backorder(number: int) -> str:
    """What may wait."""
    return f"nothing is left to sell now, but {units(number)} may be ordered and wait"


def ceiling(most: int) -> str:
    """What it is never told more than."""
    return f"this channel is never told more than {units(most)}"


def gross(number: int) -> str:
    """What the channel takes off itself."""
    return f"{units(number)} of its own open orders are added, as this channel takes them off again"


def published(quantity: int, running: int) -> str:
    """What goes out."""
    if running < 0:
        return f"{units(-running)} short, so this channel is told 0"
    return f"this channel may sell {units(quantity)}"


def percent(basis_points: int) -> str:
    """Such as ``10%`` or ``12.5%``, exact."""
    whole, rest = divmod(basis_points, 100)
    return f"{whole}.{rest:02}".rstrip("0") + "%" if rest else f"{whole}%"


def day_named(day: int) -> str:
    """A day since 1970 as ``2026-12-01``."""
    return (_EPOCH + dt.timedelta(day)).isoformat()


def _named(kept: Sequence[tuple[str, int]]) -> str:
    named = ", ".join(f"{name} ({number})" for name, number in kept[:NAMED_MAX])
    return f"{named} and {len(kept) - NAMED_MAX} more" if len(kept) > NAMED_MAX else named
