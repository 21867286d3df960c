"""Every number of a SKU as the sum of the facts that made it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from stockfold.explain.entry import Entry, Evidence, History, answer, evidence
from stockfold.ledger.accounts import (
    ADJUSTMENT,
    ALLOCATED,
    BACKORDERED,
    CUSTOMER,
    LOST,
    NAMES,
    ON_HAND,
    RESERVED,
    SCRAPPED,
    STRIDE,
    SUPPLIER,
)
from stockfold.ledger.facts import Fact
from stockfold.ledger.inbound import expected_rows

NumberName = Literal[
    "on_hand",
    "quality_hold",
    "damaged",
    "in_transit",
    "reserved",
    "allocated",
    "atp",
    "expected",
    "deficit",
    "backordered",
    "received",
    "adjusted",
    "shipped",
    "lost",
    "scrapped",
]
NUMBERS: tuple[NumberName, ...] = get_args(NumberName)
PLACED = NUMBERS[: NUMBERS.index("expected") + 1]
"""Numbers that a location has; the others only a SKU as a whole has."""
PROVED = NUMBERS[NUMBERS.index("received") :]
"""Numbers that only the proof needs."""

_OUTSIDE = {
    SUPPLIER: ("received", -1),
    CUSTOMER: ("shipped", 1),
    LOST: ("lost", 1),
    SCRAPPED: ("scrapped", 1),
    ADJUSTMENT: ("adjusted", -1),
}
"""Outside accounts as people read them: units that came count up, and so do units that went."""


class Tracker:
    """Keeps every number of a SKU, or of it at one location, and says what each fact does to them.

    ``atp`` of a SKU is the sum of max(ATP at location, 0), and ``deficit`` that of max(-ATP, 0);
    ``atp`` at a location is signed.
    """

    def __init__(self, location: str | None = None) -> None:
        self._location = location
        self._atp: dict[str, int] = {}
        self._expected: dict[str, int] = {}
        names: Sequence[str] = NUMBERS if location is None else PLACED
        self.values = dict.fromkeys(names, 0)

    def fold(self, fact: Fact) -> dict[str, int]:
        """Take a fact; what it did to each number that it touches, 0 where it cancels out."""
        touched: dict[str, int] = {}
        for account, location, _, units in fact.deltas:
            if account < STRIDE:
                if self._location in {None, location}:
                    _add(touched, NAMES[account], units)
                    if account == ON_HAND:
                        self._move_atp(touched, location, units)
                    elif account in {RESERVED, ALLOCATED}:
                        self._move_atp(touched, location, -units)
            elif self._location is None:
                if account == BACKORDERED:
                    _add(touched, "backordered", units)
                else:
                    name, sign = _OUTSIDE[account]
                    _add(touched, name, sign * units)
        if fact.change is not None and fact.change.inbound is not None:
            self._expect(touched, fact)
        for name, units in touched.items():
            self.values[name] += units
        return touched

    def _move_atp(self, touched: dict[str, int], location: str, units: int) -> None:
        before = self._atp.get(location, 0)
        after = self._atp[location] = before + units
        if self._location is None:
            if before > 0 or after > 0:
                _add(touched, "atp", max(after, 0) - max(before, 0))
            if before < 0 or after < 0:
                _add(touched, "deficit", max(-after, 0) - max(-before, 0))
        else:
            _add(touched, "atp", units)

    def _expect(self, touched: dict[str, int], fact: Fact) -> None:
        assert fact.change is not None
        inbound = fact.change.inbound
        assert inbound is not None
        units = sum(
            row[2] for location, row in expected_rows(inbound) if self._location in {None, location}
        )
        before = self._expected.get(inbound.id, 0)
        self._expected[inbound.id] = units
        if units != before:
            _add(touched, "expected", units - before)


def _add(touched: dict[str, int], name: str, units: int) -> None:
    touched[name] = touched.get(name, 0) + units


@answer
class Step:
    """What one fact did to a number."""

    delta: int
    """Units by which it changed the number; 0 when it cancelled itself out."""
    value: int
    """The number after it."""
    fact: Evidence
    """The fact."""


@answer
class Unfolded:
    """A number and the facts that make it up: opening + the deltas of the steps = value."""

    number: str
    """Its name."""
    value: int
    """What it is."""
    opening: int
    """What the facts before the first step add up to."""
    earlier: int
    """How many facts that is; 0 when every fact is shown."""
    steps: tuple[Step, ...]
    """The facts that changed it, oldest first."""


def unfold(
    history: History,
    numbers: Iterable[str],
    location: str | None = None,
    last: int | None = None,
) -> list[Unfolded]:
    """Each number as the sum of its facts, the ``last`` ones singly (None: every one)."""
    tracker = Tracker(location)
    wanted = [number for number in numbers if number in tracker.values]
    kept: dict[str, deque[tuple[Entry, int, int]]] = {n: deque(maxlen=last) for n in wanted}
    counts = dict.fromkeys(wanted, 0)
    for entry in history:
        for number, delta in tracker.fold(entry.fact).items():
            # What cancels out in itself says nothing, unless it asks why.
            if number in kept and (delta or "in_count" in entry.fact.flags):
                counts[number] += 1
                kept[number].append((entry, delta, tracker.values[number]))
    return [
        _unfolded(number, tracker.values[number], counts[number], kept[number]) for number in wanted
    ]


def _unfolded(
    number: str, value: int, count: int, kept: Sequence[tuple[Entry, int, int]]
) -> Unfolded:
    return Unfolded(
        number,
        value,
        value - sum(delta for _, delta, _ in kept),
        count - len(kept),
        tuple(Step(delta, after, evidence(entry)) for entry, delta, after in kept),
    )
