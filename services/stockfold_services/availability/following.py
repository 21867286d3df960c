"""What every availability process follows whole: policies, reference data, and what time brings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol

from stockfold.availability.schedule import Times, touched
from stockfold.contracts.topics import POLICIES
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold_services.availability.places import PlaceBook, ReferenceFeed
from stockfold_services.availability.policies import PolicyBook, PolicyChange, PolicyFeed
from stockfold_services.availability.records import Cause
from stockfold_services.availability.scheduler import Scheduler

POLL_US = 100_000


class ScheduleFeed(ReferenceFeed, Protocol):
    """Where records of the schedule topic come from; a ``TopicFollower`` is one."""


class Following:
    """The topics that are no partition's: read to their ends once, then followed by polling.

    Without a feed of its own, nothing is known of reference data, or time stands still.
    """

    def __init__(
        self,
        policies: PolicyFeed,
        reference: ReferenceFeed | None = None,
        schedule: ScheduleFeed | None = None,
    ) -> None:
        self.book = PolicyBook()
        self.scheduler = Scheduler()
        self._policies = policies
        self._reference = reference
        self._schedule = schedule
        self._places = PlaceBook()
        self._polled_us = 0
        self._read = False

    @property
    def times(self) -> Times:
        """The newest moment, and which locations are silent."""
        return self.scheduler.times

    def read_whole(self, reader: PartitionReader) -> None:
        """Read all there is, the first time."""
        if self._read:
            return
        if self._reference is not None:
            for batch in self._reference.read_whole(reader):
                self._places.apply(batch)
                self.scheduler.take_reference(batch)
            self.book.take_places(self._places.places, Cause())
        if self._schedule is not None:
            for batch in self._schedule.read_whole(reader):
                self.scheduler.apply(batch)
        self.book.times = self.times
        for batch in reader.read(POLICIES, 0):
            for record in batch:
                self.book.apply(record)
        self._read = True

    def poll(self, now_us: int) -> Iterator[PolicyChange]:
        """Take in what has come, ten times a second at most; what it touches."""
        if 0 <= now_us - self._polled_us < POLL_US:
            return
        self._polled_us = now_us
        for record in self._policies.poll():
            change = self.book.apply(record)
            if change is not None:
                yield change
        reference = self._reference.poll() if self._reference is not None else ()
        if reference and self._places.apply(reference):
            yield from self.book.take_places(self._places.places, Cause(now_us, "", now_us))
        if self._schedule is not None:
            yield from self._take_time(reference, self._schedule.poll(), now_us)

    def _take_time(
        self, reference: Sequence[Record], records: Iterable[Record], now_us: int
    ) -> Iterator[PolicyChange]:
        before = self.times
        self.scheduler.take_reference(reference)
        after = self.book.times = self.scheduler.apply(records)
        if after != before:
            at_us = after.moment_us if after.moment_us != before.moment_us else now_us
            cause = Cause(at_us, "", at_us)
            for policy in self.book.policies.values():
                reach = touched(policy, before, after)
                if reach:
                    yield PolicyChange(policy, reach, cause)
        self.scheduler.look(self.book.policies.values(), now_us)
