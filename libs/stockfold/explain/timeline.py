"""What could be promised at a location, at any time, as it is known now."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import islice

import msgspec

from stockfold.explain.as_of import Effects
from stockfold.explain.entry import Entry, History
from stockfold.ledger.accounts import ALLOCATED, ON_HAND, RESERVED
from stockfold.ledger.facts import Fact


class Effect(msgspec.Struct, frozen=True):
    """What a fact did to the ATP of a location, and when that took effect (UTC microseconds)."""

    us: int
    seq: int
    units: int
    entry: Entry

    @property
    def late_us(self) -> int:
        """How long after it took effect it was recorded."""
        return self.entry.fact.recorded_us - self.us


def atp_delta(fact: Fact, location: str) -> int:
    """What a fact does to the signed ATP of a location."""
    total = 0
    for account, place, _, units in fact.deltas:
        if place == location:
            if account == ON_HAND:
                total += units
            elif account in {RESERVED, ALLOCATED}:
                total -= units
    return total


class Timeline:
    """The ATP of one location over time, every fact where it took effect (``as_of``)."""

    def __init__(self, history: History, location: str) -> None:
        times = Effects()
        self._told: list[Effect] = []
        """In the order in which they were recorded."""
        for entry in history:
            units_by_time: dict[int, int] = {}
            for us, (account, place, _, units) in times.of(entry.fact):
                if place == location and account in {ON_HAND, RESERVED, ALLOCATED}:
                    change = units if account == ON_HAND else -units
                    units_by_time[us] = units_by_time.get(us, 0) + change
            self._told += [
                Effect(us, entry.fact.seq, units, entry) for us, units in units_by_time.items()
            ]
        self.effects = sorted(self._told, key=lambda effect: (effect.us, effect.seq))
        """In the order in which they took effect."""
        self._keys = [(effect.us, effect.seq) for effect in self.effects]
        self._atp = [0]
        for effect in self.effects:
            self._atp.append(self._atp[-1] + effect.units)

    def facts(self) -> Iterator[Fact]:
        """The facts that touched the ATP of the location, in journal order, each once."""
        seq = 0
        for effect in self._told:
            if effect.seq != seq:
                seq = effect.seq
                yield effect.entry.fact

    def told_from(self, seq: int) -> Iterator[Effect]:
        """The effects of a fact and of those after it, in journal order."""
        start = bisect_left(self._told, seq, key=lambda effect: effect.seq)
        return islice(self._told, start, None)

    def before(self, fact: Fact) -> int:
        """The ATP at the moment a fact was recorded, before the fact itself."""
        return self._atp[bisect_left(self._keys, (fact.recorded_us, fact.seq))]

    def after(self, fact: Fact) -> int:
        """The ATP at the moment a fact was recorded, with the fact itself."""
        return self._atp[bisect_left(self._keys, (fact.recorded_us, fact.seq + 1))]

    def learned_after(self, fact: Fact) -> list[Effect]:
        """What had taken effect when a fact was recorded, and was recorded only after it."""
        end = bisect_left(self._keys, (fact.recorded_us, fact.seq))
        return [effect for effect in self.effects[:end] if effect.seq > fact.seq]
