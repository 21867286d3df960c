"""Kafka's two sides of the publisher, in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from stockfold_services.publisher.feed import Assigned, Partitions, Read, Revoked
from stockfold_services.publisher.wanted import Finished, Wanted

READ_S = 0.001
READ_MAX = 7
"""A few at a time, so that what comes later is read later."""


class MemoryFeed:
    """One partition of availability that outlives its readers, and its committed offset.

    A read with nothing to read takes ``idle_s``.
    """

    def __init__(self, idle_s: float = READ_S) -> None:
        self.records: list[Read] = []
        self.committed = 0
        self.refusing = False
        """Whether somebody else has become the owner."""
        self.refused = 0
        self._idle_s = idle_s
        self._position = 0
        self._end = 0
        self._versions: dict[str, int] = {}

    def publish(
        self, sku: str, quantity: int, locations: tuple[tuple[str, int], ...] = ()
    ) -> Wanted:
        """Append the next version of a SKU."""
        version = self._versions[sku] = self._versions.get(sku, 0) + 1
        offset = len(self.records)
        wanted = Wanted(
            sku, quantity, version, 0, offset, f"order-{version}", 1, locations=locations
        )
        self.records.append(Read(0, offset, wanted))
        return wanted

    @property
    def is_read(self) -> bool:
        """Whether everything has been read."""
        return self._position >= len(self.records)

    def pass_by(self) -> None:
        """Append a record of another channel."""
        self.records.append(Read(0, len(self.records), None))

    async def start(self, assigned: Assigned, revoked: Revoked) -> None:
        """See ``Feed.start``."""
        self.revoked = revoked
        self.assigned = assigned
        self.reassign()

    def reassign(self) -> None:
        """Give the partition to the reader, from what was committed."""
        self._position, self._end = self.committed, len(self.records)
        self.assigned({0})

    async def read(self) -> list[Read]:
        """See ``Feed.read``: a few at a time."""
        waits = self._position < len(self.records)
        await asyncio.sleep(READ_S if waits else self._idle_s)
        found = self.records[self._position : self._position + READ_MAX]
        self._position += len(found)
        return found

    async def caught_up(self, partitions: Partitions) -> dict[int, int]:
        """See ``Feed.caught_up``."""
        del partitions
        return {0: self._position} if self._position >= self._end else {}

    async def commit(self, offsets: dict[int, int]) -> bool:
        """See ``Feed.commit``."""
        if self.refusing:
            self.refused += 1
            return False
        assert offsets[0] >= self.committed
        self.committed = offsets[0]
        return True

    async def stop(self) -> None:
        """See ``Feed.stop``."""


class MemoryDeliveries:
    """The outcomes on record."""

    def __init__(self) -> None:
        self.all: list[Finished] = []
        self.failing = False

    async def record(self, finished: Sequence[Finished]) -> None:
        """See ``Deliveries.record``."""
        await asyncio.sleep(0)
        if self.failing:
            raise ConnectionError("the log is not there")
        self.all.extend(finished)

    def of(self, sku: str) -> list[tuple[int, str]]:
        """(version, outcome) of a SKU, in order."""
        return [(one.wanted.version, one.kind.value) for one in self.all if one.wanted.sku == sku]
