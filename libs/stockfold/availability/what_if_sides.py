"""The sides of a simulated policy: which policies hold when, and what is silent then."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple

from stockfold.availability.answer import Answer
from stockfold.availability.fencing import Fencing
from stockfold.availability.kits import of_parts
from stockfold.availability.of_ledger import Place, positions_of
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions
from stockfold.availability.rules import Pipeline
from stockfold.availability.surroundings import NO_PLACES, Places, Surroundings
from stockfold.domain.times import SECOND_US
from stockfold.ledger.state import SkuState

Revision = tuple[int, Policy | None]
"""(UTC microseconds since when, the policy; None when the channel was given up)."""
Silences = Sequence[tuple[int, Mapping[str, int]]]
"""(UTC microseconds since when, the silent locations and when they were last heard from)."""
_at = itemgetter(0)
_NONE: Mapping[str, int] = MappingProxyType({})
_NO_HISTORY: Mapping[str, Sequence[Revision]] = MappingProxyType({})


class Rules(NamedTuple):
    """A policy's rules for SKUs, and for the parts of kits."""

    own: Pipeline
    of_parts: Pipeline


def _rules(policy: Policy, places: Places) -> Rules:
    own = Pipeline(policy, places)
    return Rules(own, own if policy.basis == "net" else Pipeline(of_parts(policy), places))


class Side:
    """What one set of policies shows of every SKU.

    ``policies`` hold all the time, and the ledger has folded their fences. ``history`` are the
    revisions of other channels, each from its time on: their fences are facts of the journal.
    """

    def __init__(
        self,
        policies: Mapping[str, Policy],
        places: Places = NO_PLACES,
        history: Mapping[str, Sequence[Revision]] = _NO_HISTORY,
    ) -> None:
        revisions = {**history, **{channel: [(0, p)] for channel, p in policies.items()}}
        self.channels = sorted(revisions)
        self._pipelines = {
            channel: [(at_us, None if p is None else _rules(p, places)) for at_us, p in turns]
            for channel, turns in revisions.items()
        }
        self._fencings = [found for found in map(Fencing, policies.values()) if found]
        known = [p for turns in revisions.values() for _, p in turns if p is not None]
        windows = [w for policy in known for w in policy.promotions]
        self.edges = {
            *(t for w in windows for t in (w.starts_at, w.ends_at)),
            *(at_us for turns in revisions.values() for at_us, _ in turns if at_us),
        }
        self.patience_s = {p.silence.after_s for p in known if p.silence.then != "keep"}
        """How long its policies trust a source that is silent, in seconds; empty: for ever."""

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
        """What every channel that has a policy at the moment would be told."""
        rules = self.in_force(around.moment_us)
        return {channel: found.own.compute(positions, around) for channel, found in rules}

    def in_force(self, moment_us: int) -> Iterator[tuple[str, Rules]]:
        """The rules of every channel that has a policy at the moment."""
        for channel, turns in self._pipelines.items():
            turn = bisect_right(turns, moment_us, key=_at)
            rules = turns[turn - 1][1] if turn else None
            if rules is not None:
                yield channel, rules


def silent_at(silences: Silences, at_us: int) -> Mapping[str, int]:
    """The locations that were silent at a time, and when they were last heard from."""
    turn = bisect_right(silences, at_us, key=_at)
    return silences[turn - 1][1] if turn else _NONE


def edges_of_silence(silences: Silences, side: Side) -> Iterator[int]:
    """The times at which silence changes what a side's policies promise."""
    if not side.patience_s:
        return
    never: tuple[int, Mapping[str, int]] = (1 << 63, _NONE)
    for (begins_us, silent), (ends_us, _) in pairwise((*silences, never)):
        yield begins_us
        for heard_us in set(silent.values()):
            for after_s in side.patience_s:
                at_us = heard_us + after_s * SECOND_US
                if begins_us < at_us < ends_us:
                    yield at_us
