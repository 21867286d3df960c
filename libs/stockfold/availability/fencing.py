"""What a policy has to say to the ledger: ring-fences and backorder limits of one SKU."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stockfold.availability.categories import BySubject
from stockfold.availability.limits import claims_by_channel
from stockfold.availability.policy import Policy
from stockfold.availability.positions import SkuPositions, Summary

FENCE = "RingFenceSet"
LIMIT = "BackorderLimitSet"


class Wanted(NamedTuple):
    """A fence or limit that the ledger does not know as the policy wants it.

    ``units`` of None lifts a limit. ``folded`` is the revision that the ledger knows, 0 for none.
    """

    kind: str
    units: int | None
    priority: int
    folded: int


class Fencing:
    """What one policy wants of the ledger, SKU by SKU."""

    __slots__ = ("_fences", "_limits", "_policy")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._fences = BySubject((f.sku, f.category, f) for f in policy.ring_fences or ())
        self._limits = BySubject((b.sku, b.category, b) for b in policy.backorders or ())

    def __bool__(self) -> bool:
        """Whether the policy says anything of fences or limits."""
        return self._policy.ring_fences is not None or self._policy.backorders is not None

    def wanted(self, sku: str, category: str, summary: Summary) -> list[Wanted]:
        """What the ledger knows otherwise than the policy wants it; empty when all is folded."""
        found = []
        channel = self._policy.channel
        if self._policy.ring_fences is not None:
            fence = self._fences.of(sku, category)
            want = (0, 0) if fence is None or not fence.units else (fence.units, fence.priority)
            known = next((f for f in summary.fences if f[0] == channel), ("", 0, 0, 0))
            if want != (known[1], known[2] if known[1] else 0):
                found.append(Wanted(FENCE, *want, known[3]))
        if self._policy.backorders is not None:
            rule = self._limits.of(sku, category)
            units = 0 if rule is None else rule.units
            limit = next((m for m in summary.limits if m[0] == channel), ("", None, 0))
            if units != limit[1]:
                found.append(Wanted(LIMIT, units, 0, limit[2]))
        return found

    def folded(self, sku: str, category: str, summary: Summary) -> Summary:
        """The summary as it will be when the ledger has folded what this policy wants."""
        channel, revision = self._policy.channel, self._policy.revision
        fences, limits = summary.fences, summary.limits
        for wanted in self.wanted(sku, category, summary):
            if wanted.kind == FENCE:
                row = (channel, wanted.units or 0, wanted.priority, revision)
                fences = (*(f for f in fences if f[0] != channel), row)
            else:
                limits = (
                    *(m for m in limits if m[0] != channel),
                    (channel, wanted.units, revision),
                )
        return Summary(summary.backordered, fences, limits, summary.seq)

    def settled(self, sku: str, category: str, summary: Summary) -> bool:
        """Whether this revision may be applied to the SKU: all it wants is folded, or was."""
        revision = self._policy.revision
        return all(w.folded >= revision for w in self.wanted(sku, category, summary))


class Overlap(msgspec.Struct, frozen=True):
    """Ring-fences of several channels that add up to more than the SKU's pool."""

    sku: str
    pool: int
    fences: tuple[tuple[str, int], ...]
    category: str = ""

    @property
    def sentence(self) -> str:
        """Such as ``the ring-fences of SKU-1 add up to 30 units (woo 20, amazon 10), ...``."""
        total = sum(units for _, units in self.fences)
        named = ", ".join(f"{channel} {units}" for channel, units in self.fences)
        return (
            f"the ring-fences of {self.sku} add up to {total} units ({named}), "
            f"which is above its pool of {self.pool}"
        )


def overlap_of(positions: SkuPositions, summary: Summary, category: str = "") -> Overlap | None:
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
    return Overlap(positions.sku, pool, tuple(unused), category)


def raises(wanted: Wanted, channel: str, summary: Summary) -> bool:
    """Whether it is a fence that asks for more than the ledger knows of the channel."""
    known = next((f[1] for f in summary.fences if f[0] == channel), 0)
    return wanted.kind == FENCE and (wanted.units or 0) > known
