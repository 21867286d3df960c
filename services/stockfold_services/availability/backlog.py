"""What a policy change leaves to be looked at, at a bounded rate: changes to zero come first."""

from __future__ import annotations

from stockfold.availability.reach import Reach
from stockfold_services.availability.records import Cause


class Scan:
    """A channel's SKUs that a change of its policy can touch, and how far they are looked at.

    ``cause`` of None stands for the SKU's own last change.
    """

    __slots__ = ("cause", "next", "reach", "skus")

    def __init__(self, skus: list[str], reach: Reach, cause: Cause | None) -> None:
        self.skus = skus
        self.reach = reach
        self.cause = cause
        self.next = 0


class Backlog:
    """The work of one partition that no position record asks for.

    ``scans`` by channel find what has changed. What falls to zero is told while scanning; the rest
    waits in ``later``, by (channel, SKU), until every scan is done. Bounded by one entry per
    channel and SKU.
    """

    __slots__ = ("later", "scans")

    def __init__(self) -> None:
        self.scans: dict[str, Scan] = {}
        self.later: dict[tuple[str, str], Cause | None] = {}

    def __bool__(self) -> bool:
        return bool(self.scans or self.later)

    def add(self, channel: str, skus: list[str], reach: Reach, cause: Cause | None) -> None:
        """Have a channel's SKUs looked at, the unfinished ones of an earlier scan included."""
        before = self.scans.pop(channel, None)
        if before is not None:
            reach |= before.reach
        if skus and reach:
            self.scans[channel] = Scan(skus, reach, cause)
