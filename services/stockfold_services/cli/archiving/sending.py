"""Writing archived records back: with the offsets they had, or one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import KafkaError, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from stockfold.contracts.topics import Topic
from stockfold.domain.errors import DefectError, UnavailableError
from stockfold.runtime.kafka import confluent_config, group_id
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.archiving.segments import Kept
from stockfold_services.cli.repartition.environments import producer_config

FLUSH_S_MAX = 120.0
ANSWER_S_MAX = 30.0
FILLER = "restore-filler"
"""Header of a record that only takes up an offset, and key of one that nobody sees."""


class Sender:
    """Writes to the topics of one environment. Nothing is sure before ``flush``."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._plain = Producer(producer_config(settings))
        self._failures: list[str] = []

    def send(self, topic: Topic, partition: int, record: Kept) -> None:
        """Write a record with the time it had."""
        self._produce(self._plain, topic, partition, record)

    def flush(self) -> None:
        """Wait for every acknowledgement. UnavailableError."""
        self._flush(self._plain)

    def _produce(self, producer: Producer, topic: Topic, partition: int, record: Kept) -> None:
        name = topic.full_name(self._settings.prefix)
        while True:
            try:
                producer.produce(
                    name,
                    record.value,
                    record.key,
                    partition,
                    on_delivery=self._told,
                    timestamp=record.at_ms,
                    headers=list(record.headers),
                )
            except BufferError:
                producer.poll(0.1)  # The queue is full: let it drain, then go on.
            else:
                producer.poll(0)
                return

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._failures.append(f"{message.topic()} {message.partition()}: {error.str()}")

    def _flush(self, producer: Producer) -> None:
        left = producer.flush(FLUSH_S_MAX)
        if left or self._failures:
            raise UnavailableError(
                f"{left + len(self._failures)} records were not acknowledged: "
                + "; ".join(self._failures[:3]),
                where=f"Kafka at {self._settings.kafka.bootstrap}",
                remedy="Check the broker, then restore into another prefix.",
            )


class ExactSender(Sender):
    """Writes partitions so that every record gets the offset it had.

    What took up the other offsets was invisible (markers, aborted records), and so is what takes
    them up now: an aborted transaction fills two offsets or more, its marker the last of them; a
    single offset is the marker of a transaction with the record before it.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        config: dict[str, Any] = {
            **producer_config(settings),
            "transactional.id": group_id(settings, "restore"),
            "retry.backoff.ms": 5,
            "log_level": 0,
        }
        self._transactions = Producer(config)
        self._admin = AdminClient({**confluent_config(settings), "log_level": 0})
        self._reader = PartitionReader(settings)
        self._initialized = False

    def write(self, topic: Topic, partition: int, records: Iterable[Kept], end: int) -> None:
        """Write one whole partition, up to before the offset ``end``, and wait for it.

        DefectError when the partition ends elsewhere after it: somebody else writes there.
        """
        free = 0
        held: Kept | None = None
        for record in records:
            self._place(topic, partition, held, free, record.offset)
            held, free = record, record.offset + 1
        self._place(topic, partition, held, free, end)
        self.flush()
        self._reach(topic, partition, end)

    def _place(
        self, topic: Topic, partition: int, held: Kept | None, free: int, next_offset: int
    ) -> None:
        """Write the record that is held, and fill what lies between it and the next one."""
        gap = next_offset - free
        if held is not None and gap == 1:
            self._commit(topic, partition, held)
            return
        if held is not None:
            self.send(topic, partition, held)
        if gap:
            self._fill(topic, partition, free, gap)

    def _fill(self, topic: Topic, partition: int, start: int, gap: int) -> None:
        filler = Kept(0, 0, FILLER.encode(), b"", [])
        self.flush()
        if gap == 1:  # Nothing comes before it: it is made, then cut off.
            self.send(topic, partition, filler)
            self.flush()
            self._cut(topic, partition, start + 1)
            return
        self._begin()
        for _ in range(gap - 1):
            self._produce(self._transactions, topic, partition, filler)
        self._flush(self._transactions)
        self._transactions.abort_transaction(ANSWER_S_MAX)
        self._reach(topic, partition, start + gap)

    def _commit(self, topic: Topic, partition: int, record: Kept) -> None:
        self.flush()
        self._begin()
        self._produce(self._transactions, topic, partition, record)
        self._transactions.commit_transaction(ANSWER_S_MAX)
        self._reach(topic, partition, record.offset + 2)

    def _begin(self) -> None:
        if not self._initialized:
            self._transactions.init_transactions(ANSWER_S_MAX)
            self._initialized = True
        self._transactions.begin_transaction()

    def _cut(self, topic: Topic, partition: int, before: int) -> None:
        place = TopicPartition(topic.full_name(self._settings.prefix), partition, before)
        for future in self._admin.delete_records([place]).values():
            future.result(ANSWER_S_MAX)

    def _reach(self, topic: Topic, partition: int, end: int) -> None:
        """Wait for the marker: it is written after the transaction was answered."""
        deadline = time.monotonic() + ANSWER_S_MAX
        while (found := self._reader.settled_end(topic, partition)) != end:
            if found > end or time.monotonic() > deadline:
                raise DefectError(
                    f"the partition ends at {found}, not at {end}",
                    where=f"{topic.full_name(self._settings.prefix)} partition {partition}",
                    remedy="See that nobody else writes to this environment, then restore into "
                    "another prefix.",
                )
            time.sleep(0.001)
