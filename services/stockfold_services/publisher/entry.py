"""One SKU in the backlog of a channel."""

from __future__ import annotations

import enum
import heapq
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from stockfold.channels import Shown
from stockfold_services.publisher.wanted import Wanted


class Place(enum.Enum):
    """Where what is wanted waits."""

    NOWHERE = 0
    URGENT = 1
    READY = 2
    DELAYED = 3
    HELD = 4


class Standing(NamedTuple):
    """How much waits; ``oldest_us`` is when the availability of the oldest was recorded.

    ``accepted`` are those that the channel has taken and is yet to do, ``delayed`` the others that
    wait for their time.
    """

    listings: int
    waiting: int
    zeros: int
    delayed: int
    held: int
    oldest_us: int | None
    accepted: int = 0


class Entry:
    """One SKU on the channel. ``attempts`` and ``sent_at_us`` are of the version in hand.

    ``latest`` is the version that was applied, while nothing newer is wanted; ``again`` when it is
    wanted once more; ``left_open`` when what was applied lacked units that are yet to reach us.
    ``offered`` is the newest version that was read; ``accepted`` while the channel has the version
    in hand and is yet to do it.
    """

    __slots__ = (
        "accepted", "acknowledged", "again", "attempts", "due_s", "failed_s", "failures", "flying",
        "heaped_s", "latest", "left_open", "offered", "partition", "place", "retries",
        "sent_at_us", "version", "wanted",
    )  # fmt: skip

    def __init__(self, partition: int) -> None:
        self.partition = partition
        self.wanted: Wanted | None = None
        self.flying: Wanted | None = None
        self.acknowledged: Shown | None = None
        self.latest: Wanted | None = None
        self.offered: Wanted | None = None
        self.accepted = False
        self.again = False
        self.left_open = False
        self.version = 0
        self.attempts = 0
        self.retries = 0
        self.failed_s = 0.0
        self.failures = 0
        self.sent_at_us = 0
        self.due_s = 0.0
        self.heaped_s = 0.0
        self.place = Place.NOWHERE

    def start_anew(self) -> None:
        """Another version is in hand."""
        self.attempts = 0
        self.retries = 0
        self.sent_at_us = 0
        self.accepted = False


def standing_of(listings: Collection[Entry], zeros: int, held: int) -> Standing:
    """How much of them waits, and since when. Steps through all of them."""
    waiting = [found for one in listings if (found := one.wanted or one.flying) is not None]
    accepted = sum(one.accepted for one in listings)
    delayed = sum(one.place is Place.DELAYED and not one.accepted for one in listings)
    oldest_us = min((at_us for one in waiting if (at_us := one.recorded_at_us)), default=None)
    return Standing(len(listings), len(waiting), zeros, delayed, held, oldest_us, accepted)


class Delays:
    """Which entries wait until when. One that has moved on leaves its place behind."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []

    def put(self, entry: Entry, sku: str) -> None:
        """An entry waits until its ``due_s``; however often that is said, its place is one."""
        if entry.heaped_s != entry.due_s:
            heapq.heappush(self._heap, (entry.due_s, sku))
            entry.heaped_s = entry.due_s

    def due(self, now_s: float, entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
        """Those that have waited for long enough, each once."""
        while self._heap and self._heap[0][0] <= now_s:
            due_s, sku = heapq.heappop(self._heap)
            entry = entries.get(sku)
            # An entry of an earlier delay, or of a listing that has moved on, means nothing.
            if entry is None or entry.heaped_s != due_s:
                continue
            entry.heaped_s = 0.0
            if entry.place is Place.DELAYED and entry.due_s == due_s:
                yield sku, entry

    def next_s(self) -> float | None:
        """When the next place is due; None when there is none."""
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        """How many places there are, those that were left behind too."""
        return len(self._heap)
