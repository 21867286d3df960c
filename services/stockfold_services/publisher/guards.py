"""When a connection halts by itself: what no working day brings, but a broken feed does. Pure.

Counted are listings, each once, within a window of time: those that go from something to nothing,
and those that change from what we showed ourselves. A listing that is wanted as it was again counts
no more. What the shop showed before we first wrote it is no change of ours, so that a first load
does not halt; but a first load that would empty the shop does.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from stockfold.runtime.channel_control import Guard
from stockfold.runtime.shop_guards_settings import ShopGuardsSettings


class Halt(NamedTuple):
    """Why a channel halts."""

    guard: Guard
    reason: str


class Counts(NamedTuple):
    """The guards of a connection: counts, and limits that are None where a guard is off."""

    zeros: int = 0
    zeros_limit: int | None = None
    zeros_minutes: int = 0
    changes: int = 0
    changes_limit: int | None = None
    changes_minutes: int = 0
    stale_s: int = 0
    stale_minutes_max: int | None = None


class _Window:
    """Listings that something happened to, the oldest first."""

    def __init__(self, minutes: int) -> None:
        self._lasts_s = minutes * 60.0
        self._at_s: OrderedDict[str, float] = OrderedDict()

    def add(self, sku: str, now_s: float) -> None:
        self._at_s.setdefault(sku, now_s)

    def discard(self, sku: str) -> None:
        self._at_s.pop(sku, None)

    def skus(self, now_s: float) -> dict[str, float]:
        while self._at_s and next(iter(self._at_s.values())) <= now_s - self._lasts_s:
            self._at_s.popitem(last=False)
        return self._at_s

    def clear(self) -> None:
        self._at_s.clear()


class Guards:
    """The counts of one connection. Times in seconds of a monotonic clock."""

    def __init__(self, settings: ShopGuardsSettings) -> None:
        self._settings = settings
        self._zeros = _Window(settings.zeros_minutes)
        self._changes = _Window(settings.changes_minutes)
        self._passed = _Window(settings.zeros_minutes)
        self._shown: dict[str, int] = {}
        self._wanted: dict[str, int] = {}
        self._ours: set[str] = set()
        self._held: set[str] = set()
        self._approved: set[str] = set()
        self._stale_is_known = False

    def wants(self, sku: str, quantity: int, now_s: float, *, approved: bool = False) -> None:
        """This is wanted of a listing from now on; what is ``approved`` is not counted."""
        self._wanted[sku] = quantity
        self._held.discard(sku)
        if approved:
            self._approved.add(sku)
        else:
            self._approved.discard(sku)
            self._judge(sku, now_s)

    def shows(self, sku: str, quantity: int, now_s: float, *, ours: bool) -> None:
        """The channel shows this; ``ours`` when we have just written it."""
        if ours or self._wanted.get(sku) == quantity:
            self._ours.add(sku)
        self._shown[sku] = quantity
        if not ours:
            self._judge(sku, now_s)

    def knows(self, sku: str) -> bool:
        """Whether it was ever seen what the channel shows of a listing."""
        return sku in self._shown

    def _judge(self, sku: str, now_s: float) -> None:
        wanted, shown = self._wanted.get(sku), self._shown.get(sku)
        if wanted is None or shown is None or sku in self._approved:
            return
        if wanted > 0:
            self._zeros.discard(sku)
        elif shown > 0:
            self._zeros.add(sku, now_s)
        if wanted != shown and sku in self._ours:
            self._changes.add(sku, now_s)

    def halt(self, listings: int, stale_s: float, now_s: float) -> Halt | None:
        """Why a channel of so many listings must halt now; None while it need not.

        ``stale_s`` is for how long work upstream has not moved.
        """
        told = self._settings
        minutes = told.upstream_minutes
        self._stale_is_known = self._stale_is_known and stale_s > 0
        if minutes and stale_s > minutes * 60 and not self._stale_is_known:
            reason = f"upstream has left work undone for {stale_s / 60:.0f} minutes"
            return Halt("upstream", f"{reason}; the limit is {minutes}")
        listings = max(listings, len(self._wanted))
        zeros, changes = len(self._zeros.skus(now_s)), len(self._changes.skus(now_s))
        limit = self._limit(told.zeros_percent, listings)
        if told.zeros_percent and zeros > limit:
            reason = f"{zeros:,} of {listings:,} listings would go to zero"
            return Halt("zeros", _within(reason, told.zeros_minutes, limit))
        limit = self._limit(told.changes_percent, listings)
        if told.changes_percent and changes > limit:
            reason = f"{changes:,} of {listings:,} listings would change"
            return Halt("changes", _within(reason, told.changes_minutes, limit))
        return None

    def counts(self, listings: int, stale_s: float, now_s: float) -> Counts:
        """What ``halt`` goes by, as it is now."""
        told = self._settings
        listings = max(listings, len(self._wanted))
        limits = [
            self._limit(percent, listings) if percent else None
            for percent in (told.zeros_percent, told.changes_percent)
        ]
        return Counts(
            len(self._zeros.skus(now_s)),
            limits[0],
            told.zeros_minutes,
            len(self._changes.skus(now_s)),
            limits[1],
            told.changes_minutes,
            round(stale_s),
            told.upstream_minutes or None,
        )

    def _limit(self, percent: int, listings: int) -> int:
        return max(listings * percent // 100, self._settings.listings_min)

    def halted(self, now_s: float, guard: Guard = "zeros") -> None:
        """The channel has halted: the zeros that were counted are what is asked about.

        Where they are why, so are those of listings that nobody has looked at yet: they are of the
        same flood.
        """
        self._held = set(self._zeros.skus(now_s))
        if guard == "zeros":
            wanted = (sku for sku, units in self._wanted.items() if units <= 0)
            self._held |= set(wanted) - self._shown.keys() - self._approved

    def lets_pass(self, sku: str, quantity: int, now_s: float) -> bool:
        """Whether an update may go to a halted channel: single zeros, as they come after the halt.

        Whoever calls sends what passes: it is counted.
        """
        if quantity != 0 or sku in self._held:
            return False
        passed = self._passed.skus(now_s)
        if sku not in passed and len(passed) >= self._settings.listings_min:
            return False
        self._passed.add(sku, now_s)
        return True

    def resumed(self) -> None:
        """A person has looked: what is wanted by now is approved."""
        self._approved = set(self._wanted)
        for window in (self._zeros, self._changes, self._passed):
            window.clear()
        self._held.clear()
        self._stale_is_known = True


def _within(reason: str, minutes: int, limit: int) -> str:
    return f"{reason} within {minutes} minutes; the limit is {limit:,}"
