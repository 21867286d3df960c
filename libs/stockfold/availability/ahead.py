"""Promises of what has yet to come: preorder against dated inbound, then capped backorder.

Only when nothing is in stock: what has to wait has another lead time, and a channel shows one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from stockfold.availability import words
from stockfold.availability.categories import BySubject
from stockfold.availability.draft import EMPTY, Draft, Rule
from stockfold.availability.policy import Policy

_EPOCH = 719_163
"""The ordinal of 1970-01-01."""
_US = 1_000_000
_LAST_S = 253_370_764_800
"""Seconds until the year 9999: a later time counts as this one."""

Due = tuple[int, str, int]
"""(day, location, units) of an inbound line that counts."""


def day_of(us: int, zone: ZoneInfo) -> int:
    """The day, in days since 1970, of a time in UTC microseconds."""
    seconds = min(max(us // _US, 0), _LAST_S)
    return datetime.fromtimestamp(seconds, zone).toordinal() - _EPOCH


class SoldAhead:
    """The rule of what may be sold before it is there."""

    __slots__ = ("_caps", "_limits", "_preorder", "_zone")

    def __init__(self, policy: Policy, limits: Sequence[Rule]) -> None:
        self._preorder = policy.preorder
        self._caps = None
        if policy.backorders is not None:
            self._caps = BySubject((b.sku, b.category, b.units) for b in policy.backorders)
        self._limits = tuple(limits)
        self._zone = ZoneInfo(policy.zone)

    def __call__(self, draft: Draft) -> None:
        """Promise against inbound, or on backorder, when nothing is in stock."""
        if draft.quantity > 0:
            return
        waiting = sum(units for _, units in draft.positions.summary.backordered)
        due = sorted(self._due(draft))
        draft.next_available = _first_day(due, waiting)
        room = self._room(draft)
        if self._preorder is not None and due:
            self._preordered(draft, due, waiting, room)
        if draft.ahead is None and self._caps is not None and room:
            draft.ahead = "backorder"
            draft.quantity = room
            draft.note("backorder", words.backorder, room)

    def _due(self, draft: Draft) -> Iterator[Due]:
        """Inbound lines that count: dated, trusted enough, neither overdue nor too far away."""
        moment_us = draft.surroundings.moment_us
        if not moment_us:
            return
        preorder = self._preorder
        confident = 0 if preorder is None else preorder.confidence
        today = day_of(moment_us, self._zone)
        within = None if preorder is None else preorder.within_days
        for location in draft.atp:
            for _, _, units, eta_us, confidence in draft.positions.locations[location].expected:
                if eta_us is None or confidence < confident or units <= 0:
                    continue
                day = day_of(eta_us, self._zone)
                if day >= today and (within is None or day <= today + within):
                    yield day, location, units

    def _room(self, draft: Draft) -> int | None:
        """Units of this channel that may still wait, by its policy and the ledger; None: any."""
        channel, summary = draft.policy.channel, draft.positions.summary
        caps = [units for name, units, _ in summary.limits if name == channel and units is not None]
        if self._caps is not None:
            cap = self._caps.of(draft.positions.sku, draft.surroundings.category)
            caps.append(0 if cap is None else cap)
        if not caps:
            return None
        return max(min(caps) - dict(summary.backordered).get(channel, 0), 0)

    def _preordered(self, draft: Draft, due: list[Due], waiting: int, room: int | None) -> None:
        """Run the limits again on what will be there, less what waits for it already."""
        before = draft.quantity, draft.atp, len(draft.notes)
        self._arrive(draft, due)
        for limit in self._limits:
            limit(draft)
        if waiting:
            draft.quantity -= waiting
            draft.note("waiting", words.waiting, waiting)
        if room is not None and draft.quantity > room:
            draft.quantity = room
            draft.note("backorder", words.room, room)
        quantity, atp, steps = before
        draft.arriving = EMPTY
        draft.atp = atp
        if draft.quantity > 0:
            draft.ahead = "preorder"
        else:
            draft.quantity = quantity
            del draft.notes[steps:]

    @staticmethod
    def _arrive(draft: Draft, due: list[Due]) -> None:
        arriving: dict[str, int] = {}
        for _, location, units in due:
            arriving[location] = arriving.get(location, 0) + units
        known, moving = draft.positions.locations, draft.policy.in_transit
        draft.arriving = arriving
        draft.atp = {
            location: known[location].atp
            + (max(known[location].in_transit, 0) if moving else 0)
            + arriving.get(location, 0)
            for location in draft.atp
        }
        draft.quantity = sum(draft.atp.values())
        draft.short = any(units < 0 for units in draft.atp.values())
        draft.note("preorder", words.preorder, sum(arriving.values()), due[0][0], due[-1][0])


def _first_day(due: list[Due], waiting: int) -> int | None:
    """The first day on which more has come than already waits."""
    for day, _, units in due:
        waiting -= units
        if waiting < 0:
            return day
    return None
