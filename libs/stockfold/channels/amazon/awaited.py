"""What Amazon has accepted and does not show yet.

    written ──▶ to be read back ──▶ shown
       ▲            └──shows other──▶ read again, then written again
       └── behind feeds: one that was made before may still overwrite it ──they have ended──┘

In which order Amazon carries out a feed that waits in its queue and a patch of the same listing is
not documented. So what is patched while an older feed is unfinished is written once more after it.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from stockfold.channels.amazon.lookups import Listing
from stockfold.channels.port import Outcome, OutcomeKind, Shown, StockUpdate

NOT_SHOWN = "not_shown"
SHOWS_LESS = "shows_less"


class Waiting(msgspec.Struct, frozen=True):
    """How long to wait for what, in seconds."""

    read_back: bool
    read_back_after_s: float
    read_back_tries: int
    feed_poll_s: float


class Wait(msgspec.Struct):
    """A version, shown like this, was accepted. ``behind`` are the unfinished feeds before it."""

    version: int
    shown: Shown
    tries: int
    behind: set[str]


class Awaited:
    """The waits of one connection, at most one for each SKU."""

    def __init__(self, waiting: Waiting, to_show: Callable[[StockUpdate], Shown]) -> None:
        self._waiting = waiting
        self._to_show = to_show
        self._waits: dict[str, Wait] = {}

    def of(self, update: StockUpdate) -> Wait | None:
        """What is waited for, if just this was accepted for the SKU."""
        wait = self._waits.get(update.sku)
        if wait is None or wait.version != update.version:
            return None
        return wait if wait.shown == self._to_show(update) else None

    def accepted(self, update: StockUpdate, behind: set[str]) -> Outcome:
        """Amazon has taken a change; what that means for its update."""
        before = self._waits.get(update.sku)
        behind = behind if before is None else behind | before.behind
        if not behind and not self._waiting.read_back:
            self._waits.pop(update.sku, None)
            return Outcome(update, OutcomeKind.APPLIED)
        tries = self._waiting.read_back_tries
        self._waits[update.sku] = Wait(update.version, self._to_show(update), tries, behind)
        if behind:
            return self.queued(update, min(behind))
        wait_s = self._waiting.read_back_after_s
        return Outcome(update, OutcomeKind.ACCEPTED, "accepted", "", retry_after_s=wait_s)

    def note(self, sku: str, version: int, shown: Shown) -> None:
        """A change was carried out that nobody asks for now: it is read back when somebody does."""
        if sku not in self._waits:
            self._waits[sku] = Wait(version, shown, self._waiting.read_back_tries, set())

    def queued(self, update: StockUpdate, feed_id: str) -> Outcome:
        """The outcome of an update while a feed is unfinished."""
        detail = f"feed {feed_id} is unfinished"
        wait_s = self._waiting.feed_poll_s
        return Outcome(update, OutcomeKind.ACCEPTED, "feed_unfinished", detail, wait_s)

    def ended(self, feed_id: str) -> None:
        """A feed is over. What waited behind it alone is to be written again."""
        for sku, wait in list(self._waits.items()):
            if feed_id in wait.behind:
                wait.behind.discard(feed_id)
                if not wait.behind:
                    del self._waits[sku]

    def forget(self, sku: str) -> None:
        """Nothing is waited for any more."""
        self._waits.pop(sku, None)

    def read_back(self, update: StockUpdate, listing: Listing) -> Outcome | None:
        """What it means that a listing was read; None when nothing is waited for."""
        wait = self.of(update)
        if wait is None or wait.behind:
            return None
        shown = wait.shown
        if listing.quantity == shown.quantity:
            self.forget(update.sku)
            return Outcome(update, OutcomeKind.APPLIED)
        wait.tries -= 1
        detail = f"sent {shown.quantity}, the listing shows {listing.quantity}"
        if wait.tries > 0:
            wait_s = self._waiting.read_back_after_s
            return Outcome(update, OutcomeKind.ACCEPTED, NOT_SHOWN, detail, wait_s)
        self.forget(update.sku)
        if listing.quantity is not None and listing.quantity < shown.quantity:
            # Most likely sold meanwhile. Sending again would put sold units back on sale.
            return Outcome(update, OutcomeKind.APPLIED, SHOWS_LESS, detail)
        return Outcome(update, OutcomeKind.RETRYABLE, NOT_SHOWN, detail)
