"""What a connection may write, and whether progress made in one mode counts in another. Pure.

The committed offsets of a connection say up to where every listing has its outcome. What was only
shadowed is an outcome too, so an offset alone does not tell what has been written: each commit
carries a mark of the mode it was made in. A mode that writes what the mark's did not reads
availability anew from its beginning, where compaction has kept the newest of every listing; what
the shop shows already is found by a look-up and not written again. Every other step reads on where
it was: nothing is lost, and nothing is read twice without need.

One consumer group for all modes, rather than one for each: the group is the connection's lease
(``publisher.lease``), and while processes of different modes overlap, only one may send.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from stockfold.runtime.channel_modes import CANARY, LIVE, SHADOW, UNMARKED
from stockfold.runtime.shop_publishing_settings import ShopPublishingSettings

Name = Literal["off", "shadow", "canary", "live"]


class Mode(msgspec.Struct, frozen=True):
    """What a connection writes; of ``canary`` the SKUs that are."""

    name: Name
    canaries: frozenset[str] = frozenset()
    order: str = ""
    """What every listing shall show instead: ``zeroed`` or ``restored``."""
    since: str = ""
    """The newest control that ordered so: what was committed before it tells nothing any more."""

    def writes(self, sku: str) -> bool:
        """True when what is wanted of this SKU goes to the shop."""
        return self.name == "live" or (self.name == "canary" and sku in self.canaries)

    @property
    def mark(self) -> str:
        """What a commit made in this mode carries: equal marks write the same SKUs."""
        if self.name in ("off", "shadow"):
            return SHADOW
        return f"{self._every}+{self.order}:{self.since}" if self.since else self._every

    @property
    def _every(self) -> str:
        if self.name == "live":
            return LIVE
        every = hashlib.sha256()
        for sku in sorted(self.canaries):
            every.update(f"{len(sku)}:{sku}".encode())
        return f"{CANARY}:{every.hexdigest()[:32]}"

    @property
    def mark_matters(self) -> bool:
        """False when this mode may go on from any mark, because it writes nothing."""
        return self.mark != SHADOW

    def may_go_on_from(self, mark: str) -> bool:
        """True when all that this mode writes was written, or settled, under ``mark``."""
        if not self.mark_matters or mark == self.mark:
            return True
        if self.order:
            return False
        if self.since:
            return mark == f"{LIVE}+:{self.since}"
        return mark in (LIVE, UNMARKED)

    def __str__(self) -> str:
        """For people: ``canary (2 SKUs)``."""
        count = len(self.canaries)
        return f"canary ({count:,} SKU{'s' * (count != 1)})" if self.name == "canary" else self.name


ALL = Mode("live")


def mode_of(publishing: ShopPublishingSettings) -> Mode:
    """The mode that the settings of a channel ask for."""
    canaries = publishing.canary_skus if publishing.mode == "canary" else ()
    return Mode(publishing.mode, frozenset(canaries))
