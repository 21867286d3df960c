"""Our side: every account of a SKU at a time, by both times, and what moved around that time.

The same two readings as ``stockfold as-of`` gives (``explain.as_of``), of all twelve accounts and
in one pass, so that a whole journal can be compared: **known then** is what was recorded by the
time, **known now** everything that had taken effect by it, whenever it was told.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

import msgspec

from stockfold.explain.as_of import Effects
from stockfold.explain.entry import Entry
from stockfold.ledger.accounts import NAMES

NEARBY_MAX = 200
"""Movements around the time that a place remembers; the newest. Beyond it none explains."""

Place = tuple[str, str]
"""(location, account). Outside accounts and backorders have no location."""


class Cut(msgspec.Struct, frozen=True):
    """Which state is asked for, in UTC microseconds.

    What had taken effect by ``at_us``, of what was recorded by ``known_us``. Movements up to
    ``window_us`` before or after it may be what the other side has booked on its other side.
    """

    at_us: int
    known_us: int
    window_us: int


class Moved(NamedTuple):
    """Units that a fact moved into a place; negative: out of it. ``us`` is when they did."""

    us: int
    units: int
    entry: Entry
    counted: bool
    """Whether a count of the place corrected it."""


class PlaceBook:
    """One account of a SKU at one location."""

    __slots__ = ("counted_since", "later", "nearby", "overflow", "pending", "then")

    def __init__(self) -> None:
        self.then = 0
        """As it was known at the time."""
        self.later = 0
        """As that time is known later."""
        self.pending = 0
        self.nearby: deque[Moved] = deque(maxlen=NEARBY_MAX)
        self.overflow = False
        self.counted_since: list[Moved] = []
        """Counts of it that were true after the time."""

    def note(self, moved: Moved) -> None:
        """Remember a movement around the time."""
        self.overflow = self.overflow or len(self.nearby) == NEARBY_MAX
        self.nearby.append(moved)


class SkuBook:
    """The accounts of one SKU; facts are taken in journal order."""

    __slots__ = ("_cut", "_effects", "_waits", "places")

    def __init__(self, cut: Cut) -> None:
        self._cut = cut
        self._effects = Effects()
        self._waits = False
        self.places: dict[Place, PlaceBook] = {}

    def add(self, entry: Entry) -> None:
        """Take the SKU's next fact."""
        cut, fact = self._cut, entry.fact
        if fact.recorded_us > cut.known_us:
            return
        known_then = fact.recorded_us <= cut.at_us
        if known_then and self._waits:
            self._catch_up()
        count = fact.change.count if fact.change is not None else None
        for us, (account, location, _, units) in self._effects.of(fact):
            place = self._place(location, NAMES[account])
            if known_then:
                place.then += units
            else:
                place.pending += units
                self._waits = True
            if us <= cut.at_us:
                place.later += units
            late = us <= cut.at_us < fact.recorded_us
            if late or abs(us - cut.at_us) <= cut.window_us:
                counted = count is not None and count[:2] == (location, account)
                place.note(Moved(us, units, entry, counted))
        if count is not None and count[2] > cut.at_us:
            place = self._place(count[0], NAMES[count[1]])
            units = sum(d[3] for d in fact.deltas if d[:2] == (count[1], count[0]))
            place.counted_since.append(Moved(count[2], units, entry, counted=True))

    def _place(self, location: str, account: str) -> PlaceBook:
        book = self.places.get((location, account))
        if book is None:
            book = self.places[location, account] = PlaceBook()
        return book

    def _catch_up(self) -> None:
        """The clock was set back: whatever comes before what was known then was known then."""
        for book in self.places.values():
            book.then, book.pending = book.then + book.pending, 0
        self._waits = False
