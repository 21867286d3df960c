"""A transactional producer that groups by broker, on a real one."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from stockfold.contracts.topics import JOURNAL, POSITIONS
from stockfold.runtime.clients import CONFLUENT
from stockfold.runtime.exactly_once_clients import producer_config
from stockfold.runtime.grouped_producer import GroupedProducer
from stockfold.runtime.outgoing_batches import BATCH_BYTES
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

pytestmark = pytest.mark.integration

TOPICS = (JOURNAL, POSITIONS)


def _values(environment: Settings) -> dict[tuple[str, int], list[bytes | None]]:
    """Committed values by topic and partition."""
    reader = PartitionReader(environment)
    return {
        (topic.name, number): [
            record.value() for batch in reader.read(topic, number) for record in batch
        ]
        for topic in TOPICS
        for number in range(environment.kafka.sku_partitions)
    }


def test_a_transaction_of_many_partitions_and_batches_arrives_whole_and_in_order(
    environment: Settings,
) -> None:
    producer = GroupedProducer(producer_config(environment, "grouped", "one"))
    try:
        producer.init_transactions(30.0)
        sent: dict[tuple[str, int], list[bytes | None]] = {}
        # The second transaction goes on with the sequence numbers of the first.
        for turn in range(2):
            producer.begin_transaction()
            for topic in TOPICS:
                for number in range(environment.kafka.sku_partitions):
                    for count in range(5):
                        value = b"%d %d " % (turn, count) + b"x" * (BATCH_BYTES // 4)
                        sent.setdefault((topic.name, number), []).append(value)
                        name = topic.full_name(environment.prefix)
                        producer.produce_all(name, number, [(b"SKU", value, None)])
            producer.commit_transaction(30.0)
    finally:
        producer.close()
    assert _values(environment) == sent


def test_an_aborted_transaction_leaves_nothing_and_the_next_one_goes_on(
    environment: Settings,
) -> None:
    name = JOURNAL.full_name(environment.prefix)
    producer = GroupedProducer(producer_config(environment, "grouped", "one"))
    try:
        producer.init_transactions(30.0)
        producer.begin_transaction()
        producer.produce_all(name, 0, [(b"SKU", b"aborted", None)])
        producer._brokers.wait(producer._send(producer._sealed()), 30.0)
        producer.abort_transaction(30.0)
        producer.begin_transaction()
        producer.produce_all(name, 0, [(b"SKU", b"committed", None)])
        producer.produce_all(name, 1, [])  # A batch may have nothing for a topic.
        producer.commit_transaction(30.0)
    finally:
        producer.close()
    found = _values(environment)
    assert (found[JOURNAL.name, 0], found[JOURNAL.name, 1]) == ([b"committed"], [])


def test_librdkafka_s_producer_serves_where_only_that_knows_how_to_log_in(
    environment: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    config = producer_config(environment, "grouped", "one")
    producer = CONFLUENT.producer({**config, "ssl.endpoint.identification.algorithm": "none"})
    assert not isinstance(producer, GroupedProducer)
    assert "ssl.endpoint.identification.algorithm" in caplog.text
    name = JOURNAL.full_name(environment.prefix)
    values: list[bytes | None] = [b"%d" % number for number in range(50)]
    producer.init_transactions(30.0)
    producer.begin_transaction()
    producer.produce_all(name, 0, [(b"SKU", value, None) for value in values])
    producer.produce_all(name, 1, [(None, b"one", [("traceparent", b"00")])])
    producer.commit_transaction(30.0)
    producer.close()
    found = _values(environment)
    assert (found[JOURNAL.name, 0], found[JOURNAL.name, 1]) == (values, [b"one"])


def test_a_broker_that_is_not_there_is_told_of_in_time() -> None:
    producer = GroupedProducer(
        {
            "bootstrap.servers": "127.0.0.1:1",
            "transactional.id": "nobody",
            "transaction.timeout.ms": 5_000,
        }
    )
    try:
        with pytest.raises(KafkaException) as caught:
            producer.init_transactions(0.5)
    finally:
        producer.close()
    error = caught.value.args[0]
    assert error.code() == KafkaError._TIMED_OUT
    assert "127.0.0.1" in error.str()
