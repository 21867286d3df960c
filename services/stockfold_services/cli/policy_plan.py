"""What every channel's numbers would become under other policies, before anything is published."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from stockfold.availability.answer import Answer
from stockfold.availability.fencing import Fencing
from stockfold.availability.limits import claims_by_channel
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions, Summary
from stockfold.availability.rules import Pipeline
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import Places, Surroundings
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


class Overlap(msgspec.Struct, frozen=True):
    """Ring-fences of several channels that add up to more than the SKU's pool."""

    sku: str
    pool: int
    fences: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """Such as ``the ring-fences of SKU-1 add up to 30 units (woo 20, amazon 10), ...``."""
        total = sum(units for _, units in self.fences)
        named = ", ".join(f"{channel} {units}" for channel, units in self.fences)
        return (
            f"the ring-fences of {self.sku} add up to {total} units ({named}), "
            f"which is above its pool of {self.pool}"
        )


class Plan(msgspec.Struct):
    """What would become of every channel, and fences that could not all be granted today."""

    channels: list[ChannelPlan]
    overlaps: list[Overlap]


class Planner:
    """Computes every SKU under the policies in force and under those wanted."""

    def __init__(
        self,
        in_force: Mapping[str, Policy],
        wanted: Iterable[Policy],
        places: Places,
        times: Times,
    ) -> None:
        changed = {policy.channel: policy for policy in wanted}
        after = {**in_force, **changed}
        self._before = {channel: Pipeline(policy, places) for channel, policy in in_force.items()}
        self._after = {channel: Pipeline(policy, places) for channel, policy in after.items()}
        self._fencings = [Fencing(policy) for policy in changed.values()]
        self._times = times
        self._plans = {channel: ChannelPlan(channel) for channel in sorted(after)}
        self._overlaps: list[Overlap] = []

    def plan(self, skus: Iterable[SkuMemory], largest: int) -> Plan:
        """The plan over these SKUs, with so many of each channel's largest changes."""
        changes: dict[str, list[Change]] = {channel: [] for channel in self._plans}
        for sku in skus:
            for channel, change in self._changes(sku):
                found = changes[channel]
                found.append(change)
                if len(found) > 50 * largest + 1_000:
                    found[:] = heapq.nlargest(largest, found, key=_size)
        for channel, plan in self._plans.items():
            plan.largest = heapq.nlargest(largest, changes[channel], key=_size)
        return Plan(list(self._plans.values()), self._overlaps)

    def _changes(self, sku: SkuMemory) -> Iterator[tuple[str, Change]]:
        positions = sku.positions
        if not positions.seq:
            return
        surroundings = Surroundings(sku.category, self._times.moment_us, self._times.silent)
        old = {c: p.compute(positions, surroundings) for c, p in self._before.items()}
        known = positions.summary
        positions.put_summary(self._folded(sku), positions.seq)
        new = {c: p.compute(positions, surroundings) for c, p in self._after.items()}
        positions.put_summary(known, positions.seq)
        for channel, answer in new.items():
            before = old.get(channel)
            if self._count(self._plans[channel], before, answer):
                yield (
                    channel,
                    Change(
                        positions.sku,
                        None if before is None else before.quantity,
                        answer.quantity,
                        None if before is None else before.status,
                        answer.status,
                    ),
                )

    def _folded(self, sku: SkuMemory) -> Summary:
        """The summary with the wanted fences and limits, as the ledger would fold them."""
        positions = sku.positions
        summary = positions.summary
        for fencing in self._fencings:
            summary = fencing.folded(positions.sku, sku.category, summary)
        if summary.fences != positions.summary.fences:
            overlap = _overlap(positions, summary)
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


def _overlap(positions: SkuPositions, summary: Summary) -> Overlap | None:
    """Whether the fences of several channels cannot all be granted of what there is."""
    claimed = claims_by_channel(positions)
    unused = [
        (channel, units - claimed.get(channel, 0))
        for channel, units, _, _ in summary.fences
        if units > claimed.get(channel, 0)
    ]
    pool = sum(row.atp for row in positions.locations.values() if row.atp > 0)
    if len(unused) < 2 or sum(units for _, units in unused) <= pool:
        return None
    return Overlap(positions.sku, pool, tuple(unused))
