"""What is asked of order promising, and what it answers."""

from __future__ import annotations

import msgspec

from stockfold.availability.policy import Policy
from stockfold.ledger.dated import Supply


class Ask(msgspec.Struct, frozen=True):
    """How many units, for whom, from where, and how far to look ahead.

    ``locations`` of None are all, else in order of preference. ``lead_time_days`` is from the day
    that the units are there to their dispatch. Supply below ``confidence`` percent is not relied
    on. ``today`` is in days since 1970.
    """

    quantity: int
    today: int
    days: int
    channel: str = ""
    locations: tuple[str, ...] | None = None
    lead_time_days: int = 0
    confidence: int = 0


class Part(msgspec.Struct, frozen=True):
    """Units from one location, and the days since 1970 on which they are there and can leave."""

    location: str
    units: int
    available_on: int
    dispatch_on: int


class Whole(msgspec.Struct, frozen=True):
    """The earliest day on which one location has them all; None: never, by what is known."""

    location: str
    available_on: int | None
    dispatch_on: int | None
    reasons: tuple[str, ...]


class Promised(msgspec.Struct, frozen=True):
    """The answer. ``available_on`` of None: never, by what is known.

    ``parts`` are one when a single location has them all on the earliest day. ``reservable_now``
    are the units that a reservation would be confirmed for at once. Overdue and undated supply,
    and supply that is not trusted enough, stand beside and are not relied on.
    """

    available_on: int | None
    dispatch_on: int | None
    parts: tuple[Part, ...]
    locations: tuple[Whole, ...]
    reasons: tuple[str, ...]
    reservable_now: int
    overdue: tuple[Supply, ...]
    undated: tuple[Supply, ...]
    untrusted: tuple[Supply, ...]


def ask_for(
    quantity: int,
    today: int,
    days: int,
    policy: Policy | None = None,
    eligible: tuple[str, ...] | None = None,
    wanted: tuple[str, ...] | None = None,
) -> Ask:
    """What a channel asks on the terms of its policy, of the ``wanted`` locations if they are said.

    ``eligible`` are the channel's locations, None for all. ValueError names a wanted one that is
    not among them.
    """
    if wanted is not None and eligible is not None:
        other = [place for place in wanted if place not in eligible]
        if other:
            raise ValueError(f"the channel may not promise from {', '.join(other)}")
    places = eligible if wanted is None else wanted
    if policy is None:
        return Ask(quantity, today, days, locations=places)
    return Ask(
        quantity,
        today,
        days,
        channel=policy.channel,
        locations=places,
        lead_time_days=policy.lead_time_days or 0,
        confidence=0 if policy.preorder is None else policy.preorder.confidence,
    )
