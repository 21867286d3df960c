"""Recorded history under two sets of policies, side by side.

A fold of the journal's facts in their order. At every demand that was recorded each side is asked
what it showed at that moment, and whether stock would have covered it. A side that would have sold
more or less than was really sold goes on with as much less or more stock.

What it cannot know: demand that never came because the shop showed nothing, and what a buyer would
have done instead. Silent sources are not in the journal, so nothing is silent here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

import msgspec

from stockfold.availability.answer import Answer
from stockfold.availability.fencing import Fencing
from stockfold.availability.of_ledger import Place, could_give, positions_of
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions
from stockfold.availability.rules import Pipeline
from stockfold.availability.surroundings import NO_PLACES, Places, Surroundings
from stockfold.ledger.accounts import BACKORDERED, RESERVED
from stockfold.ledger.entities import Line
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import LineKey, SkuState

BUCKETS = 100
"""Parts of the period by which sums are kept over time."""

ANSWERS = frozenset(
    {
        "ReservationConfirmed",
        "ReservationPartiallyConfirmed",
        "ReservationBackordered",
        "ReservationRejected",
    }
)
"""The facts by which a demand is answered."""


class Demand(msgspec.Struct):
    """What was asked on a channel in units, and what really became of it."""

    asked: int = 0
    accepted: int = 0
    waited: int = 0
    refused: int = 0


class Outcome(msgspec.Struct):
    """What one side would have made of a channel's demand.

    ``sold`` are units that it showed when they were asked, ``oversold`` those of them that no stock
    covered, ``lost`` those that stock would have covered but it did not show. Sums over time are
    kept by part of the period.
    """

    publications: int = 0
    sold: int = 0
    oversold: int = 0
    lost: int = 0
    oversold_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)
    lost_at: list[int] = msgspec.field(default_factory=lambda: [0] * BUCKETS)


class Period(msgspec.Struct, frozen=True):
    """From a time to before another, in UTC microseconds."""

    from_us: int
    to_us: int

    def bucket(self, at_us: int) -> int:
        """In which of its parts a time of it lies."""
        return (at_us - self.from_us) * BUCKETS // max(self.to_us - self.from_us, 1)


class Side:
    """One set of policies, as a whole: what it shows of every SKU, and what it would have sold."""

    def __init__(self, policies: Mapping[str, Policy], places: Places = NO_PLACES) -> None:
        self.outcomes = {channel: Outcome() for channel in policies}
        self._pipelines = {channel: Pipeline(p, places) for channel, p in policies.items()}
        self._fencings = [found for found in map(Fencing, policies.values()) if found]
        windows = [w for policy in policies.values() for w in policy.promotions]
        self.edges = sorted({t for w in windows for t in (w.starts_at, w.ends_at)})

    def positions(
        self, state: SkuState, category: str, beyond: Mapping[Place, int]
    ) -> SkuPositions:
        """The SKU's positions, with this side's fences and what it sold beyond reality."""
        found = positions_of(state, beyond)
        summary = found.summary
        for fencing in self._fencings:
            summary = fencing.folded(state.sku, category, summary)
        found.summary = summary
        return found

    def answers(self, positions: SkuPositions, around: Surroundings) -> dict[str, Answer]:
        """What every channel would be told."""
        return {c: pipeline.compute(positions, around) for c, pipeline in self._pipelines.items()}


class _Seen:
    """What one side showed last of one SKU, and how far its sales differ from reality."""

    __slots__ = ("beyond", "positions", "shown", "withheld")

    def __init__(self) -> None:
        self.shown: dict[str, Answer] = {}
        self.positions = SkuPositions("")
        self.beyond: dict[Place, int] = {}
        self.withheld: dict[LineKey, dict[Place, int]] = {}


class WhatIf:
    """Both sides over the facts of one partition after another.

    ``categories`` are those of the partition's SKUs.
    """

    def __init__(
        self,
        before: Side,
        after: Side,
        period: Period,
    ) -> None:
        self.sides = (before, after)
        self.demands: dict[str, Demand] = {}
        self.deficit_units = 0
        self.facts = 0
        self._period = period
        self.categories: Mapping[str, str] = {}
        self._edges = sorted({*before.edges, *after.edges})
        self._states: dict[str, SkuState] = {}
        self._seen: dict[str, tuple[_Seen, _Seen]] = {}
        self._last_us: dict[str, int] = {}

    def take(self, fact: Fact) -> None:
        """Take the next fact of the partition; one after the period changes nothing."""
        at_us = fact.recorded_us
        if at_us >= self._period.to_us:
            return
        sku = fact.cause.sku
        state = self._states.get(sku)
        if state is None:
            state = self._states[sku] = SkuState(sku)
        if at_us < self._period.from_us:
            evolve(state, fact)
            return
        self.facts += 1
        seen = self._look_at(state, at_us)
        line = None if fact.change is None else fact.change.line
        if line is not None:
            self._close(state, line, seen)
            if fact.kind in ANSWERS:
                self._demand(fact, line, seen)
        missing = state.deficit()
        evolve(state, fact)
        self.deficit_units += max(state.deficit() - missing, 0)
        self._show(state, seen, at_us)

    def end_partition(self) -> None:
        """Let the rest of the period pass, and forget the partition's SKUs."""
        if self._edges:
            for state in self._states.values():
                self._look_at(state, self._period.to_us - 1)
        self._states.clear()
        self._seen.clear()
        self._last_us.clear()

    # --- time -----------------------------------------------------------------------------------

    def _look_at(self, state: SkuState, at_us: int) -> tuple[_Seen, _Seen]:
        """What both sides show of the SKU by now: windows may have begun and ended meanwhile."""
        seen = self._seen.get(state.sku)
        if seen is None:
            seen = self._seen[state.sku] = (_Seen(), _Seen())
            self._last_us[state.sku] = self._period.from_us
            self._show(state, seen, self._period.from_us, count=False)
        last = self._last_us[state.sku]
        for edge in self._edges[bisect_right(self._edges, last) : bisect_right(self._edges, at_us)]:
            self._show(state, seen, edge)
        self._last_us[state.sku] = at_us
        return seen

    def _show(
        self, state: SkuState, seen: tuple[_Seen, _Seen], at_us: int, *, count: bool = True
    ) -> None:
        category = self.categories.get(state.sku, "")
        around = Surroundings(category, at_us)
        for side, known in zip(self.sides, seen, strict=True):
            known.positions = side.positions(state, category, known.beyond)
            told = known.shown
            known.shown = side.answers(known.positions, around) if state.seq else {}
            if count:
                for channel, answer in known.shown.items():
                    if channel not in told or told[channel].visible != answer.visible:
                        side.outcomes[channel].publications += 1

    # --- demand ---------------------------------------------------------------------------------

    def _demand(self, fact: Fact, line: Line, seen: tuple[_Seen, _Seen]) -> None:
        accepted = {place: units for account, place, _, units in fact.deltas if account == RESERVED}
        waited = sum(units for account, _, _, units in fact.deltas if account == BACKORDERED)
        held = sum(accepted.values())
        asked = max(line.quantity, held + waited)
        demand = self.demands.setdefault(line.channel, Demand())
        demand.asked += asked
        demand.accepted += held
        demand.waited += waited
        demand.refused += asked - held - waited
        bucket = self._period.bucket(fact.recorded_us)
        for side, known in zip(self.sides, seen, strict=True):
            outcome = side.outcomes.get(line.channel)
            if outcome is not None:
                covered = _judge(outcome, known, line, asked, bucket)
                _go_on(known, line, covered - held, accepted)

    @staticmethod
    def _close(state: SkuState, line: Line, seen: tuple[_Seen, _Seen]) -> None:
        """Units that reality gives back cannot be on a side that never sold them."""
        known = state.lines.get((line.order, line.line))
        if known is None or line.closed_units() <= known.closed_units():
            return
        for side in seen:
            for place, units in side.withheld.pop((line.order, line.line), {}).items():
                side.beyond[place] = side.beyond.get(place, 0) + units


def _judge(outcome: Outcome, known: _Seen, line: Line, asked: int, bucket: int) -> int:
    """Note what one side would have made of a demand; the units that stock covers of it."""
    answer = known.shown.get(line.channel)
    sold = 0 if answer is None else min(asked, max(answer.quantity, 0))
    stock = could_give(known.positions, line.channel, line.locations)
    covered = min(sold, stock)
    outcome.sold += sold
    if answer is None or answer.status not in {"backorder", "preorder"}:
        outcome.oversold += sold - covered
        outcome.oversold_at[bucket] += sold - covered
    lost = min(asked, stock) - covered
    outcome.lost += lost
    outcome.lost_at[bucket] += lost
    return covered


def _go_on(known: _Seen, line: Line, more: int, accepted: Mapping[str, int]) -> None:
    """Let a side go on with so many units more, or less, sold than really were."""
    beyond = known.beyond
    if more > 0:
        for location in line.locations:
            row = known.positions.locations.get(location)
            units = min(more, max(row.atp, 0)) if row is not None else 0
            if units:
                place = (location, line.channel)
                beyond[place] = beyond.get(place, 0) + units
                more -= units
    else:
        withheld: dict[Place, int] = {}
        for location, held in accepted.items():
            units = min(-more, held)
            if units > 0:
                place = (location, line.channel)
                beyond[place] = beyond.get(place, 0) - units
                withheld[place] = units
                more += units
        if withheld:
            known.withheld[line.order, line.line] = withheld
