"""Rate budgets of accounts, shared by all connections of one account, in one process or in several.

A vendor counts requests by account, whichever of our connections makes them. Within a process,
connections that name the same bucket take from one. Across processes, a budget is divided by
connections: each has one owner at a time (its lease), so a process may use as large a part of a
budget as it holds of the account's connections, and all parts together never exceed the whole
(decision record 0034).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from stockfold.channels.port import Charge
from stockfold.runtime.clock import Clock


class Bucket:
    """Tokens that come back with time. Times are monotonic seconds.

    The level may be below zero: what was taken ahead has to be waited for. A new one holds just
    what its first request costs: what a process before this one has used is not known.
    """

    def __init__(self, first_cost: float, now_s: float) -> None:
        self.level = first_cost
        self._at_s = now_s
        self._out = 0.0

    def refill(self, per_s: float, burst: float, now_s: float) -> None:
        """Take time into account; never beyond ``burst``."""
        self.level = min(self.level + max(now_s - self._at_s, 0.0) * per_s, burst)
        self._at_s = now_s

    def take(self, cost: float) -> None:
        """A request is going out."""
        self.level -= cost
        self._out += cost

    def landed(self, cost: float) -> None:
        """It was answered, or was not."""
        self._out = max(self._out - cost, 0.0)

    def told(self, left: float, now_s: float) -> None:
        """The channel says how much is left of it; requests under way may not be counted yet."""
        self.level = left - self._out
        # What came back until now is in its figure already.
        self._at_s = max(now_s, self._at_s)


class Taken(msgspec.Struct, frozen=True):
    """What a request has taken: it may go out after ``wait_s``."""

    charges: tuple[Charge, ...]
    wait_s: float


class Budget:
    """The budgets that one connection takes from. ``part`` is the share that this process has."""

    def __init__(
        self, buckets: dict[str, Bucket], clock: Clock, part: Callable[[], float] = lambda: 1.0
    ) -> None:
        self._buckets = buckets
        self._clock = clock
        self._part = part

    def wait_s(self, charges: Sequence[Charge]) -> float:
        """How long until a request that costs this might go out."""
        part = self._part()
        return max((self._short_s(charge, part) for charge in charges), default=0.0)

    def take(self, charges: Sequence[Charge]) -> Taken:
        """Take it, whether it is there already or has to be waited for: first come, first served.

        Whoever calls tells when the request has ``landed``.
        """
        taken = Taken(tuple(charges), self.wait_s(charges))
        for charge in charges:
            self._buckets[charge.bucket].take(charge.cost)
        return taken

    def landed(self, taken: Taken, *, sent: bool) -> None:
        """The request is over; one that was not ``sent`` has cost nothing."""
        for charge in taken.charges:
            bucket = self._buckets[charge.bucket]
            bucket.landed(charge.cost)
            if not sent:
                bucket.level += charge.cost

    def told(self, levels: Iterable[tuple[str, float]]) -> None:
        """What the channel says is left, by bucket, of the whole budget."""
        part = self._part()
        for name, left in levels:
            if name in self._buckets:
                self._buckets[name].told(left * part, self._clock.monotonic_s())

    def _short_s(self, charge: Charge, part: float) -> float:
        """Seconds until a bucket holds what a charge costs."""
        now_s, per_s = self._clock.monotonic_s(), charge.per_s * part
        bucket = self._buckets.get(charge.bucket)
        if bucket is None:
            bucket = self._buckets[charge.bucket] = Bucket(charge.cost, now_s)
        # A part that is smaller than one request still fills up to one.
        bucket.refill(per_s, max(charge.burst * part, charge.cost), now_s)
        return max(charge.cost - bucket.level, 0.0) / per_s


class Budgets:
    """The budgets of a process.

    ``together`` names, for each channel, every channel of its account, itself included.
    """

    def __init__(self, clock: Clock, together: Mapping[str, frozenset[str]] | None = None) -> None:
        self._clock = clock
        self._together = together or {}
        self._buckets: dict[str, Bucket] = {}
        self._holds: dict[str, Callable[[], bool]] = {}

    def of(self, channel: str, holds: Callable[[], bool] = lambda: True) -> Budget:
        """The budget of a connection; ``holds`` says whether this process is its owner."""
        self._holds[channel] = holds
        return Budget(self._buckets, self._clock, lambda: self._part(channel))

    def _part(self, channel: str) -> float:
        every = self._together.get(channel, frozenset((channel,)))
        held = {one for one in every if one in self._holds and self._holds[one]()}
        return len(held | {channel}) / len(every)


def of_one_account(
    kinds: Mapping[str, str], buckets: Mapping[str, Iterable[str]]
) -> dict[str, frozenset[str]]:
    """By channel, those of its kind that name a bucket in common with it, itself included."""
    named = {channel: frozenset(names) for channel, names in buckets.items()}
    return {
        channel: frozenset(
            other
            for other in kinds
            if other == channel or (kinds[other] == kind and named[other] & named[channel])
        )
        for channel, kind in kinds.items()
    }
