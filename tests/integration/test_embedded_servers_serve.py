"""The session's servers really store and answer."""

from __future__ import annotations

import asyncpg
import pytest
from confluent_kafka import Consumer, Producer

from stockfold.contracts.topics import RECEIPTS
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration


def test_a_committed_transaction_is_read_and_an_aborted_one_is_not(environment: Settings) -> None:
    topic = RECEIPTS.full_name(environment.prefix)
    producer = Producer(
        {**confluent_config(environment), "transactional.id": group_id(environment, "test")}
    )
    producer.init_transactions(30)
    for value, commit in ((b"aborted", False), (b"committed", True)):
        producer.begin_transaction()
        producer.produce(topic, key=b"sku", value=value)
        if commit:
            producer.commit_transaction(30)
        else:
            producer.abort_transaction(30)
    consumer = Consumer(
        {
            **confluent_config(environment),
            "group.id": group_id(environment, "test"),
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(30)
    finally:
        consumer.close()
    assert message is not None
    assert message.value() == b"committed"


async def test_the_database_answers_in_utc(postgres: str) -> None:
    connection = await asyncpg.connect(postgres)
    try:
        assert await connection.fetchval("SHOW timezone") in ("UTC", "Etc/UTC")
        await connection.execute("CREATE TABLE counts (sku text PRIMARY KEY, on_hand bigint)")
        await connection.execute("INSERT INTO counts VALUES ('a', 1)")
        assert await connection.fetchval("SELECT on_hand FROM counts WHERE sku = 'a'") == 1
    finally:
        await connection.close()
