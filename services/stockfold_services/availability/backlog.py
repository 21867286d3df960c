"""What a policy change leaves to be looked at, at a bounded rate: changes to zero come first."""

from __future__ import annotations

from stockfold.availability.reach import Reach
from stockfold.domain.times import SECOND_US
from stockfold_services.availability.records import Cause

SAID_EVERY_US = 10 * SECOND_US


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

    @property
    def left(self) -> int:
        """How many listings wait to be looked at, or told."""
        return len(self.later) + sum(len(scan.skus) - scan.next for scan in self.scans.values())

    def add(self, channel: str, skus: list[str], reach: Reach, cause: Cause | None) -> None:
        """Have a channel's SKUs looked at, the unfinished ones of an earlier scan included."""
        before = self.scans.pop(channel, None)
        if before is not None:
            reach |= before.reach
        if skus and reach:
            self.scans[channel] = Scan(skus, reach, cause)


class Progress:
    """Says how far the work of all partitions is: every ten seconds, and when it is done."""

    __slots__ = ("_began_us", "_most", "_said_us")

    def __init__(self) -> None:
        self._began_us = 0
        self._said_us = 0
        self._most = 0

    def look(self, left: int, now_us: int) -> str:
        """A sentence when there is something to say; ``left`` as of ``Backlog.left``."""
        if not self._most:
            self._began_us = self._said_us = now_us
        self._most = max(self._most, left)
        lasts_s = (now_us - self._began_us) // SECOND_US
        if not left:
            most, self._most = self._most, 0
            return f"{most:,} listings looked at again in {lasts_s} s" if lasts_s >= 1 else ""
        if now_us - self._said_us < SAID_EVERY_US:
            return ""
        self._said_us = now_us
        return (
            f"{left:,} of {self._most:,} listings are yet to be looked at again, after {lasts_s} s"
        )
