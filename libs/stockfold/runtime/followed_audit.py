"""The audit as a process that stays up sees it: read once, then only what has come since."""

from __future__ import annotations

import threading
from collections.abc import Callable

import msgspec

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import AUDIT
from stockfold.runtime.audit import Change, take
from stockfold.runtime.kafka import topic_exists
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

CHANGES_MAX = 50_000
Place = tuple[int, str]
"""(when it began, audit id): the order of the list, and its cursor."""


class AuditFilter(msgspec.Struct, frozen=True):
    """Which changes are meant; what is empty or None does not matter. Texts are parts of theirs."""

    command: str = ""
    by: str = ""
    subject: str = ""
    outcome: str = ""
    since_us: int | None = None
    until_us: int | None = None

    def takes(self, change: Change) -> bool:
        """Whether a change is meant."""
        return (
            self.command in change.command
            and self.by.lower() in change.by.lower()
            and self.subject in change.subject
            and self.outcome in ("", change.outcome)
            and (self.since_us is None or change.at_us >= self.since_us)
            and (self.until_us is None or change.at_us <= self.until_us)
        )


class FollowedAudit:
    """The newest changes. For several threads: one reads at a time."""

    def __init__(self, settings: Settings, changes_max: int = CHANGES_MAX) -> None:
        self._settings = settings
        self._changes_max = changes_max
        self._lock = threading.Lock()
        self._found: dict[str, Change] = {}
        self._reader: PartitionReader | None = None
        self._next: int | None = None

    def changes(
        self, takes: Callable[[Change], bool], limit: int, before: Place | None = None
    ) -> list[Change]:
        """Those that are meant, the newest first, from behind a place on; at most so many.

        UnavailableError when the broker does not answer.
        """
        with self._lock:
            with kafka_errors(
                "the audit was not read",
                where=f"Kafka at {self._settings.kafka.bootstrap}",
                remedy="Check the broker, then try again.",
            ):
                self._read_on()
            newest = sorted(self._found.values(), key=place_of, reverse=True)
        meant = (c for c in newest if (before is None or place_of(c) < before) and takes(c))
        return [change for change, _ in zip(meant, range(limit), strict=False)]

    def _read_on(self) -> None:
        if self._next is None and not topic_exists(self._settings, AUDIT):
            return
        reader = self._reader = self._reader or PartitionReader(self._settings)
        end = reader.committed_ends(AUDIT, (0,))[0]
        start = reader.earliest(AUDIT, 0) if self._next is None else self._next
        for batch in reader.read(AUDIT, 0, start, end):
            for message in batch:
                take(self._found, decode(message.value())[1])
            self._next = batch[-1].offset() + 1
        self._next = max(start, end)
        if len(self._found) > self._changes_max:
            newest = sorted(self._found.values(), key=place_of)[-self._changes_max :]
            self._found = {change.audit: change for change in newest}


def place_of(change: Change) -> Place:
    """Where a change is in the order of the list."""
    return change.at_us, change.audit
