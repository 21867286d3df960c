"""How often each listing was revised today: eBay blocks it after 250 times, until the next day.

The last of them are kept for what must not wait: a SKU that is sold out, and one that has come
back. Counts are of this process; what it does not know of, eBay tells by refusing.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

HOLD_S_MAX = 3_600.0
"""What is held back is looked at again after so long: the day may begin elsewhere."""


class Budget(msgspec.Struct, frozen=True):
    """``per_day`` revisions of a listing in one day of ``zone``; ``kept`` are the last of them."""

    per_day: int
    kept: int
    zone: str


class Revisions:
    """The counts of one day. ``tell`` it the time before it is asked."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._zone = ZoneInfo(budget.zone)
        self._day = date.min
        self._counts: dict[str, int] = {}
        self._blocked: dict[str, int] = {}
        self._now_s = 0

    def tell(self, now_s: int) -> None:
        """It is ``now_s``, UTC seconds since 1970. A new day begins with nothing counted."""
        self._now_s = now_s
        today = datetime.fromtimestamp(now_s, self._zone).date()
        if today != self._day:
            self._day = today
            self._counts.clear()
            self._blocked.clear()

    def count(self, listings: Iterable[str]) -> None:
        """Each of these was revised, or may have been."""
        for listing in listings:
            self._counts[listing] = self._counts.get(listing, 0) + 1

    def block(self, listings: Iterable[str]) -> None:
        """These may not be revised any more, as eBay has said."""
        for listing in listings:
            self._blocked[listing] = self._now_s + int(HOLD_S_MAX)

    def allows(self, listings: Iterable[str], before: int | None, quantity: int) -> bool:
        """Whether these may go from ``before`` (None: nobody knows) to ``quantity`` units now."""
        told = tuple(listings)
        if any(self._blocked.get(listing, 0) > self._now_s for listing in told):
            return False
        used = max((self._counts.get(listing, 0) for listing in told), default=0)
        if quantity == 0:
            return True  # Beyond the budget eBay may refuse it; to oversell is worse than to try.
        matters = before == 0
        return used < self._budget.per_day - (0 if matters else self._budget.kept)

    def used(self, listing: str) -> int:
        """How often it was revised today."""
        return self._counts.get(listing, 0)

    def hold_s(self) -> float:
        """How long to hold back what is not allowed: until the next day, at most an hour."""
        begins = datetime.combine(self._day + timedelta(days=1), time(), self._zone)
        left_s = begins.astimezone(UTC).timestamp() - self._now_s
        return min(max(left_s, 1.0), HOLD_S_MAX)
