"""What every channel's numbers would become under other policies, before anything is published."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Mapping

import msgspec

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.fencing import Fencing, Overlap, overlap_of
from stockfold.availability.kits import NOTHING, Parts, combine, of_parts
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions, Summary
from stockfold.availability.rules import Pipeline
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import Places, Surroundings
from stockfold.domain.bills import Tree
from stockfold_services.availability.memory import SkuMemory


class Change(msgspec.Struct, frozen=True):
    """What one SKU's number on a channel becomes; ``before`` of None: the channel is new."""

    sku: str
    before: int | None
    after: int
    status_before: str | None
    status: str


class ChannelPlan(msgspec.Struct):
    """What becomes of one channel. Units are sums over its SKUs."""

    channel: str
    skus: int = 0
    changed: int = 0
    units_before: int = 0
    units_after: int = 0
    to_zero: int = 0
    from_zero: int = 0
    largest: list[Change] = []


class Plan(msgspec.Struct):
    """What would become of every channel, and fences that could not all be granted today."""

    channels: list[ChannelPlan]
    overlaps: list[Overlap]


class _Side:
    """Every channel's rules of one set of policies, and what they make of the parts of kits."""

    def __init__(self, policies: Mapping[str, Policy], places: Places) -> None:
        self._rules = {channel: Pipeline(policy, places) for channel, policy in policies.items()}
        self._of_parts = {
            channel: self._rules[channel]
            if policy.basis == "net"
            else Pipeline(of_parts(policy), places)
            for channel, policy in policies.items()
        }
        self._parts: dict[str, dict[str, Visible]] = {}

    def answers(self, positions: SkuPositions, around: Surroundings) -> dict[str, Answer]:
        """What every channel may promise of a SKU by its own positions."""
        return {c: rules.compute(positions, around) for c, rules in self._rules.items()}

    def note_part(self, positions: SkuPositions, around: Surroundings) -> None:
        """Keep what every channel may promise of a SKU that kits are made of."""
        self._parts[positions.sku] = {
            c: rules.compute(positions, around).visible for c, rules in self._of_parts.items()
        }

    def of_kit(self, tree: Tree, own: Mapping[str, Answer]) -> dict[str, Answer]:
        """What every channel may promise of a kit, once all of its parts are noted."""
        return {
            channel: combine(
                self._rules[channel].policy, answer, tree, self._parts_of(tree, channel)
            )
            for channel, answer in own.items()
        }

    def _parts_of(self, tree: Tree, channel: str) -> Parts:
        known = {sku: self._parts.get(sku) for sku in tree.parts}
        visible = {sku: NOTHING if of is None else of[channel] for sku, of in known.items()}
        return Parts(visible, lambda _: 0)


class _Kit(msgspec.Struct):
    """A kit that waits for its parts: its tree, and its own stock on both sides."""

    sku: str
    tree: Tree
    before: dict[str, Answer]
    after: dict[str, Answer]


class Planner:
    """Computes every SKU under the policies in force and under those wanted.

    Kits are counted last: their components may be in any partition.
    """

    def __init__(
        self,
        in_force: Mapping[str, Policy],
        wanted: Iterable[Policy],
        places: Places,
        times: Times,
        largest: int,
    ) -> None:
        changed = {policy.channel: policy for policy in wanted}
        after = {**in_force, **changed}
        self._before, self._after = _Side(in_force, places), _Side(after, places)
        self._fencings = [Fencing(policy) for policy in changed.values()]
        self._times = times
        self._largest = largest
        self._plans = {channel: ChannelPlan(channel) for channel in sorted(after)}
        self._changes: dict[str, list[Change]] = {channel: [] for channel in after}
        self._overlaps: list[Overlap] = []
        self._kits: list[_Kit] = []

    def take(self, skus: Iterable[SkuMemory], parts: Collection[str]) -> None:
        """Count the SKUs of one partition; ``parts`` are those of them that kits are made of."""
        for sku in skus:
            tree = None if sku.kit is None else sku.kit.tree
            name = sku.positions.sku
            if sku.positions.seq or tree is not None:
                old, new = self._answers(sku, is_part=name in parts)
                if tree is None:
                    self._count_all(name, old, new)
                else:
                    self._kits.append(_Kit(name, tree, old, new))

    def plan(self) -> Plan:
        """The plan over all SKUs taken, with each channel's largest changes."""
        for kit in self._kits:
            old = self._before.of_kit(kit.tree, kit.before)
            self._count_all(kit.sku, old, self._after.of_kit(kit.tree, kit.after))
        for channel, plan in self._plans.items():
            plan.largest = heapq.nlargest(self._largest, self._changes[channel], key=_size)
        return Plan(list(self._plans.values()), self._overlaps)

    def _answers(
        self, sku: SkuMemory, *, is_part: bool
    ) -> tuple[dict[str, Answer], dict[str, Answer]]:
        """By the SKU's own positions, before and after."""
        positions = sku.positions
        around = Surroundings(sku.category, self._times.moment_us, self._times.silent)
        is_part = is_part and positions.seq > 0
        old = self._before.answers(positions, around)
        if is_part:
            self._before.note_part(positions, around)
        known = positions.summary
        positions.put_summary(self._folded(sku), positions.seq)
        new = self._after.answers(positions, around)
        if is_part:
            self._after.note_part(positions, around)
        positions.put_summary(known, positions.seq)
        return old, new

    def _count_all(self, sku: str, old: Mapping[str, Answer], new: Mapping[str, Answer]) -> None:
        for channel, answer in new.items():
            before = old.get(channel)
            if self._count(self._plans[channel], before, answer):
                found = self._changes[channel]
                found.append(
                    Change(
                        sku,
                        None if before is None else before.quantity,
                        answer.quantity,
                        None if before is None else before.status,
                        answer.status,
                    )
                )
                if len(found) > 50 * self._largest + 1_000:
                    found[:] = heapq.nlargest(self._largest, found, key=_size)

    def _folded(self, sku: SkuMemory) -> Summary:
        """The summary with the wanted fences and limits, as the ledger would fold them."""
        positions = sku.positions
        summary = positions.summary
        for fencing in self._fencings:
            summary = fencing.folded(positions.sku, sku.category, summary)
        if summary.fences != positions.summary.fences:
            overlap = overlap_of(positions, summary, sku.category)
            if overlap is not None:
                self._overlaps.append(overlap)
        return summary

    @staticmethod
    def _count(plan: ChannelPlan, before: Answer | None, after: Answer) -> bool:
        units = 0 if before is None else before.quantity
        plan.skus += 1
        plan.units_before += units
        plan.units_after += after.quantity
        if before is not None and before.visible == after.visible:
            return False
        plan.changed += 1
        plan.to_zero += units > 0 >= after.quantity
        plan.from_zero += units <= 0 < after.quantity
        return True


def _size(change: Change) -> int:
    return abs(change.after - (change.before or 0))
