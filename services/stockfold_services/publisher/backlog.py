"""What a channel shall show, what is under way, and what it acknowledged. Pure: no clock, no I/O.

Per SKU the latest version wins, at most one request is under way, and what the channel is known to
show is not sent again. As many entries as the channel has SKUs, however many updates come.

    offer ──▶ waiting (urgent | ready | delayed) ──claim──▶ under way ──land──▶ finished
                 ▲                                            │
                 └─── release, accepted, or to be retried ────┘
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import msgspec

from stockfold.channels import Outcome, OutcomeKind, Shown, StockUpdate
from stockfold_services.publisher.entry import Entry, Standing, standing_of
from stockfold_services.publisher.mode import ALL
from stockfold_services.publisher.queues import Queues
from stockfold_services.publisher.sales import all_seen
from stockfold_services.publisher.wanted import Finished, Wanted

ACCEPTED_S = 30.0
"""What a channel has accepted is asked after again after so long, where it does not say itself."""
ACCEPTED_S_MIN = 0.1
FAILURES_MAX = 7
"""2 to the 7th is more than any batch holds: such an update travels alone."""


class Backlog:
    """The listings of one channel connection.

    ``to_show`` is what the adapter sends; ``delay_s`` says how long to wait after so many failures;
    what ``writes`` denies of a SKU is finished as SHADOW and never due. A version is given up after
    ``attempts_max`` failures, or at the first one ``window_s`` after its first. ``unseen`` are the
    units that the channel has sold of a SKU and that an availability computed from a sequence
    number of it does not know of.
    """

    def __init__(
        self,
        to_show: Callable[[StockUpdate], Shown],
        delay_s: Callable[[int], float],
        attempts_max: int,
        writes: Callable[[str], bool] = ALL.writes,
        window_s: float = math.inf,
        unseen: Callable[[str, int], int] = all_seen,
    ) -> None:
        self._to_show = to_show
        self._unseen = unseen
        self._writes = writes
        self._delay_s = delay_s
        self._attempts_max = attempts_max
        self._window_s = window_s
        self._listings: dict[str, Entry] = {}
        self._queues = Queues()

    # Updates in.

    def offer(self, wanted: Wanted, now_us: int) -> list[Finished]:
        """Take the newest version of a SKU in; what that finishes.

        An older version than one already seen is superseded before it is ever sent.
        """
        listing = self._listings.get(wanted.sku)
        if listing is None:
            listing = self._listings[wanted.sku] = Entry(wanted.partition)
        if wanted.version <= listing.version:
            detail = f"version {listing.version} was read before"
            return [self._finished(wanted, OutcomeKind.SUPERSEDED, now_us, detail)]
        finished = []
        if listing.wanted is not None:
            finished.append(self._superseded(listing, listing.wanted, wanted, now_us))
        listing.version = wanted.version
        listing.wanted, listing.latest, listing.again = wanted, None, False
        listing.offered = wanted
        if listing.flying is None:
            listing.start_anew()
            finished += self._settle(listing, now_us)
        return finished

    def knows(self, sku: str) -> bool:
        """Whether its newest version has been read since the partition was assigned."""
        return sku in self._listings

    def leave(self, wanted: Wanted, now_us: int, why: str) -> list[Finished]:
        """The channel keeps what it shows of a SKU, whatever is wanted; what that finishes."""
        return [self._finished(wanted, OutcomeKind.SHADOW, now_us, why)]

    def again(self, wanted: Wanted, now_us: int) -> list[Finished]:
        """Send a version once more, although it had its outcome; what that finishes.

        Nothing when a newer one is known, or when it is in hand anyway.
        """
        listing = self._listings.get(wanted.sku)
        if listing is None or wanted.version > listing.version:
            return self.offer(wanted, now_us)
        if wanted.version < listing.version or listing.wanted or listing.flying:
            return []
        if listing.latest is None:
            places = wanted.locations if listing.offered is None else listing.offered.locations
            listing.latest = msgspec.structs.replace(wanted, locations=places)
        return self.show_again(wanted.sku, now_us, look=True)

    def _superseded(self, listing: Entry, old: Wanted, new: Wanted, now_us: int) -> Finished:
        ours = None if listing.flying is not None else listing
        return self._finished(
            old, OutcomeKind.SUPERSEDED, now_us, f"by version {new.version}", ours
        )

    def _settle(self, listing: Entry, now_us: int, *, first: bool = False) -> list[Finished]:
        """Put what is wanted in its queue, or finish it when the channel shows it already.

        A newer version has the place of the one before it: what changes all the time would never
        be sent otherwise. ``first`` puts it in front.
        """
        wanted = listing.wanted
        if wanted is None or listing.flying is not None:
            self._queues.take(listing)
            return []
        if self._queues.holds(listing.partition):
            self._queues.keep(listing, wanted.sku)
            return []
        if not self._writes(wanted.sku):
            return [self._done(listing, wanted, OutcomeKind.SHADOW, now_us)]
        update = self._as_update(wanted)
        shown = self._to_show(update)
        if listing.acknowledged == shown:
            done = self._done(listing, wanted, OutcomeKind.APPLIED, now_us)
            return [self._applied(listing, wanted, update, done)]
        # Zeros of a new version do not wait for what became of the one before.
        if listing.due_s > 0 and (shown.quantity or listing.attempts or listing.accepted):
            self._queues.delay(listing, wanted.sku)
        else:
            self._queues.put(listing, wanted.sku, urgent=not shown.quantity, first=first)
        return []

    def _done(self, listing: Entry, wanted: Wanted, kind: OutcomeKind, now_us: int) -> Finished:
        self._queues.take(listing)
        listing.wanted = None
        return self._finished(wanted, kind, now_us)

    def _applied(
        self, listing: Entry, wanted: Wanted, update: StockUpdate, finished: Finished
    ) -> Finished:
        """The channel shows a version: for good, or until units of it have reached us."""
        listing.latest = wanted
        listing.left_open = self._is_lowered(update)
        told = {"final": not listing.left_open, "repeat": listing.again and not finished.attempts}
        listing.again = False
        shown = self._to_show(update).quantity
        return msgspec.structs.replace(finished, quantity=shown, **told)

    def _is_lowered(self, update: StockUpdate) -> bool:
        whole = msgspec.structs.replace(update, unseen=0)
        return bool(update.unseen) and self._to_show(whole) != self._to_show(update)

    def show_again(self, sku: str, now_us: int, *, look: bool = False) -> list[Finished]:
        """See to it that a SKU is shown as it is by now; ``look``: nobody is sure any more."""
        listing = self._listings.get(sku)
        if listing is None or listing.flying is not None:
            return []
        listing.acknowledged = None if look else listing.acknowledged
        latest = listing.latest
        if listing.wanted is not None or latest is None:
            return self._settle(listing, now_us)
        update = self._as_update(latest)
        lowered = self._is_lowered(update)
        if listing.acknowledged == self._to_show(update) and listing.left_open == lowered:
            return []
        listing.wanted, listing.latest, listing.again = latest, None, True
        listing.start_anew()
        return self._settle(listing, now_us)

    def current(self, update: StockUpdate) -> StockUpdate | None:
        """An update that is under way, as it is to be sent now; None when a newer one is wanted."""
        listing = self._listings[update.sku]
        flying = None if listing.wanted is not None else listing.flying
        return None if flying is None else self._as_update(flying, listing.failures)

    def _as_update(self, wanted: Wanted, failures: int = 0) -> StockUpdate:
        return StockUpdate(
            wanted.sku,
            wanted.quantity,
            wanted.version,
            failures,
            wanted.promise,
            self._unseen(wanted.sku, wanted.seq),
            wanted.restored,
            wanted.locations,
        )

    def quantity_of(self, wanted: Wanted) -> int:
        """What the channel shows of stock once this is written."""
        return self._to_show(self._as_update(wanted)).quantity

    # Requests out.

    def due(self, now_s: float, count: int) -> list[StockUpdate]:
        """Up to ``count`` updates that may be sent now: zeros first, then by age."""
        self._promote(now_s)
        return [self._update(sku) for sku in self._queues.first(count)]

    def _update(self, sku: str) -> StockUpdate:
        listing = self._listings[sku]
        assert listing.wanted is not None
        return self._as_update(listing.wanted, listing.failures)

    def _promote(self, now_s: float) -> None:
        for sku, listing in self._queues.due(now_s, self._listings):
            assert listing.wanted is not None
            listing.due_s = 0.0
            self._queues.put(listing, sku, urgent=not self.quantity_of(listing.wanted))

    @property
    def has_due(self) -> bool:
        """Whether something may be sent now."""
        return self._queues.has_due

    def next_due_s(self) -> float | None:
        """When the next delayed update is due; None when none waits."""
        return self._queues.next_due_s()

    def postpone(self, updates: Iterable[StockUpdate], due_s: float) -> None:
        """These wait until then, zeros too; nothing was sent, and nothing is counted."""
        for update in updates:
            listing = self._listings[update.sku]
            listing.due_s = due_s
            self._queues.delay(listing, update.sku)

    def claim(self, updates: Iterable[StockUpdate], now_us: int, *, follows: bool = False) -> None:
        """A request with these goes out now; one that ``follows`` another is no attempt."""
        for update in updates:
            listing = self._listings[update.sku]
            assert listing.flying is None, f"two requests for {update.sku}"
            assert listing.wanted is not None
            self._queues.take(listing)
            listing.flying, listing.wanted = listing.wanted, None
            listing.attempts += not follows
            listing.due_s = 0.0
            listing.sent_at_us = listing.sent_at_us or now_us

    # Outcomes in.

    def forget_acknowledged(self, updates: Iterable[StockUpdate]) -> None:
        """A write goes out: until it is answered, nobody knows what the channel shows."""
        for update in updates:
            self._listings[update.sku].acknowledged = None

    def release(self, update: StockUpdate, now_us: int) -> list[Finished]:
        """The request said nothing about this update: it is wanted as before, and first.

        Otherwise everything would be looked up before anything is written.
        """
        listing = self._listings[update.sku]
        flying = self._landed(listing)
        if listing.wanted is None:
            listing.wanted = flying
            return self._settle(listing, now_us, first=True)
        return self._give_way(listing, flying, "", now_us, first=True)

    def land(self, outcome: Outcome, now_s: float, now_us: int) -> list[Finished]:
        """The outcome of an update that was under way; what that finishes."""
        listing = self._listings[outcome.update.sku]
        flying = self._landed(listing)
        listing.failures = min(listing.failures + 1, FAILURES_MAX) if outcome.whole_request else 0
        detail = ": ".join(part for part in (outcome.code, outcome.detail) if part)
        listing.accepted = outcome.kind is OutcomeKind.ACCEPTED
        if listing.accepted:
            return self._accepted(listing, flying, outcome, now_s, now_us)
        if outcome.kind is OutcomeKind.RETRYABLE:
            return self._again(listing, flying, outcome, detail, now_s, now_us)
        listing.due_s = 0.0
        finished = self._finished(flying, outcome.kind, now_us, detail, listing)
        if outcome.kind is OutcomeKind.APPLIED:
            listing.acknowledged = self._to_show(outcome.update)
            finished = self._applied(listing, flying, outcome.update, finished)
        listing.start_anew()
        if listing.wanted is not None:
            listing.latest = None
            return [finished, *self._settle(listing, now_us)]
        # What is to be taken away may have changed while it was under way.
        return [finished, *self.show_again(outcome.update.sku, now_us)]

    @staticmethod
    def _landed(listing: Entry) -> Wanted:
        flying, listing.flying = listing.flying, None
        assert flying is not None
        return flying

    def _accepted(
        self, listing: Entry, flying: Wanted, outcome: Outcome, now_s: float, now_us: int
    ) -> list[Finished]:
        """It is done later: the adapter is offered it again, or what is newer, to ask after it."""
        wait_s = ACCEPTED_S if outcome.retry_after_s is None else outcome.retry_after_s
        listing.due_s = now_s + max(wait_s, ACCEPTED_S_MIN)
        if listing.wanted is not None:
            return self._give_way(listing, flying, "the channel accepted it", now_us)
        listing.wanted = flying
        return self._settle(listing, now_us)

    def _again(
        self,
        listing: Entry,
        flying: Wanted,
        outcome: Outcome,
        detail: str,
        now_s: float,
        now_us: int,
    ) -> list[Finished]:
        listing.retries += 1
        if listing.retries == 1:
            listing.failed_s = now_s
        delay_s = max(self._delay_s(listing.retries), outcome.retry_after_s or 0.0)
        listing.due_s = now_s + delay_s
        if listing.wanted is not None:
            return self._give_way(listing, flying, detail, now_us)
        is_over = now_s - listing.failed_s >= self._window_s
        if is_over or listing.retries >= self._attempts_max:
            listing.due_s = 0.0
            finished = self._finished(flying, OutcomeKind.GAVE_UP, now_us, detail, listing)
            listing.start_anew()
            return [finished]
        listing.wanted = flying
        return self._settle(listing, now_us)

    def _give_way(
        self, listing: Entry, flying: Wanted, detail: str, now_us: int, *, first: bool = False
    ) -> list[Finished]:
        """A newer version came while this one was under way, and this one did not arrive."""
        assert listing.wanted is not None
        why = f"by version {listing.wanted.version}"
        text = f"{why}, after {detail}" if detail else why
        finished = [self._finished(flying, OutcomeKind.SUPERSEDED, now_us, text, listing)]
        listing.start_anew()
        return finished + self._settle(listing, now_us, first=first)

    def _finished(
        self,
        wanted: Wanted,
        kind: OutcomeKind,
        now_us: int,
        detail: str = "",
        listing: Entry | None = None,
    ) -> Finished:
        attempts = listing.attempts if listing is not None else 0
        sent_at_us = (listing.sent_at_us if listing is not None else 0) or now_us
        quantity = self.quantity_of(wanted)
        return Finished(wanted, kind, quantity, attempts, detail, sent_at_us, now_us)

    # Partitions.

    def hold(self, partition: int) -> None:
        """Send nothing of a partition for now, whatever is offered."""
        if self._queues.holds(partition):
            return
        self._queues.hold(partition)
        for listing in self._listings.values():
            if listing.partition == partition and listing.wanted is not None:
                self._settle(listing, 0)

    def let_go(self, partition: int, now_us: int) -> list[Finished]:
        """Send what is wanted of a held partition; what that finishes at once."""
        finished: list[Finished] = []
        for sku in self._queues.let_go(partition):
            finished += self._settle(self._listings[sku], now_us)
        return finished

    def drop(self, partition: int) -> None:
        """Forget a partition that somebody else serves now. Nothing of it may be under way."""
        self._queues.let_go(partition)
        for sku in [s for s, item in self._listings.items() if item.partition == partition]:
            listing = self._listings.pop(sku)
            assert listing.flying is None, f"a request for {sku} is under way"
            self._queues.forget(sku)

    def is_busy(self, sku: str) -> bool:
        """True while a request with the SKU is under way."""
        listing = self._listings.get(sku)
        return listing is not None and listing.flying is not None

    def is_flying(self, partition: int) -> bool:
        """True while a request with a SKU of the partition is under way."""
        return any(
            listing.flying is not None
            for listing in self._listings.values()
            if listing.partition == partition
        )

    def partition_of(self, sku: str) -> int:
        """Where a SKU that was offered came from."""
        return self._listings[sku].partition

    def standing(self) -> Standing:
        """How much waits, and since when; counts."""
        zeros, held = self._queues.urgent_count, self._queues.held_count
        return standing_of(self._listings.values(), zeros, held)
