"""The transactional producer of the Kafka in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from confluent_kafka import KafkaError, TopicPartition

from stockfold.runtime.records import Headers, Keyed

from .kafka_group import GroupMetadata
from .kafka_log import kafka_error
from .wire import Wire


class Producer:
    """See ``LogProducer``."""

    def __init__(self, wire: Wire, config: dict[str, Any]) -> None:
        self._wire = wire
        self._log = wire.log
        self._name = config["transactional.id"]
        self._timeout_s = config["transaction.timeout.ms"] / 1000
        self._epoch = -1
        self._has_aborted = False
        wire.in_transaction = False
        self._queue: list[tuple[Any, ...]] = []

    def init_transactions(self, timeout: float) -> None:
        self._epoch = self._wire.call(
            "init_transactions", lambda: self._log.fence(self._name), timeout
        )
        self._wait_for_markers(timeout)

    def begin_transaction(self) -> None:
        self._wire.local("begin_transaction")
        if self._wire.in_transaction:
            raise kafka_error(KafkaError._STATE, "a transaction is open already")
        self._wire.in_transaction = True

    def produce_all(self, topic: str, partition: int, records: Sequence[Keyed]) -> None:
        for record in records:
            self._produce(topic, partition, *record)

    def _produce(
        self,
        topic: str,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None,
    ) -> None:
        assert self._wire.in_transaction
        self._queue.append((topic, partition, key, value, headers))
        try:
            self._wire.local("produce")
        finally:
            if self._wire.life.dead:
                self._leave_behind()
        if self._wire.world.random.random() < 0.02:
            self._send(len(self._queue) // 2)

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], metadata: GroupMetadata, timeout: float
    ) -> None:
        self._wait_for_markers(timeout)
        offsets = {(p.topic, p.partition): p.offset for p in positions}

        def effect() -> None:
            txn = self._log.open_transaction(self._name, self._epoch, self._timeout_s)
            self._wire.groups[metadata.group].check(metadata)
            self._log.add_offsets(txn, metadata.group, offsets)

        try:
            self._wire.call("send_offsets", effect, timeout)
        finally:
            if self._wire.life.dead:
                self._leave_behind()

    def commit_transaction(self, timeout: float) -> None:
        self._wait_for_markers(timeout)
        if self._has_aborted and self._wire.world.random.random() < 0.25:
            self._has_aborted = False
            raise kafka_error(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, "after an abort")
        self._send(len(self._queue))
        self._wire.call("commit", lambda: self._end(commit=True), timeout)
        self._wire.in_transaction = False

    def abort_transaction(self, timeout: float) -> None:
        self._wire.call("abort", lambda: self._end(commit=False), timeout)
        self._wire.in_transaction = False
        self._has_aborted = True

    def purge(self) -> None:
        self._queue = []

    def close(self) -> None:
        pass

    def _end(self, *, commit: bool) -> None:
        self._log.end_transaction(self._name, self._epoch, commit=commit)

    def _send(self, count: int) -> None:
        """The first records of the queue arrive at the broker."""
        if not count:
            return
        self._wait_for_markers(30.0)
        txn = self._log.open_transaction(self._name, self._epoch, self._timeout_s)
        for topic, partition, key, value, headers in self._queue[:count]:
            self._log.append((topic, partition), key, value, headers, txn)
        del self._queue[:count]

    def _leave_behind(self) -> None:
        """The process was killed: some of what it had queued arrives all the same."""
        if not self._queue or self._log.is_ending(self._name):
            return
        count = self._wire.world.random.randint(0, len(self._queue))
        queue, self._queue = self._queue[:count], []
        try:
            txn = self._log.open_transaction(self._name, self._epoch, self._timeout_s)
        except Exception:  # noqa: BLE001  (it was fenced: the broker refuses)
            return
        for topic, partition, key, value, headers in queue:
            self._log.append((topic, partition), key, value, headers, txn)

    def _wait_for_markers(self, timeout_s: float) -> None:
        """CONCURRENT_TRANSACTIONS: the client tries again until the markers are written."""
        world, deadline_s = self._wire.world, self._wire.world.now_s + timeout_s
        while self._log.is_ending(self._name):
            if world.now_s > deadline_s:
                raise kafka_error(KafkaError._TIMED_OUT, "the last transaction does not end")
            self._wire.life.sleep(0.02)
