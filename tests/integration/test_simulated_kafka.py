"""The Kafka in memory behaves as a real one does, where exactly once depends on it.

Each scenario runs with confluent-kafka on a real broker and with the simulation's clients, and must
end as it says, either way.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import OffsetSpec
from tests.conftest import NewEnvironment
from tests.simulation.faults import Plan
from tests.simulation.kafka_clients import SimulatedClients
from tests.simulation.kafka_group import Group
from tests.simulation.kafka_log import Log
from tests.simulation.wire import Wire
from tests.simulation.world import Life, World

from stockfold.contracts.topics import RECEIPTS
from stockfold.runtime.clients import CONFLUENT, Clients, IsolationLevel
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.grouped_producer import GroupedProducer
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.partition_reader import NO_LEADER
from stockfold.runtime.records import Run

pytestmark = pytest.mark.integration

PARTITIONS = 2
DEADLINE_S = 40.0


def group_of(topic: str) -> str:
    """The group of a scenario; the topic has a prefix of the scenario's own."""
    return f"{topic}.members"


@dataclass
class Bench:
    """One Kafka, and how to make clients of it."""

    clients: Clients
    clock: Clock
    topic: str
    config: dict[str, Any]
    members: list[Any] = field(default_factory=list)

    def producer(self, name: str) -> Any:
        made = self.clients.producer(
            {
                **self.config,
                "transactional.id": f"{self.topic}.{name}",
                "transaction.timeout.ms": 20_000,
            }
        )
        made.init_transactions(30.0)
        return made

    def member(self, instance: str) -> Any:
        made = self.clients.member(
            {
                **self.config,
                "group.id": group_of(self.topic),
                "group.instance.id": instance,
                "group.protocol": "classic",
                "partition.assignment.strategy": "range",
                "session.timeout.ms": 6_000,
                "heartbeat.interval.ms": 500,
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
            }
        )
        self.members.append(made)
        return made

    def until(self, done: Callable[[], Any], *consumers: Any) -> list[Run]:
        """Poll the consumers until ``done``; what they got."""
        found: list[Run] = []
        deadline_s = self.clock.monotonic_s() + DEADLINE_S
        while not done():
            assert self.clock.monotonic_s() < deadline_s
            for consumer in consumers:
                found += consumer.take(100, 0.1)
            self.clock.sleep(0.05)
        return found


class Member:
    """A consumer that has joined the group, and what it was assigned."""

    def __init__(self, bench: Bench, instance: str) -> None:
        self.consumer = bench.member(instance)
        self.assigned: list[int] | None = None
        self.revoked = 0
        self.consumer.subscribe([bench.topic], on_assign=self._assign, on_revoke=self._revoke)

    def _assign(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self.assigned = sorted(place.partition for place in partitions)
        self.membership = consumer.consumer_group_metadata()
        for place in partitions:
            place.offset = 0
        consumer.assign(partitions)

    def _revoke(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self.assigned, self.revoked = None, self.revoked + 1
        consumer.unassign()


def offsets_are_taken(bench: Bench, name: str, membership: object) -> str:
    """What becomes of offsets sent with this membership, in a transaction of their own."""
    producer = bench.producer(name)
    producer.begin_transaction()
    try:
        offsets = [TopicPartition(bench.topic, 0, 7)]
        producer.send_offsets_to_transaction(offsets, membership, 30.0)
        producer.commit_transaction(30.0)
    except KafkaException as error:
        producer.abort_transaction(10.0)
        return str(error.args[0].name())
    return "taken"


def send(producer: Any) -> None:
    """Have what a producer holds arrive before it is committed."""
    if isinstance(producer, GroupedProducer):
        producer._brokers.wait(producer._send(producer._sealed()), 30.0)
    else:
        producer._send(len(producer._queue))


def what_is_not_committed_is_not_seen(bench: Bench) -> list[Any]:
    place = TopicPartition(bench.topic, 0, 0)
    producer, reader = bench.producer("writer"), bench.member("reader")
    admin = bench.clients.admin(dict(bench.config))

    def end(level: IsolationLevel) -> int:
        asked = {TopicPartition(bench.topic, 0): OffsetSpec.latest()}
        deadline = time.monotonic() + 30
        while True:
            (answer,) = admin.list_offsets(asked, isolation_level=level).values()
            try:
                return int(answer.result(timeout=10.0).offset)
            except KafkaException as error:  # A new topic may have no leader yet.
                if error.args[0].code() not in NO_LEADER or time.monotonic() > deadline:
                    raise
                bench.clock.sleep(0.1)

    def write(count: int) -> None:
        before = end(IsolationLevel.READ_UNCOMMITTED)
        producer.begin_transaction()
        producer.produce_all(bench.topic, 0, [(b"key", b"value", None)] * count)
        send(producer)
        bench.until(lambda: end(IsolationLevel.READ_UNCOMMITTED) == before + count)

    reader.assign([place])
    write(2)
    told = [end(IsolationLevel.READ_COMMITTED)]
    producer.abort_transaction(10.0)
    # The marker is written after the answer, and has an offset of its own.
    bench.until(lambda: end(IsolationLevel.READ_COMMITTED) == 3)
    write(1)
    producer.commit_transaction(30.0)
    bench.until(lambda: end(IsolationLevel.READ_COMMITTED) == 5)
    seen: list[Run] = []
    while not any(run.end == 5 for run in seen):
        seen += bench.until(iter((False, True)).__next__, reader)
    told.append([record.offset() for run in seen for record in run.records])
    return told


def a_second_producer_of_a_name_fences_the_first(bench: Bench) -> list[Any]:
    first = bench.producer("fenced")
    first.begin_transaction()
    first.produce_all(bench.topic, 1, [(b"key", b"value", None)])
    bench.producer("fenced")
    with pytest.raises(KafkaException) as caught:
        first.commit_transaction(30.0)
    error: KafkaError = caught.value.args[0]
    return [error.name(), error.fatal()]


def an_empty_group_takes_offsets_of_a_stranger(bench: Bench) -> list[Any]:
    stranger = bench.member("stranger")
    told = [offsets_are_taken(bench, "t-1", stranger.consumer_group_metadata())]
    (place,) = bench.member("asker").committed([TopicPartition(bench.topic, 0)], 30.0)
    return [*told, place.offset]


def a_group_takes_offsets_of_its_members_alone(bench: Bench) -> list[Any]:
    told: list[Any] = []
    one = Member(bench, "one")
    bench.until(lambda: one.assigned is not None, one.consumer)
    told += [one.assigned, offsets_are_taken(bench, "t-1", one.membership)]
    stranger = bench.member("stranger").consumer_group_metadata()
    told.append(offsets_are_taken(bench, "t-2", stranger))
    again = Member(bench, "one")  # The same name, while the session of the first still runs.
    bench.until(lambda: again.assigned is not None, again.consumer)
    told += [again.assigned, offsets_are_taken(bench, "t-3", one.membership)]
    told.append(offsets_are_taken(bench, "t-4", again.membership))
    before, two = again.membership, Member(bench, "two")
    bench.until(
        lambda: again.assigned is not None and two.assigned is not None,
        again.consumer,
        two.consumer,
    )
    told += [again.assigned, two.assigned, again.revoked]
    told.append(offsets_are_taken(bench, "t-5", before))
    return told


SCENARIOS: dict[Callable[[Bench], list[Any]], list[Any]] = {
    # Two aborted records, their marker, one committed record, its marker.
    what_is_not_committed_is_not_seen: [0, [3]],
    a_second_producer_of_a_name_fences_the_first: ["_FENCED", True],
    an_empty_group_takes_offsets_of_a_stranger: ["taken", 7],
    a_group_takes_offsets_of_its_members_alone: [
        [0, 1],
        "taken",
        "UNKNOWN_MEMBER_ID",
        [0, 1],
        "FENCED_INSTANCE_ID",
        "taken",
        [0],
        [1],
        1,
        "ILLEGAL_GENERATION",
    ],
}


@contextmanager
def real(new_environment: NewEnvironment) -> Iterator[Callable[[Any], list[Any]]]:
    settings = new_environment(kafka={"sku_partitions": PARTITIONS})
    bench = Bench(
        CONFLUENT, SYSTEM_CLOCK, RECEIPTS.full_name(settings.prefix), confluent_config(settings)
    )
    try:
        yield lambda scenario: scenario(bench)
    finally:
        for member in bench.members:
            member.close()


def in_memory(scenario: Callable[[Bench], list[Any]]) -> list[Any]:
    world = World(seed=0)
    log, told = Log(world), []
    name = group_of(RECEIPTS.name)
    groups = {name: Group(world, name, [RECEIPTS.name], PARTITIONS)}

    def body(life: Life) -> None:
        clients = SimulatedClients(Wire(life, log, groups, Plan([])))
        told.append(scenario(Bench(clients, world, RECEIPTS.name, {})))

    life = Life(world, "test", body, lambda _: None)
    world.run(lambda: life.dead, until_s=1_000.0)
    assert life.failure is None, life.failure
    (found,) = told
    return list(found)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_on_a_real_broker(scenario: Any, new_environment: NewEnvironment) -> None:
    with real(new_environment) as run:
        assert run(scenario) == SCENARIOS[scenario]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_in_memory(scenario: Any) -> None:
    assert in_memory(scenario) == SCENARIOS[scenario]
