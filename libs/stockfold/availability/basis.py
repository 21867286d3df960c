"""Gross numbers, and the breakdown by location.

Some channels take their own open orders off whatever they are told (channels.md, section 0). Their
number is the net one plus what they still count as open, so that they end at the net one.
"""

from __future__ import annotations

from stockfold.availability import words
from stockfold.availability.answer import Breakdown
from stockfold.availability.draft import Draft
from stockfold.availability.limits import claims_by_channel


def gross(draft: Draft) -> None:
    """Add what the channel's own orders hold: it will take that off again.

    A channel without locations counts all of its orders, those that wait too; one with locations
    counts at each what is held there.
    """
    channel = draft.policy.channel
    if draft.policy.per_location:
        draft.open_at = {
            location: claimed
            for location in draft.atp
            if (claimed := _claimed_at(draft, location, channel))
        }
        draft.open = sum(draft.open_at.values())
    else:
        waiting = dict(draft.positions.summary.backordered).get(channel, 0)
        draft.open = claims_by_channel(draft.positions).get(channel, 0) + waiting
    if draft.open:
        draft.quantity += draft.open
        draft.note("gross", words.gross, draft.open)


def _claimed_at(draft: Draft, location: str, channel: str) -> int:
    claims = draft.positions.locations[location].claims
    return sum(reserved + allocated for name, reserved, allocated in claims if name == channel)


def by_location(draft: Draft) -> Breakdown:
    """The breakdown of the published quantity; what has yet to come is at no location."""
    net = 0 if draft.ahead is not None else max(draft.quantity - draft.open, 0)
    shares = dict(break_down(draft.atp, net))
    for location, units in draft.open_at.items():
        shares[location] += units
    if draft.ahead is None:
        # Short of its own open orders, a channel is told less than these.
        take_off(shares, sum(shares.values()) - draft.quantity)
    return tuple(sorted(shares.items()))


def break_down(atp: dict[str, int], quantity: int) -> Breakdown:
    """Share the quantity out over the locations that have it, by name; it adds up exactly.

    What the locations have beyond the quantity is kept back where most is, so that small
    locations stay sellable; at equal units, where the name comes first.
    """
    shares = {location: max(units, 0) for location, units in atp.items()}
    take_off(shares, sum(shares.values()) - quantity)
    return tuple(sorted(shares.items()))


def take_off(shares: dict[str, int], excess: int) -> None:
    """Keep so many units back where most is; at equal units, where the name comes first."""
    for location in sorted(shares, key=lambda name: (-shares[name], name)):
        if excess <= 0:
            return
        kept = min(shares[location], excess)
        shares[location] -= kept
        excess -= kept
