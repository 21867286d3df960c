"""The exceptions as a process that stays up sees them: read once, then only what has come since.

Rows hold no bytes, so that a broken feed's hundred thousand refusals fit in memory; whoever looks
at one reads its record. The newest ``ROWS_MAX`` are kept.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import msgspec

from stockfold.contracts.codec import Record as Body
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import EXCEPTION_RESOLUTIONS, EXCEPTIONS, Topic
from stockfold.runtime.desk.book import Case, Filter, case_at, desk_errors, no_exception
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

ROWS_MAX = 100_000
_LEFT_OUT = ("key", "value", "headers")
Place = tuple[int, int, int]
"""(recorded at, partition, offset): the order of the list, and its cursor."""


class Page(msgspec.Struct, frozen=True):
    """Rows, newest first; ``counts`` by kind and state of all that the filter would take."""

    cases: list[Case]
    total: int
    kinds: dict[str, int]
    states: dict[str, int]
    is_whole: bool
    """False when older exceptions than the newest ``ROWS_MAX`` were left out."""


class FollowedDesk:
    """Rows of all exceptions. For several threads: one reads at a time."""

    def __init__(self, settings: Settings, rows_max: int = ROWS_MAX) -> None:
        self._settings = settings
        self._rows_max = rows_max
        self._lock = threading.Lock()
        self._rows: dict[Place, Body] = {}
        self._order: list[Place] = []
        self._done: dict[str, tuple[Body, ...]] = {}
        self._next: dict[tuple[str, int], int] = {}
        self._left_out = False
        self._reader: PartitionReader | None = None

    def page(self, chosen: Filter, limit: int, before: Place | None = None) -> Page:
        """Those that the filter takes, at most so many, from behind a place on.

        UnavailableError when the broker does not answer.
        """
        with self._lock:
            with desk_errors(self._settings, "read"):
                self._read_on()
            return self._page(chosen, limit, before)

    def case(self, place: str) -> Case:
        """The case of a place such as 3-42, with its bytes; StockfoldError when there is none."""
        with self._lock, desk_errors(self._settings, "read"):
            reader = self._read_on()
            found = case_at(self._settings, reader, place, self._done)
        if found is None:
            raise no_exception(self._settings, place)
        return found

    def about(self, events: set[tuple[str, str]]) -> list[Case]:
        """Rows about events, given as (source, event id); of those that are known by now."""
        with self._lock:
            return [
                c for c in self._cases() if (c.raised["source"], c.raised["event_id"]) in events
            ]

    def _page(self, chosen: Filter, limit: int, before: Place | None) -> Page:
        kinds: Counter[str] = Counter()
        states: Counter[str] = Counter()
        found: list[Case] = []
        for case in self._cases():
            if not chosen.takes(case):
                continue
            kinds[case.raised["kind"]] += 1
            states[case.state] += 1
            if len(found) < limit and (before is None or place_of(case) < before):
                found.append(case)
        return Page(found, kinds.total(), dict(kinds), dict(states), not self._left_out)

    def _cases(self) -> Iterator[Case]:
        for place in reversed(self._order):
            raised = self._rows[place]
            yield Case(raised, place[1], place[2], self._done.get(raised["exception"], ()))

    def _read_on(self) -> PartitionReader:
        reader = self._reader = self._reader or PartitionReader(self._settings)
        partitions = range(self._settings.kafka.sku_partitions)
        (end,) = reader.committed_ends(EXCEPTION_RESOLUTIONS, (0,)).values()
        for _, done in self._news(reader, EXCEPTION_RESOLUTIONS, 0, end):
            name = done["exception"]
            self._done[name] = (*self._done.get(name, ()), done)
        began = len(self._order)
        for partition, end in reader.committed_ends(EXCEPTIONS, partitions).items():
            for offset, row in self._news(reader, EXCEPTIONS, partition, end):
                place = (row["recorded_at"], partition, offset)
                self._rows[place] = row
                self._order.append(place)
        if len(self._order) > began:
            self._order.sort()
            self._forget(len(self._order) - self._rows_max)
        return reader

    def _news(
        self, reader: PartitionReader, topic: Topic, partition: int, end: int
    ) -> list[tuple[int, Body]]:
        """All that is new, or nothing of it: a reading that is cut off is made again."""
        start = self._next.get((topic.name, partition))
        if start is None:
            start = reader.earliest(topic, partition)
        found = [
            (record.offset(), _without_bytes(decode(record.value())[1]))
            for batch in reader.read(topic, partition, start, end)
            for record in batch
        ]
        self._next[topic.name, partition] = max(start, end)
        return found

    def _forget(self, count: int) -> None:
        for place in self._order[: max(count, 0)]:
            del self._rows[place]
            self._left_out = True
        del self._order[: max(count, 0)]


def _without_bytes(told: Body) -> Body:
    return {name: value for name, value in told.items() if name not in _LEFT_OUT}


def place_of(case: Case) -> Place:
    """Where a case is in the order of the list."""
    return case.raised["recorded_at"], case.partition, case.offset
