"""A promise in sentences that a merchant understands."""

from __future__ import annotations

from collections.abc import Sequence

from stockfold.availability.promises import Part
from stockfold.domain.days import iso_day
from stockfold.ledger.dated import Supply

TAKERS_MAX = 5
"""Demand lines that one sentence names."""


def can_leave(quantity: int, parts: Sequence[Part], lead_time_days: int) -> str:
    """What leaves where and when."""
    told = " and ".join(
        f"{part.units} from {part.location} on {iso_day(part.dispatch_on)}" for part in parts
    )
    lead = ""
    if lead_time_days:
        lead = f", {_days(lead_time_days)} after they are there (the channel's lead time)"
    return f"All {quantity} can leave: {told}{lead}."


def supplied(place: str, units: int, on_hand: int, claimed: int, arrivals: Sequence[Supply]) -> str:
    """What a promise of a location rests on."""
    claims = f", {claimed} of them claimed" if claimed else ""
    told = [f"{on_hand} on hand{claims}", *(arrival(supply) for supply in arrivals)]
    return f"{place} has the {units}: {'; '.join(told)}."


def arrival(supply: Supply) -> str:
    """One line of supply."""
    if not supply.line:
        return f"{supply.units} of transfer {supply.inbound}, due {iso_day(supply.day)}"
    return (
        f"{supply.units} of inbound {supply.inbound} line {supply.line}, due "
        f"{iso_day(supply.day)} (confidence {supply.confidence} %)"
    )


def later_demand(day: int, left: int, takers: Sequence[tuple[str, str, int]]) -> str:
    """Units are there earlier, but are promised for a later day."""
    named = ", ".join(
        f"{units} for order {order} line {line}" for order, line, units in takers[:TAKERS_MAX]
    )
    more = f" and {len(takers) - TAKERS_MAX} more" if len(takers) > TAKERS_MAX else ""
    why = f": {named}{more}" if named else ""
    return f"They would be there sooner, but on {iso_day(day)} only {left} are left{why}."


def others_first(free: int, may: int) -> str:
    """Units are free at the location, but not for this channel."""
    return (
        f"Of {free} free the day before, {may} may be taken: backorders that wait for them, or "
        "ring-fences of other channels, come first."
    )


def day_before(most: int, day: int) -> str:
    """What could be promised a day earlier."""
    return f"For {iso_day(day)} only {most} could be promised."


def not_yet_reservable(units: int) -> str:
    """Dated supply cannot be reserved before it is there."""
    return (
        f"A reservation made today is confirmed for {units} at once; the rest can only be "
        "backordered until its supply is there."
    )


def never(quantity: int, most: int, last: int) -> str:
    """No day has them all."""
    return f"Never, by what is known: until {iso_day(last)} at most {most} of {quantity}."


def never_here(place: str, quantity: int, most: int) -> str:
    """No day has them all at one location."""
    return f"{place}: never, by what is known; at most {most} of {quantity}."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
