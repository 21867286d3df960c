"""Parts with one mistake each, the kind that exactly once dies of. The simulation must notice."""

from __future__ import annotations

from typing import Any

from confluent_kafka import IsolationLevel, KafkaException, TopicPartition

from stockfold.contracts.topics import Topic
from stockfold.runtime.exactly_once import ExactlyOnceLoop
from stockfold.runtime.inbox import Inbox
from stockfold.runtime.partition_reader import PartitionReader

from .history import Parts
from .kafka_clients import SimulatedClients
from .kafka_consumer import Consumer
from .kafka_group import GroupMetadata
from .kafka_producer import Producer


class _OffsetsApart(Producer):
    """Commits the group's offsets at once, whatever becomes of the transaction."""

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], metadata: GroupMetadata, timeout: float
    ) -> None:
        self._wire.call("send_offsets", lambda: self._wire.groups[metadata.group].check(metadata))
        offsets = {(p.topic, p.partition): p.offset for p in positions}
        self._log.group_offsets.setdefault(metadata.group, {}).update(offsets)


class _NobodyChecked(Producer):
    """Sends no member and no generation with its offsets: TxnOffsetCommit v0."""

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], metadata: GroupMetadata, timeout: float
    ) -> None:
        group = self._wire.groups[metadata.group]
        check, group.check = group.check, lambda told: None
        try:
            super().send_offsets_to_transaction(positions, metadata, timeout)
        finally:
            group.check = check


class _SeesAll(Consumer):
    """Reads what was never committed."""

    def __init__(self, wire: Any, config: dict[str, Any]) -> None:
        super().__init__(wire, {**config, "isolation.level": "read_uncommitted"})


class _OffsetsApartClients(SimulatedClients):
    def producer(self, config: dict[str, Any]) -> Producer:
        return _OffsetsApart(self._wire, config)


class _NobodyCheckedClients(SimulatedClients):
    def producer(self, config: dict[str, Any]) -> Producer:
        return _NobodyChecked(self._wire, config)


class _SeesAllClients(SimulatedClients):
    def consumer(self, config: dict[str, Any]) -> Consumer:
        return _SeesAll(self._wire, config)


class _AsksLate(Producer):
    """Sends the membership that the client knows of at the commit, not that of the assignment."""

    member: Consumer

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], metadata: GroupMetadata, timeout: float
    ) -> None:
        late = self.member.consumer_group_metadata()
        super().send_offsets_to_transaction(positions, late, timeout)


class _AsksLateClients(SimulatedClients):
    def producer(self, config: dict[str, Any]) -> Producer:
        self._producer = _AsksLate(self._wire, config)
        return self._producer

    def member(self, config: dict[str, Any]) -> Consumer:
        self._producer.member = super().member(config)
        return self._producer.member


class _KeepsMemory(ExactlyOnceLoop):
    """Goes on after an aborted transaction with the memory of what was aborted."""

    def _settle(self) -> None:
        try:
            super()._settle()
        except KafkaException as error:
            if error.args[0].fatal():
                raise


class _GivesAwayEarly(ExactlyOnceLoop):
    """Lets partitions go while the commit of what they brought is under way."""

    def _revoked(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        commit, self._commit = self._commit, None
        super()._revoked(consumer, partitions)
        self._commit = commit


class _HoardingInbox(Inbox):
    """Hands what it fetched before a rebalance to whoever comes after it."""

    def close(self, partition: int) -> None:
        fresh = self._fresh
        super().close(partition)
        self._fresh = fresh


class _Hoards(ExactlyOnceLoop):
    def __init__(self, *arguments: Any, merge_wait_ms: int = 0, **named: Any) -> None:
        super().__init__(*arguments, merge_wait_ms=merge_wait_ms, **named)
        self._inbox = _HoardingInbox(self._inbox._ranks, merge_wait_ms, self._clock)


class _HastyReader(PartitionReader):
    """Takes the last stable offset of the moment for the end of the journal."""

    def stable_end(self, topic: Topic, partition: int) -> int:
        place = TopicPartition(topic.full_name(self._prefix), partition)
        return self._latest(place, IsolationLevel.READ_COMMITTED)


class _RecoversHastily(ExactlyOnceLoop):
    def __init__(self, settings: Any, *arguments: Any, **named: Any) -> None:
        super().__init__(settings, *arguments, **named)
        self._reader = _HastyReader(settings, clients=self._clients, clock=self._clock)


BROKEN: dict[str, Parts] = {
    "offsets are committed outside of the transaction": Parts(clients=_OffsetsApartClients),
    "offsets are committed without member and generation": Parts(clients=_NobodyCheckedClients),
    "the membership is asked for at the commit": Parts(clients=_AsksLateClients),
    "a reader sees what was not committed": Parts(clients=_SeesAllClients),
    "memory is kept after an abort": Parts(loop=_KeepsMemory),
    "partitions are given away before their commit has ended": Parts(loop=_GivesAwayEarly),
    "fetched records outlive a rebalance": Parts(loop=_Hoards),
    "recovery does not wait for the last stable offset": Parts(loop=_RecoversHastily),
}
