"""What a simulated policy would have told of kits: their parts may be in any partition.

While the partitions are folded one after another, what each side shows of a part, or of a kit's own
stock, is kept with its time wherever it changes. Once all are folded, each kit is gone through in
the order of time. Demand is judged by the SKU that was asked for: an order of a kit asks for its
components (semantics.md, "Availability per channel").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.kits import NOTHING, Parts, combine
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions
from stockfold.availability.surroundings import Surroundings
from stockfold.availability.what_if_figures import Outcome
from stockfold.availability.what_if_sides import Side
from stockfold.domain.bills import Tree

Parted = Mapping[str, Visible]
"""What counts of a part, by channel; empty of one that nobody ever held."""
Owned = Mapping[str, tuple[Policy, Answer]]
"""A kit's own stock under the policy of each channel."""


class _Moment(NamedTuple):
    at_us: int
    parts: Mapping[str, Parted]
    own: Owned | None


class Kits:
    """Kits and their parts over the period, on both sides. ``trees`` by kit."""

    def __init__(self, trees: Mapping[str, Tree] | None = None) -> None:
        self._trees = trees or {}
        self._parts = {part for tree in self._trees.values() for part in tree.parts}
        self._noted: tuple[_Noted, _Noted] = (_Noted(), _Noted())

    def is_kit(self, sku: str) -> bool:
        """Whether what is told of the SKU is more than its own stock."""
        return sku in self._trees

    def concerns(self, sku: str) -> bool:
        """Whether the SKU is a kit, or part of one."""
        return sku in self._trees or sku in self._parts

    def note(self, number: int, side: Side, positions: SkuPositions, around: Surroundings) -> None:
        """Note what a side shows of a SKU from ``around``'s moment on; times never fall."""
        sku, noted = positions.sku, self._noted[number]
        rules = list(side.in_force(around.moment_us))
        if sku in self._parts:
            held = positions.seq > 0
            found = {c: r.of_parts.compute(positions, around).visible for c, r in rules if held}
            _keep(noted.parts.setdefault(sku, []), around.moment_us, found)
        if sku in self._trees:
            own = {c: (r.own.policy, r.own.compute(positions, around)) for c, r in rules}
            turns = noted.own.setdefault(sku, [])
            if not turns or _differ(turns[-1][1], own):
                turns.append((around.moment_us, own))

    def absent(self) -> list[str]:
        """Kits of which no stock was ever noted."""
        return [sku for sku in self._trees if sku not in self._noted[0].own]

    def count(self, number: int, outcomes: Mapping[str, Outcome]) -> None:
        """Count what a side would have told of every kit, after the period's beginning."""
        for kit, tree in self._trees.items():
            self._count(tree, self._noted[number].moments(kit, tree), outcomes)

    @staticmethod
    def _count(tree: Tree, moments: Iterator[_Moment], outcomes: Mapping[str, Outcome]) -> None:
        told: dict[str, Visible] | None = None
        for moment in moments:
            before, told = told, _told(tree, moment)
            if before is not None:
                for channel, visible in told.items():
                    outcomes[channel].publications += visible != before.get(channel)


class _Noted:
    """What one side showed: of each SKU (time, what from then on), oldest first."""

    def __init__(self) -> None:
        self.parts: dict[str, list[tuple[int, Parted]]] = {}
        self.own: dict[str, list[tuple[int, Owned]]] = {}

    def moments(self, kit: str, tree: Tree) -> Iterator[_Moment]:
        """The kit's own stock and its parts wherever one of them changes, in the order of time."""
        own_changes: Sequence[tuple[int, Owned]] = self.own.get(kit, ())
        changes: dict[int, list[tuple[str, Parted]]] = {at_us: [] for at_us, _ in own_changes}
        for part in tree.parts:
            for at_us, found in self.parts.get(part, ()):
                changes.setdefault(at_us, []).append((part, found))
        of_own = dict(own_changes)
        own: Owned | None = None
        parts: dict[str, Parted] = {}
        for at_us in sorted(changes):
            parts.update(changes[at_us])
            own = of_own.get(at_us, own)
            yield _Moment(at_us, parts, own)


def _keep(noted: list[tuple[int, Parted]], at_us: int, found: Parted) -> None:
    if noted and noted[-1][1] == found:
        return
    noted.append((at_us, found))


def _differ(before: Owned, after: Owned) -> bool:
    """Whether anything of it could change a kit: the limits of a policy hold for the sum too."""
    return before.keys() != after.keys() or any(
        policy is not before[channel][0] or _bounds(answer) != _bounds(before[channel][1])
        for channel, (policy, answer) in after.items()
    )


def _bounds(answer: Answer) -> tuple[Visible, int, int | None]:
    return answer.visible, answer.open, answer.ceiling


def _told(tree: Tree, moment: _Moment) -> dict[str, Visible]:
    told = {}
    for channel, (policy, answer) in (moment.own or {}).items():
        found = {sku: moment.parts.get(sku, {}).get(channel, NOTHING) for sku in tree.parts}
        told[channel] = combine(policy, answer, tree, Parts(found, lambda _: 0)).visible
    return told
