"""The clients of the Kafka in memory, as the production loop makes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from .kafka_consumer import Consumer
from .kafka_producer import Producer
from .wire import Wire
from .world import Branch

EARLIEST = OffsetSpec.earliest()


class SimulatedClients:
    """See ``Clients``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def consumer(self, config: dict[str, Any]) -> Consumer:
        return Consumer(self._wire, config)

    member = consumer

    def producer(self, config: dict[str, Any]) -> Producer:
        return Producer(self._wire, config)

    def admin(self, config: dict[str, Any]) -> Admin:
        del config
        return Admin(self._wire)

    def behind(self, work: Callable[[], None]) -> Branch:
        self._wire.behind = self._wire.life.branch(work)
        return self._wire.behind


class _Answer(NamedTuple):
    offset: int

    def result(self, timeout: float) -> _Answer:
        del timeout
        return self


class Admin:
    """See ``LogAdmin``."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def list_offsets(
        self,
        asked: dict[TopicPartition, Any],
        *,
        isolation_level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> dict[TopicPartition, _Answer]:
        def effect() -> dict[TopicPartition, _Answer]:
            found = {}
            for place, spec in asked.items():
                partition = self._wire.log.partition((place.topic, place.partition))
                stable = isolation_level is IsolationLevel.READ_COMMITTED
                latest = partition.stable if stable else partition.high
                found[place] = _Answer(0 if spec is EARLIEST else latest)
            return found

        answer: dict[TopicPartition, _Answer] = self._wire.call("list_offsets", effect)
        return answer
