"""Which sources are heard from: only of those that have a rhythm, a few times in each.

The ledger reads every source's events, so it is who knows. It says so on the schedule topic, where
a source with nothing to say may write a heartbeat itself.
"""

from __future__ import annotations

from stockfold.contracts.schedule import encode_heard
from stockfold.contracts.topics import SCHEDULE
from stockfold.domain.reference import Authority
from stockfold.domain.times import SECOND_US
from stockfold.runtime.processor import Outputs

MARKS_PER_RHYTHM = 4
"""A mark may lag behind by a part of the rhythm, which ``schedule.deadline_us`` allows for."""


class Hearing:
    """When sources with a rhythm were last heard from, by the broker's clock."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}
        self._told: dict[str, int] = {}
        self._due: dict[str, int] = {}
        self.rhythms: dict[str, int] = {}
        """Microseconds between two marks, by source."""

    def put(self, authority: Authority) -> None:
        """Take a rule of authority."""
        if authority.active and authority.rhythm_s:
            every_us = authority.rhythm_s * SECOND_US // MARKS_PER_RHYTHM
            self._known[authority.authority] = (authority.source, every_us)
        else:
            self._known.pop(authority.authority, None)
        self._settle()

    def withdraw(self, authority: str) -> None:
        """Take a rule back."""
        self._known.pop(authority, None)
        self._settle()

    def _settle(self) -> None:
        self.rhythms = {}
        for source, every_us in self._known.values():
            self.rhythms[source] = min(every_us, self.rhythms.get(source, every_us))

    def hear(self, source: str, at_us: int) -> None:
        """Note that a record of the source came at a time of the broker's, in UTC microseconds."""
        every_us = self.rhythms.get(source)
        if every_us is not None and at_us - self._told.get(source, 0) >= every_us:
            self._told[source] = self._due[source] = at_us

    def tell(self, out: Outputs) -> None:
        """Write the marks that are due into the open transaction."""
        if self._due:
            for source, at_us in self._due.items():
                out.produce(SCHEDULE, 0, *encode_heard(source, at_us))
            self._due.clear()

    def forget_told(self) -> None:
        """What was written may have been aborted."""
        self._told.clear()
        self._due.clear()
