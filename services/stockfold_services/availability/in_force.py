"""One channel's policy in force: its rules made ready, and what it wants of the ledger."""

from __future__ import annotations

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.fencing import Fencing, Wanted
from stockfold.availability.kits import of_parts
from stockfold.availability.policy import Policy
from stockfold.availability.positions import Summary
from stockfold.availability.rules import Pipeline
from stockfold.availability.surroundings import Places, Surroundings
from stockfold_services.availability.memory import SkuMemory


class InForce:
    """A policy in force.

    ``before`` is the one that it took the place of, while this process knows it: it goes on for
    every SKU whose fences of the new revision are not folded yet (semantics.md, "Availability per
    channel"). After a restart the new one is applied at once; fences are those of the ledger either
    way, so nothing is promised twice, and only the channel's own new fence may come a moment late.

    ``offset`` is that of its record; ``takes_overlaps`` says that whoever published it has taken
    that its fences and others' add up to more than a pool.
    """

    __slots__ = (
        "_fencing",
        "_of_parts",
        "_pipeline",
        "before",
        "offset",
        "policy",
        "takes_overlaps",
    )

    def __init__(
        self,
        policy: Policy,
        places: Places,
        before: InForce | None = None,
        *,
        offset: int = 0,
        takes_overlaps: bool = False,
    ) -> None:
        self.policy = policy
        self.offset = offset
        self.takes_overlaps = takes_overlaps
        self._pipeline = self._of_parts = Pipeline(policy, places)
        if policy.basis != "net":
            self._of_parts = Pipeline(of_parts(policy), places)
        fencing = Fencing(policy)
        self._fencing = fencing or None
        self.before = before
        if before is not None:
            before.before = None

    @property
    def is_fenced(self) -> bool:
        """Whether the policy says anything of fences or limits."""
        return self._fencing is not None

    def wanted(self, sku: SkuMemory) -> list[Wanted]:
        """What the ledger has yet to be told about the SKU."""
        if self._fencing is None:
            return []
        return self._fencing.wanted(sku.positions.sku, sku.category, sku.positions.summary)

    def folded(self, sku: SkuMemory, summary: Summary) -> Summary:
        """The summary as it will be when the ledger has folded what this policy wants."""
        if self._fencing is None:
            return summary
        return self._fencing.folded(sku.positions.sku, sku.category, summary)

    def applied_to(self, sku: SkuMemory) -> InForce:
        """This, or the one before as long as the SKU's fences of this revision are not folded."""
        if self._fencing is None or self.before is None:
            return self
        revision = self.policy.revision
        folded = all(wanted.folded >= revision for wanted in self.wanted(sku))
        return self if folded else self.before

    def compute(self, sku: SkuMemory, surroundings: Surroundings) -> Answer:
        """What the channel may promise of the SKU under this very policy."""
        return self._pipeline.compute(sku.positions, surroundings)

    def of_part(self, sku: SkuMemory, surroundings: Surroundings) -> Visible:
        """What counts of a component: what the channel still has open of it is not there."""
        return self._of_parts.compute(sku.positions, surroundings).visible
