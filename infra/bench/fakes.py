"""Records and topics in memory, for what is measured without Kafka."""

from __future__ import annotations

from collections.abc import Iterator

from stockfold.availability.policy import Policy
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import POLICIES
from stockfold.runtime.records import LoopRecord, Record


class FakePolicies:
    """A feed and a reader that know policies alone."""

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self._offset = 0

    def put(self, policy: Policy) -> None:
        """Have a policy read at the next poll."""
        value = encode_policy(policy)
        key = policy.channel.encode()
        self.waiting.append(LoopRecord(POLICIES.name, 0, self._offset, 1_000, key, value))
        self._offset += 1

    def poll(self) -> list[Record]:
        """What was put since the last one."""
        taken, self.waiting = self.waiting, []
        return taken

    def close(self) -> None:
        """Nothing to let go of."""

    def read(self, *_: object, **__: object) -> Iterator[list[Record]]:
        """Every topic is empty."""
        yield from ()

    def settled_end(self, *_: object) -> int:
        """Every topic is empty."""
        return 0
