"""One owner of each channel connection, and how it knows that it still is the owner.

The group of a connection gives all its partitions to one member (``OneOwner``), so a shop meets
one set of limits however many processes there are. A shop knows no fencing token: whoever may no
longer write has to know it by itself. Every commit that the broker takes proves that we are in the
group's generation, and the broker gives nobody else the partitions within the session after it. So
the lease runs from the start of a commit that succeeded to ``MARGIN_S`` before the session ends.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import (
    ConsumerProtocolMemberAssignment,
    ConsumerProtocolMemberMetadata,
)

from stockfold.runtime.clock import Clock

SESSION_S = 10.0
"""How long the broker waits for a member that is silent."""
MARGIN_S = 5.0
"""Before anybody else may write: what a request that goes out last has time for at the shop."""


class Lease:
    """Whether something may be sent now. Holds for ``lasts_s`` after the last proof began.

    Both clocks are asked: the monotonic one stands still while a machine is suspended, the wall
    clock may be set.
    """

    def __init__(self, clock: Clock, lasts_s: float = SESSION_S - MARGIN_S) -> None:
        self._clock = clock
        self._lasts_us = int(lasts_s * 1_000_000)
        self._proved: tuple[int, int] | None = None

    def now(self) -> tuple[int, int]:
        """To be taken before a proof is asked for."""
        return round(self._clock.monotonic_s() * 1_000_000), self._clock.now_us()

    def proved(self, began: tuple[int, int]) -> None:
        """The broker has confirmed us; ``began`` is from before it was asked."""
        if self._proved is None or began > self._proved:
            self._proved = began

    def lost(self) -> None:
        """The broker has told us that somebody else may be the owner."""
        self._proved = None

    @property
    def holds(self) -> bool:
        """True while nobody else can be the owner."""
        if self._proved is None:
            return False
        passed = (now - then for now, then in zip(self.now(), self._proved, strict=True))
        return all(0 <= us < self._lasts_us for us in passed)


class OneOwner(AbstractPartitionAssignor):  # type: ignore[misc] # aiokafka ships no types
    """Every partition to one member: the one that a hash of their names puts first.

    So the connections of several processes spread over them, and only those of a process that comes
    or goes are moved.
    """

    name = "stockfold-one-owner"
    version = 0

    @classmethod
    def assign(
        cls, cluster: ClusterMetadata, members: Mapping[str, ConsumerProtocolMemberMetadata]
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """See aiokafka."""
        owner = max(members, key=_rank)
        topics = sorted(members[owner].subscription)
        every = [(topic, sorted(cluster.partitions_for_topic(topic) or ())) for topic in topics]
        return {
            member: ConsumerProtocolMemberAssignment(
                cls.version, every if member == owner else [], b""
            )
            for member in members
        }

    @classmethod
    def metadata(cls, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        """See aiokafka."""
        return ConsumerProtocolMemberMetadata(cls.version, list(topics), b"")

    @classmethod
    def on_assignment(cls, assignment: ConsumerProtocolMemberAssignment) -> None:
        """See aiokafka."""


def _rank(member: str) -> bytes:
    return hashlib.blake2b(member.encode(), digest_size=8).digest()
