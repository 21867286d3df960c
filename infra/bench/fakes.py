"""Records and topics in memory, for what is measured without Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from stockfold.availability.policy import Policy
from stockfold.contracts.policies import encode_policy
from stockfold.contracts.topics import POLICIES, Topic
from stockfold.runtime.records import Headers, Record


class FakeRecord:
    """A record as the loop hands it on."""

    def __init__(
        self, topic: Topic, offset: int, key: bytes, value: bytes | None, partition: int = 0
    ) -> None:
        self._partition = partition
        self._topic = topic.name
        self._offset = offset
        self._key = key
        self._value = value

    def topic(self) -> str:
        """Its name, without a prefix."""
        return self._topic

    def partition(self) -> int:
        """Where it is."""
        return self._partition

    def offset(self) -> int:
        """Its place there."""
        return self._offset

    def timestamp(self) -> tuple[int, int]:
        """Always the same."""
        return 1, 1_000

    def key(self) -> bytes | None:
        """As given."""
        return self._key

    def value(self) -> bytes | None:
        """As given."""
        return self._value

    def headers(self) -> Headers | None:
        """None."""
        return None


class FakePolicies:
    """A feed and a reader that know policies alone."""

    def __init__(self) -> None:
        self.waiting: list[Record] = []
        self._offset = 0

    def put(self, policy: Policy) -> None:
        """Have a policy read at the next poll."""
        value = encode_policy(policy)
        record = FakeRecord(POLICIES, self._offset, policy.channel.encode(), value)
        self.waiting.append(cast("Record", record))
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
