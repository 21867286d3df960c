"""Reading what the topics hold, and publishing what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import stamina
from confluent_kafka import KafkaError, KafkaException, Producer

from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import (
    decode_item,
    decode_reference,
    encode_record,
    topic_of,
)
from stockfold.contracts.topics import CATALOG, REFERENCE, Topic
from stockfold.domain.errors import ContractError
from stockfold.domain.reference import CatalogItem, Record, key_of
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record as Message
from stockfold.runtime.settings import Settings
from stockfold_services.cli.catalogue.store import Store

ANSWER_S_MAX = 15.0
COMMIT_S_MAX = 60.0
RECORDS_PER_TRANSACTION = 5_000
"""Small enough that readers never wait for one for long."""
_NO_LEADER_YET = (
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
)

Progress = Callable[[int], None]
"""Told how many more records are done."""


def reference_errors(settings: Settings, what: str) -> AbstractContextManager[None]:
    """Kafka's errors as ours: the reference data was not ``what``."""
    return kafka_errors(
        f"the reference data was not {what}",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker and its topics (`stockfold topics apply`), and that nobody "
        "else imports now; then import again: what is published already is not repeated.",
    )


def load(settings: Settings, store: Store, progress: Progress | None = None) -> list[str]:
    """Put what both topics hold into the store; a sentence for each record that is unreadable."""
    wrong: list[str] = []
    with reference_errors(settings, "read"):
        reader = _reader(settings)
        for number in range(settings.kafka.sku_partitions):
            wrong += _load(reader, CATALOG, number, store, progress)
        wrong += _load(reader, REFERENCE, 0, store, progress)
    return wrong


def _reader(settings: Settings) -> PartitionReader:
    # A topic that was made this moment may not have its leader yet.
    reader = PartitionReader(settings)
    for attempt in stamina.retry_context(
        on=_passes, attempts=None, timeout=ANSWER_S_MAX, wait_initial=0.05, wait_max=1.0
    ):
        with attempt:
            for topic in (CATALOG, REFERENCE):
                reader.earliest(topic, 0)
    return reader


def _passes(error: Exception) -> bool:
    # By code: the admin client's errors never call themselves retriable.
    return isinstance(error, KafkaException) and error.args[0].code() in _NO_LEADER_YET


def _load(
    reader: PartitionReader, topic: Topic, number: int, store: Store, progress: Progress | None
) -> Iterator[str]:
    for batch in reader.read(topic, number):
        for message in batch:
            try:
                _take(store, topic, message)
            except ContractError as error:
                yield f"{topic.name}/{number}/{message.offset()}: {error.what}"
        if progress is not None:
            progress(len(batch))


def _take(store: Store, topic: Topic, message: Message) -> None:
    key, value = message.key(), message.value()
    if value is None:
        name = (key or b"").decode("utf-8", "replace")
        store.remove_current(f"item|{name}" if topic is CATALOG else name)
    elif topic is CATALOG:
        store.put_current(decode_item(value, key))
    else:
        store.put_current(decode_reference(value, key))


def find_item(settings: Settings, sku: str) -> CatalogItem | None:
    """The catalogue's newest record of a SKU; reads the one partition that it is in."""
    key = sku.encode()
    number = partition_of(key, settings.kafka.sku_partitions)
    found: CatalogItem | None = None
    with reference_errors(settings, "read"):
        for batch in _reader(settings).read(CATALOG, number):
            for message in batch:
                if message.key() == key:
                    value = message.value()
                    found = None if value is None else decode_item(value, key)
    return found


def find_references(settings: Settings, name: str) -> list[Record]:
    """Reference records that are about a name: location, source, scope, code or target."""
    found: dict[bytes | None, Record] = {}
    with reference_errors(settings, "read"):
        for batch in _reader(settings).read(REFERENCE, 0):
            for message in batch:
                found.pop(message.key(), None)
                if message.value() is not None:
                    record = decode_reference(message.value(), message.key())
                    if name in _names(record):
                        found[message.key()] = record
    return list(found.values())


def _names(record: Record) -> tuple[str, ...]:
    fields = ("location", "authority", "source", "scope", "code", "target")
    return tuple(getattr(record, field) for field in fields if hasattr(record, field))


class Publisher:
    """The one publisher of reference data in an environment.

    Its transactional id is one for all, so that no two give out the same revision: whoever opens
    one shuts out the one before, whose next transaction fails.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer(
            {
                **confluent_config(settings),
                "transactional.id": group_id(settings, "catalog"),
                "transaction.timeout.ms": 60_000,
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": 5,
                "log_level": 0,
            }
        )
        with reference_errors(settings, "published"):
            self._producer.init_transactions(ANSWER_S_MAX)

    def publish(self, store: Store, progress: Progress | None = None) -> int:
        """Publish what differs, a few thousand records at a time; how many."""
        done = 0
        with reference_errors(self._settings, "published"):
            waiting = 0
            for change in store.planned():
                if not waiting:
                    self._producer.begin_transaction()
                self._send(change.new)
                waiting += 1
                if waiting == RECORDS_PER_TRANSACTION:
                    done += self._commit(waiting, progress)
                    waiting = 0
            if waiting:
                done += self._commit(waiting, progress)
        return done

    def _send(self, record: Record) -> None:
        topic, key = topic_of(record), key_of(record).encode()
        partitions = self._settings.kafka.sku_partitions if topic.keyed_by_sku else 1
        name = topic.full_name(self._settings.prefix)
        value = encode_record(record)
        while True:
            try:
                self._producer.produce(name, value, key, partition_of(key, partitions))
            except BufferError:
                self._producer.poll(0.05)  # The queue is full: let it drain, then go on.
            else:
                return

    def _commit(self, count: int, progress: Progress | None) -> int:
        self._producer.commit_transaction(COMMIT_S_MAX)
        if progress is not None:
            progress(count)
        return count
