"""The memory of a partition for repeats: (source, event id) within a horizon of journal position.

Two generations: when the younger is full the older is forgotten whole, so at least ``ids_max`` ids
are remembered and never more than twice that. What is forgotten leaves a floor behind: an event
that occurred at or before the floor might be a repeat of a forgotten one, so it is never folded
blindly. Every fact's occurrence is at or before its recording, which makes the floor airtight.

Budget: about 110 bytes per remembered id.
"""

from __future__ import annotations


class Window:
    """Remembered event ids of one partition, as 64-bit hashes; the value is the payload's hash."""

    __slots__ = ("_newest_us", "_old", "_old_newest_us", "_young", "floor_us", "ids_max")

    def __init__(self, ids_max: int) -> None:
        self.ids_max = ids_max
        self._young: dict[int, int] = {}
        self._old: dict[int, int] = {}
        self._newest_us = 0
        self._old_newest_us = 0
        self.floor_us = 0
        """Events that occurred at or before this are too old to tell a repeat; 0 at first."""

    def payload_of(self, event: int) -> int | None:
        """The payload hash remembered for an event, or None when it is new here."""
        found = self._young.get(event)
        return found if found is not None else self._old.get(event)

    def remember(self, event: int, payload: int, recorded_us: int) -> None:
        """Remember an accepted event, unless it is known."""
        if event not in self._young and event not in self._old:
            self.remember_new(event, payload, recorded_us)

    def remember_new(self, event: int, payload: int, recorded_us: int) -> None:
        """Remember an event that is not known; forgets the older generation when full."""
        young = self._young
        young[event] = payload
        if recorded_us > self._newest_us:  # noqa: PLR1730  (a call for each event costs more)
            self._newest_us = recorded_us
        if len(young) >= self.ids_max:
            if self._old:
                self.floor_us = max(self.floor_us, self._old_newest_us)
            self._old = young
            self._old_newest_us = self._newest_us
            self._young = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def generations(self) -> tuple[tuple[dict[int, int], int], tuple[dict[int, int], int]]:
        """Younger and older: what each remembers, and its newest recording (UTC microseconds)."""
        return (self._young, self._newest_us), (self._old, self._old_newest_us)

    def put_back(
        self, young: tuple[dict[int, int], int], old: tuple[dict[int, int], int], floor_us: int
    ) -> None:
        """Remember again what ``generations`` and the floor were."""
        self._young, self._newest_us = young
        self._old, self._old_newest_us = old
        self.floor_us = floor_us
