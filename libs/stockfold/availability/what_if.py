"""Recorded history as it happened, and under two sets of policies, side by side.

A fold of the journal's facts in their order. At every demand that was recorded each side is asked
what it showed at that moment, and whether stock would have covered it. A side that would have sold
more or less than was really sold goes on with as much less or more stock. What really happened is
judged by what the channel was really told.

What it cannot know: demand that never came because the shop showed nothing, and what a buyer would
have done instead.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from stockfold.availability.answer import Answer
from stockfold.availability.of_ledger import Place, could_give, positions_of
from stockfold.availability.positions import SkuPositions
from stockfold.availability.surroundings import Surroundings
from stockfold.availability.what_if_figures import Demand, Outcome, Period
from stockfold.availability.what_if_kits import Kits
from stockfold.availability.what_if_sides import Side, Silences, edges_of_silence, silent_at
from stockfold.availability.what_was import NOTHING, Record, Shown
from stockfold.ledger.accounts import BACKORDERED, RESERVED
from stockfold.ledger.entities import Line
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import LineKey, SkuState

ANSWERS = frozenset(
    {
        "ReservationConfirmed",
        "ReservationPartiallyConfirmed",
        "ReservationBackordered",
        "ReservationRejected",
    }
)
"""The facts by which a demand is answered."""


AHEAD = frozenset({"backorder", "preorder"})
"""Statuses under which a channel shows what is not there yet."""


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

    ``categories`` are those of the partition's SKUs, ``record`` what their channels were told.
    """

    def __init__(
        self,
        before: Side,
        after: Side,
        period: Period,
        silences: Silences = (),
        kits: Kits | None = None,
    ) -> None:
        self.sides = (before, after)
        self.outcomes = tuple({c: Outcome() for c in side.channels} for side in self.sides)
        self.demands: dict[str, Demand] = {}
        self.unsure_listings = 0
        self.deficit_units = 0
        self.facts = 0
        self._period = period
        self.categories: Mapping[str, str] = {}
        self.record = Record()
        self._silences = silences
        self._kits = kits or Kits()
        silence = (t for side in self.sides for t in edges_of_silence(silences, side))
        self._edges = sorted({*before.edges, *after.edges, *silence})
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
                self._demand(fact, line, state, seen)
        missing = state.deficit()
        evolve(state, fact)
        self.deficit_units += max(state.deficit() - missing, 0)
        self._show(state, seen, at_us)

    def end_partition(self) -> None:
        """Let the rest of the period pass, and forget the partition's SKUs."""
        if self._edges:
            for state in self._states.values():
                self._look_at(state, self._period.to_us - 1)
        for state in self._states.values():
            if self._kits.concerns(state.sku):
                self._look_at(state, self._period.to_us - 1)
        counts, unsure = self.record.publications(self._period.from_us, self._period.to_us)
        self.unsure_listings += unsure
        for channel, count in counts.items():
            self.demands.setdefault(channel, Demand()).publications += count
        self._states.clear()
        self._seen.clear()
        self._last_us.clear()

    def end(self) -> None:
        """Count what would have been told of kits, once every partition is folded."""
        for kit in self._kits.absent():
            self._look_at(SkuState(kit), self._period.to_us - 1)
        for number, outcomes in enumerate(self.outcomes):
            self._kits.count(number, outcomes)

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
        around = Surroundings(category, at_us, silent_at(self._silences, at_us))
        for number, (side, known) in enumerate(zip(self.sides, seen, strict=True)):
            known.positions = side.positions(state, category, known.beyond)
            told = known.shown
            known.shown = side.answers(known.positions, around) if state.seq else {}
            if self._kits.concerns(state.sku):
                self._kits.note(number, side, known.positions, around)
            if count and not self._kits.is_kit(state.sku):
                for channel, answer in known.shown.items():
                    if channel not in told or told[channel].visible != answer.visible:
                        self.outcomes[number][channel].publications += 1

    # --- demand ---------------------------------------------------------------------------------

    def _demand(self, fact: Fact, line: Line, state: SkuState, seen: tuple[_Seen, _Seen]) -> None:
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
        shown = self.record.shown(state.sku, line.channel, fact.seq, fact.recorded_us)
        if shown is None:
            demand.recomputed += asked
            answer = seen[0].shown.get(line.channel)
            shown = NOTHING if answer is None else (answer.quantity, answer.status)
        stock = could_give(positions_of(state), line.channel, line.locations)
        _happened(demand, asked, held, waited, shown, stock, bucket)
        for outcomes, known in zip(self.outcomes, seen, strict=True):
            outcome = outcomes.get(line.channel)
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


def _happened(
    demand: Demand, asked: int, held: int, waited: int, shown: Shown, stock: int, bucket: int
) -> None:
    """Note what really became of a demand, by what was shown and the stock there really was."""
    units, status = shown
    oversold = 0 if status in AHEAD else max(min(asked, units) - held, 0)
    demand.oversold += oversold
    demand.oversold_at[bucket] += oversold
    lost = max(min(asked, stock) - held - waited, 0)
    demand.lost += lost
    demand.lost_at[bucket] += lost


def _judge(outcome: Outcome, known: _Seen, line: Line, asked: int, bucket: int) -> int:
    """Note what one side would have made of a demand; the units that stock covers of it."""
    answer = known.shown.get(line.channel)
    sold = 0 if answer is None else min(asked, max(answer.quantity, 0))
    stock = could_give(known.positions, line.channel, line.locations)
    covered = min(sold, stock)
    outcome.sold += sold
    if answer is None or answer.status not in AHEAD:
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
