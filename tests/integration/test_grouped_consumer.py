"""Our consumer hands out what librdkafka's does: records, in order, once, and the ends."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from tests.conftest import NewEnvironment
from tests.support.transactions import write_in_turns

from stockfold.contracts.topics import RECEIPTS, RETURNS
from stockfold.runtime.clients import LibrdkafkaMember
from stockfold.runtime.grouped_consumer import GroupedConsumer
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

TRANSACTIONS, RECORDS = 18, 40
DEADLINE_S = 40.0
Place = tuple[str, int]


@pytest.fixture(scope="module")
def settings(new_environment: NewEnvironment) -> Settings:
    """Transactions of two producers in turns on four places; every third is aborted."""
    settings = new_environment(kafka={"sku_partitions": 2})
    ensure_topics(settings)
    topics = [topic.full_name(settings.prefix) for topic in (RECEIPTS, RETURNS)]

    def write(producer: Producer, number: int) -> None:
        for record in range(RECORDS):
            name = f"{number}-{record}".encode()
            headers = [("ce_id", name), ("ce_none", None), ("ce_id", b"again")]
            producer.produce(
                topics[record % 2],
                name * 20 if record % 7 else None,
                name if record % 5 else None,
                partition=record // 2 % 2,
                headers=headers if record % 3 else None,
                timestamp=1_700_000_000_000 + number * 1000 + record,
            )

    write_in_turns(settings, TRANSACTIONS, write, **{"batch.num.messages": 16})
    return settings


def config(settings: Settings) -> dict[str, Any]:
    return {
        **confluent_config(settings),
        "group.id": f"{settings.prefix}readers",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
        "fetch.wait.max.ms": 10,
    }


def places(settings: Settings) -> list[Place]:
    topics = [topic.full_name(settings.prefix) for topic in (RECEIPTS, RETURNS)]
    return [(topic, number) for topic in topics for number in range(2)]


def assigned(settings: Settings, start: int = 0) -> list[TopicPartition]:
    return [TopicPartition(*place, start) for place in places(settings)]


def shown(message: Any) -> tuple[Any, ...]:
    return (
        message.offset(),
        message.timestamp(),
        message.key(),
        message.value(),
        list(message.headers() or []),
    )


class Read:
    """What a consumer has handed out, by place, and the ends that it told."""

    def __init__(self, consumer: Any, settings: Settings) -> None:
        self.consumer = consumer
        self.records: dict[Place, list[tuple[Any, ...]]] = {p: [] for p in places(settings)}
        self.ends: dict[Place, list[int]] = {p: [] for p in places(settings)}

    def some(self, most: int) -> int:
        runs = self.consumer.take(most, 0.1)
        for topic, partition, records, end in runs:
            self.records[topic, partition] += map(shown, records)
            if end >= 0:
                self.ends[topic, partition].append(end)
        return len(runs)

    def to_the_ends(self, most: int = 500) -> Read:
        deadline_s = time.monotonic() + DEADLINE_S
        while not all(self.ends.values()):
            assert time.monotonic() < deadline_s
            self.some(most)
        return self


@pytest.fixture(scope="module")
def expected(settings: Settings) -> Read:
    consumer = LibrdkafkaMember(config(settings))
    consumer.assign(assigned(settings))
    read = Read(consumer, settings).to_the_ends()
    consumer.close()
    assert sum(map(len, read.records.values())) == TRANSACTIONS * RECORDS * 2 // 3
    return read


@pytest.fixture
def ours(settings: Settings) -> Iterator[Read]:
    consumer = GroupedConsumer(config(settings))
    yield Read(consumer, settings)
    consumer.close()


@pytest.mark.parametrize("most", [1, 7, 1000])
def test_it_hands_out_what_librdkafka_does(
    most: int, ours: Read, expected: Read, settings: Settings
) -> None:
    ours.consumer.assign(assigned(settings))
    ours.to_the_ends(most)
    assert ours.records == expected.records
    assert ours.ends == {place: [ends[-1]] for place, ends in expected.ends.items()}
    assert ours.some(100) == 0


def test_every_partition_has_its_share_of_what_is_handed_out(
    ours: Read, settings: Settings
) -> None:
    """Topics are merged by time: one that has records must not look as if it had ended."""
    ours.consumer.assign(assigned(settings))
    deadline_s = time.monotonic() + DEADLINE_S
    while not ours.some(40):
        assert time.monotonic() < deadline_s
    assert [len(rows) for rows in ours.records.values()] == [10] * 4
    ours.some(7)
    assert sorted(len(rows) for rows in ours.records.values()) == [11, 12, 12, 12]


def test_it_goes_on_in_the_middle_of_a_batch(
    ours: Read, expected: Read, settings: Settings
) -> None:
    ours.consumer.assign(assigned(settings, 5))
    ours.to_the_ends()
    assert ours.records == {
        place: [row for row in rows if row[0] >= 5] for place, rows in expected.records.items()
    }


def test_what_is_paused_comes_once_it_is_resumed(
    ours: Read, expected: Read, settings: Settings
) -> None:
    ours.consumer.assign(assigned(settings))
    while not ours.some(3):
        pass
    began = [place for place, rows in ours.records.items() if rows]
    paused = [TopicPartition(*place) for place in began]
    before = {place: list(ours.records[place]) for place in began}
    ours.consumer.pause(paused)
    others = [place for place in places(settings) if place not in began]
    deadline_s = time.monotonic() + DEADLINE_S
    while not all(ours.ends[place] for place in others):
        assert time.monotonic() < deadline_s
        ours.some(5)
    assert {place: ours.records[place] for place in began} == before
    ours.consumer.resume(paused)
    ours.to_the_ends(5)
    assert ours.records == expected.records


def test_what_is_assigned_anew_is_read_anew(ours: Read, expected: Read, settings: Settings) -> None:
    ours.consumer.assign(assigned(settings))
    while not ours.some(3):
        pass
    ours.consumer.unassign()
    assert ours.some(100) == 0
    again = Read(ours.consumer, settings)
    again.consumer.assign(assigned(settings))
    assert again.to_the_ends().records == expected.records


def test_what_comes_later_is_told_with_a_new_end(ours: Read, settings: Settings) -> None:
    first = places(settings)[0]
    ours.consumer.assign(assigned(settings))
    ours.to_the_ends()
    (end,) = ours.ends[first]
    producer = Producer(confluent_config(settings))
    producer.produce(first[0], b"late", b"key", partition=first[1])
    producer.flush(30)
    deadline_s = time.monotonic() + DEADLINE_S
    while len(ours.ends[first]) == 1:
        assert time.monotonic() < deadline_s
        ours.some(100)
    offset, _, key, value, headers = ours.records[first][-1]
    assert (offset, key, value, headers) == (end, b"key", b"late", [])
    assert ours.ends[first][-1] == end + 1


def test_an_offset_that_is_not_there_is_an_error(ours: Read, settings: Settings) -> None:
    ours.consumer.assign(assigned(settings, 1_000_000))
    with pytest.raises(KafkaException, match="OffsetOutOfRange") as caught:
        ours.to_the_ends()
    assert caught.value.args[0].code() == KafkaError.OFFSET_OUT_OF_RANGE
