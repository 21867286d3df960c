"""A backlog comes out of consumer and inbox in the order of its times, in each partition.

More waits at the broker than one answer, one hand-out or one batch holds, and one topic has most
of it. All topics had been read to their ends before: one whose next records have not come yet must
not be taken for one that still has ended.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import pytest
from confluent_kafka import Producer, TopicPartition
from tests.conftest import NewEnvironment

from stockfold.contracts.topics import INPUTS
from stockfold.runtime.exactly_once_clients import consumer_config
from stockfold.runtime.grouped_consumer import GroupedConsumer
from stockfold.runtime.inbox import CONSUME_MAX, Inbox
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

PARTITIONS, BATCH = 4, 1_500
ROUNDS, OTHERS, MOST = 2, 4_000, PARTITIONS * CONSUME_MAX * 6 // 5
RECORDS = ROUNDS * (OTHERS + MOST)
DECIDING_S = 0.01
"""Longer than records rest, so that what one hand-out brought goes before the next one comes."""
WAIT_MS = 60_000
"""Longer than the test: nothing may go because waiting for an older record ended."""
DEADLINE_S = 30.0
Row = tuple[int, int, int]
"""Milliseconds, rank of the topic, and offset: what the order is told by."""


def feed(settings: Settings) -> None:
    """In each round records of the other topics, then of the first one; the broker notes the times.

    Each partition of the first has more in one batch than is handed out at once.
    """
    names = [topic.full_name(settings.prefix) for topic in INPUTS]
    dice = random.Random(7)
    producer = Producer(
        {
            **confluent_config(settings),
            "acks": "all",
            "linger.ms": 5_000,
            "batch.num.messages": MOST,
            "queue.buffering.max.messages": RECORDS,
        }
    )
    for _ in range(ROUNDS):
        for topics, count in ((names[1:], OTHERS), (names[:1], MOST)):
            for _ in range(count):
                partition = dice.randrange(PARTITIONS)
                producer.produce(dice.choice(topics), b"value", partition=partition)
            assert producer.flush(60) == 0


def in_order(rows: list[Row]) -> list[Row]:
    """By time, then rank; offsets order a topic even where its times do not."""
    newest: dict[int, int] = {}
    stamped = []
    for at_ms, rank, offset in sorted(rows, key=lambda row: (row[1], row[2])):
        newest[rank] = max(newest.get(rank, 0), at_ms)
        stamped.append(((newest[rank], rank, offset), (at_ms, rank, offset)))
    return [row for _, row in sorted(stamped)]


def test_a_backlog_is_merged_in_the_order_of_its_times(new_environment: NewEnvironment) -> None:
    settings = new_environment(kafka={"sku_partitions": PARTITIONS})
    ensure_topics(settings)
    ranks = {topic.full_name(settings.prefix): rank for rank, topic in enumerate(INPUTS)}
    member = GroupedConsumer(consumer_config(settings, "merging", "merging-1", merges=True))
    inbox = Inbox(ranks, WAIT_MS)
    places = [(name, number) for name in ranks for number in range(PARTITIONS)]
    found: list[list[Row]] = [[] for _ in range(PARTITIONS)]

    def take_until(done: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not done():
            assert time.monotonic() < deadline_s, "it stands still"
            inbox.fetch(member, busy=False)
            for partition, records in inbox.ready(BATCH):
                found[partition] += [(r.at_ms, ranks[r.topic()], r.offset()) for r in records]
            inbox.balance(member)
            time.sleep(DECIDING_S)

    try:
        for partition in range(PARTITIONS):
            inbox.open(partition)
        member.assign([TopicPartition(*place, 0) for place in places])
        take_until(lambda: len(inbox.ends) == len(places))
        feed(settings)
        take_until(lambda: sum(map(len, found)) == RECORDS)
    finally:
        member.close()
    assert len({row[0] for row in found[0]}) >= 2 * ROUNDS
    for rows in found:
        assert rows == in_order(rows)
