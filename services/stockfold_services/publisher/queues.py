"""Where the SKUs of a backlog wait: urgent, ready, delayed, or held with their partition. Pure."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from itertools import islice

from stockfold_services.publisher.entry import Delays, Entry, Place


class Queues:
    """Each SKU is in one of them at most. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._urgent: OrderedDict[str, None] = OrderedDict()
        self._ready: OrderedDict[str, None] = OrderedDict()
        self._delayed = Delays()
        self._held: dict[int, dict[str, None]] = {}

    # In and out.

    def put(self, entry: Entry, sku: str, *, urgent: bool, first: bool = False) -> None:
        """It may be sent now; what waits there already keeps its place. ``first``: in front."""
        place = Place.URGENT if urgent else Place.READY
        queue = self._urgent if urgent else self._ready
        if entry.place is not place:
            self.take(entry)
            queue[sku] = None
            entry.place = place
        if first:
            queue.move_to_end(sku, last=False)

    def delay(self, entry: Entry, sku: str) -> None:
        """It waits until its ``due_s``."""
        self.take(entry)
        self._delayed.put(entry, sku)
        entry.place = Place.DELAYED

    def keep(self, entry: Entry, sku: str) -> None:
        """It waits until its partition, which is held, is let go."""
        self.take(entry)
        self._held[entry.partition][sku] = None
        entry.place = Place.HELD

    def take(self, entry: Entry) -> None:
        """It waits nowhere."""
        sku = entry.wanted.sku if entry.wanted is not None else ""
        if entry.place is Place.URGENT:
            self._urgent.pop(sku, None)
        elif entry.place is Place.READY:
            self._ready.pop(sku, None)
        elif entry.place is Place.HELD:
            self._held.get(entry.partition, {}).pop(sku, None)
        entry.place = Place.NOWHERE

    def forget(self, sku: str) -> None:
        """It is not ours any more."""
        self._urgent.pop(sku, None)
        self._ready.pop(sku, None)

    # Whose turn it is.

    def first(self, count: int) -> list[str]:
        """Up to ``count`` that may be sent now: urgent ones first, then by age."""
        urgent = list(islice(self._urgent, count))
        return [*urgent, *islice(self._ready, count - len(urgent))]

    def due(self, now_s: float, entries: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
        """Those that have been delayed for long enough; they are to be put somewhere."""
        return self._delayed.due(now_s, entries)

    @property
    def has_due(self) -> bool:
        """Whether something may be sent now."""
        return bool(self._urgent or self._ready)

    def next_due_s(self) -> float | None:
        """When the next delayed one is due; None when none waits."""
        return self._delayed.next_s()

    # Partitions.

    def holds(self, partition: int) -> bool:
        """Whether nothing of it is sent for now."""
        return partition in self._held

    def hold(self, partition: int) -> None:
        """Nothing of it is sent for now."""
        self._held[partition] = {}

    def let_go(self, partition: int) -> list[str]:
        """It is held no more; what waited for that, and is to be put somewhere."""
        return list(self._held.pop(partition, {}))

    # Counts.

    @property
    def urgent_count(self) -> int:
        """How many are urgent."""
        return len(self._urgent)

    @property
    def held_count(self) -> int:
        """How many wait for their partition."""
        return sum(map(len, self._held.values()))

    @property
    def delays_count(self) -> int:
        """How many places there are to wait for a time, those that were left behind too."""
        return len(self._delayed)
