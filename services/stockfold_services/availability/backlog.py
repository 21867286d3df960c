"""What a policy change leaves to be looked at, at a bounded rate: changes to zero come first."""

from __future__ import annotations

from collections.abc import Iterable

from stockfold.availability.reach import Reach
from stockfold.contracts.progress import Standing
from stockfold.domain.times import SECOND_US
from stockfold_services.availability.records import Cause

SAID_EVERY_US = 2 * SECOND_US
LOGGED_EVERY_US = 10 * SECOND_US


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
    def unseen(self) -> int:
        """How many listings wait to be looked at."""
        return sum(len(scan.skus) - scan.next for scan in self.scans.values())

    def add(self, channel: str, skus: list[str], reach: Reach, cause: Cause | None) -> None:
        """Have a channel's SKUs looked at, the unfinished ones of an earlier scan included."""
        before = self.scans.pop(channel, None)
        if before is not None:
            reach |= before.reach
        if skus and reach:
            self.scans[channel] = Scan(skus, reach, cause)


class Progress:
    """Says how far the work of all partitions is: every two seconds, and when it is done.

    What is done within a second is not worth a word, but the first work of a process is: it takes
    the place of what an earlier one of its name may have left unfinished.
    """

    __slots__ = ("_began_us", "_channels", "_logged_us", "_most", "_said_us", "_started", "zeros")

    def __init__(self) -> None:
        self._began_us = self._said_us = self._logged_us = 0
        self._most = 0
        self._channels: set[str] = set()
        self._started = False
        self.zeros = 0
        """Listings that this work has told to be at zero by now."""

    def look(self, backlogs: Iterable[Backlog], now_us: int) -> Standing | None:
        """Where the work stands, when that is worth a record: called before each step of it, too.

        Only then all that a step does at once is counted.
        """
        unseen = untold = 0
        for backlog in backlogs:
            unseen += backlog.unseen
            untold += len(backlog.later)
            self._channels.update(backlog.scans)
        if not self._most:
            self._began_us = self._said_us = self._logged_us = now_us
        self._most = max(self._most, unseen + untold)
        is_done = not unseen + untold
        is_worth_it = now_us - self._began_us >= SECOND_US or not self._started
        if not is_worth_it if is_done else now_us - self._said_us < SAID_EVERY_US:
            standing = None
        else:
            self._said_us = now_us
            channels = tuple(sorted(self._channels))
            standing = Standing(
                self._began_us, now_us, self._most, unseen, untold, self.zeros, channels
            )
        if is_done:
            self._started = True
            self._most = self.zeros = 0
            self._channels.clear()
        return standing

    def sentence(self, standing: Standing) -> str:
        """The same for the log: every ten seconds, and when it is done."""
        lasts_s = (standing.at_us - standing.began_us) // SECOND_US
        if not standing.left:
            done = f"{standing.listings:,} listings looked at again in {lasts_s} s"
            return done if lasts_s >= 1 else ""
        if standing.at_us - self._logged_us < LOGGED_EVERY_US:
            return ""
        self._logged_us = standing.at_us
        return (
            f"{standing.left:,} of {standing.listings:,} listings are yet to be looked at again, "
            f"after {lasts_s} s"
        )
