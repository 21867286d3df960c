"""A SKU at a time T, by both times: as it was known at T, and as T is known now.

**Known at T** (transaction time): the fold of the journal up to the last fact that was recorded at
or before T. The journal's order is the truth; recorded times only say where to stop.

**T as known at K** (valid time): of what the journal held at K, everything that had taken effect by
T. When a fact takes effect:

- units move when the movement occurred;
- a count, or a snapshot that corrects, takes effect at its own as-of time: that is when the bucket
  is known to have held what was counted. What a late movement corrects because a count had seen it
  takes effect at that count. So a bucket at the as-of time of its newest count is what was counted;
- a promise begins when the ledger gave it, for nobody held it before, and ends when it was
  released, cancelled or expired. A shipment ends it when the goods left, though never before the
  promise had last grown, so that no claim is ever below zero;
- what the close of a transfer settles for events told after it takes effect with those events.

Nothing takes effect after it was recorded, so T = now known now is the state as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from stockfold.domain.times import from_us
from stockfold.explain.entry import Entry, Evidence, History, answer, evidence
from stockfold.ledger.accounts import (
    ADJUSTMENT,
    ALLOCATED,
    BACKORDERED,
    COUNTED_BELOW,
    CUSTOMER,
    DAMAGED,
    IN_TRANSIT,
    ON_HAND,
    QUALITY_HOLD,
    RESERVED,
    STRIDE,
    Delta,
)
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import LineKey

LEARNED_MAX = 50
"""Facts told singly of those that were learned later; the newest."""


@answer
class PlaceNumbers:
    """The numbers of a SKU at a location."""

    location: str
    """The location."""
    on_hand: int
    """Sellable units on the shelf."""
    quality_hold: int
    """Units that wait for inspection."""
    damaged: int
    """Units that are there and cannot be sold."""
    in_transit: int
    """Units on their way to the location."""
    reserved: int
    """Soft promises."""
    allocated: int
    """Hard promises."""
    atp: int
    """on_hand - allocated - reserved, signed."""


@answer
class Picture:
    """A SKU at one time, as known at one time."""

    positions: tuple[PlaceNumbers, ...]
    """Its numbers by location."""
    atp: int
    """Sum of max(ATP at location, 0)."""
    deficit: int
    """Sum of max(-ATP at location, 0)."""
    backordered: int
    """Units that wait for stock."""
    last_seq: int
    """Number of the last fact that was known."""


@answer
class AsOf:
    """A SKU at a time, as it was known then, and as that time is known later."""

    sku: str
    """The SKU."""
    at: datetime
    """The time asked for."""
    known_at: datetime
    """When the later knowledge is of."""
    known_then: Picture
    """What was known at the time."""
    known_later: Picture
    """The same time, as it is known at ``known_at``."""
    learned: tuple[Evidence, ...]
    """Facts that had taken effect by then and were recorded only afterwards: the newest 50."""
    learned_facts: int
    """How many such facts there are."""


def known_at(history: History, us: int) -> History:
    """The facts of a history that were recorded by a time, as a prefix."""
    for index in range(len(history) - 1, -1, -1):
        if history[index].fact.recorded_us <= us:
            return history[: index + 1]
    return history[:0]


def as_of(
    sku: str, history: History, at_us: int, known_us: int, location: str | None = None
) -> AsOf:
    """The two pictures of a time. ``known_us`` must not be before ``at_us``."""
    then = known_at(history, at_us)
    later = known_at(history, max(at_us, known_us))
    effects = list(_effects(later, at_us))
    learned = [entry for entry, deltas in effects[len(then) :] if deltas]
    return AsOf(
        sku=sku,
        at=from_us(at_us),
        known_at=from_us(max(at_us, known_us)),
        known_then=_picture((e.fact.deltas for e in then), _last_seq(then), location),
        known_later=_picture((deltas for _, deltas in effects), _last_seq(later), location),
        learned=tuple(evidence(entry) for entry in learned[-LEARNED_MAX:]),
        learned_facts=len(learned),
    )


def valid_at(history: History, at_us: int, location: str | None = None) -> Picture:
    """A time as the whole history knows it."""
    return _picture((d for _, d in _effects(history, at_us)), _last_seq(history), location)


def _last_seq(history: History) -> int:
    return history[-1].fact.seq if history else 0


def _picture(facts: Iterable[list[Delta]], last_seq: int, location: str | None) -> Picture:
    books: dict[str, list[int]] = {}
    backordered = 0
    for deltas in facts:
        for account, place, _, units in deltas:
            if account < STRIDE:
                if location in {None, place}:
                    books.setdefault(place, [0] * STRIDE)[account] += units
            elif account == BACKORDERED:
                backordered += units
    positions = tuple(_place(place, book) for place, book in sorted(books.items()))
    atps = [position.atp for position in positions]
    return Picture(
        positions=positions,
        atp=sum(max(atp, 0) for atp in atps),
        deficit=sum(max(-atp, 0) for atp in atps),
        backordered=backordered,
        last_seq=last_seq,
    )


def _place(location: str, book: list[int]) -> PlaceNumbers:
    return PlaceNumbers(
        location=location,
        on_hand=book[ON_HAND],
        quality_hold=book[QUALITY_HOLD],
        damaged=book[DAMAGED],
        in_transit=book[IN_TRANSIT],
        reserved=book[RESERVED],
        allocated=book[ALLOCATED],
        atp=book[ON_HAND] - book[RESERVED] - book[ALLOCATED],
    )


def _effects(history: History, at_us: int) -> Iterator[tuple[Entry, list[Delta]]]:
    """Each fact with those of its deltas that had taken effect by a time."""
    times = Effects()
    for entry in history:
        yield entry, [delta for us, delta in times.of(entry.fact) if us <= at_us]


class Effects:
    """Says when the deltas of each fact took effect; facts are taken in journal order."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, int], int] = {}
        self._grown: dict[LineKey, int] = {}
        """When a claim of the line was last given, or grew."""

    def of(self, fact: Fact) -> list[tuple[int, Delta]]:
        """(UTC microseconds, delta) of every delta of the next fact."""
        change = fact.change
        if change is not None and change.count is not None:
            location, bucket, as_of_us = change.count
            self._counts[location, bucket] = as_of_us
            return [(as_of_us, delta) for delta in fact.deltas]
        split = self._corrections_from(fact)
        claims_us = self._claims_end(fact)
        found = [(self._moved(fact, claims_us, delta), delta) for delta in fact.deltas[:split]]
        for at in range(split, len(fact.deltas), 2):
            correction = fact.deltas[at]
            seen_us = self._counts[correction[1], correction[0]]
            found += [(seen_us, correction), (seen_us, fact.deltas[at + 1])]
        return found

    def _moved(self, fact: Fact, claims_us: int, delta: Delta) -> int:
        account, _, _, units = delta
        if RESERVED <= account <= BACKORDERED:
            return claims_us if units < 0 else fact.recorded_us
        return min(fact.occurred_us, fact.recorded_us)

    def _claims_end(self, fact: Fact) -> int:
        """When the claims that a fact takes away ended; notes when claims grow."""
        line = fact.change.line if fact.change is not None else None
        key = (line.order, line.line) if line is not None else None
        end_us = fact.recorded_us
        if key is not None and any(delta[0] == CUSTOMER for delta in fact.deltas):
            end_us = min(max(fact.occurred_us, self._grown.get(key, 0)), fact.recorded_us)
        if key is not None and any(
            RESERVED <= delta[0] <= BACKORDERED and delta[3] > 0 for delta in fact.deltas
        ):
            self._grown[key] = fact.recorded_us
        return end_us

    def _corrections_from(self, fact: Fact) -> int:
        """Where the corrections begin that a fact carries because a count had seen its movement.

        They come last, in pairs against ``adjustment``, one for each movement of a counted bucket
        before them (``ledger.physical``).
        """
        deltas = fact.deltas
        if "in_count" not in fact.flags:
            return len(deltas)
        for split in range(len(deltas) - 2, 0, -2):
            if deltas[split:] == self._expected(fact, deltas[:split]):
                return split
        return len(deltas)

    def _expected(self, fact: Fact, moved: list[Delta]) -> list[Delta]:
        found: list[Delta] = []
        for account, location, _, units in moved:
            if account < COUNTED_BELOW:
                seen_us = self._counts.get((location, account))
                if seen_us is not None and fact.occurred_us <= seen_us:
                    found += [(account, location, "", -units), (ADJUSTMENT, "", "", units)]
        return found
