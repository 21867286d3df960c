"""The Kafka clients that the exactly-once loop and the readers use, as ports.

confluent-kafka's own classes fit them. The simulation has others, over a log in memory,
so that the production loop runs against it unchanged.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from confluent_kafka import Consumer, IsolationLevel, KafkaError, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from stockfold.domain.errors import SettingsError
from stockfold.runtime.grouped_consumer import GroupedConsumer
from stockfold.runtime.grouped_producer import GroupedProducer
from stockfold.runtime.records import Keyed, Run, runs_of

log = logging.getLogger(__name__)


class Fetched(Protocol):
    """A record, or an error in its place; a ``confluent_kafka.Message`` is one."""

    def topic(self) -> str | None:
        """Name on the broker."""
        ...

    def partition(self) -> int | None:
        """Partition number."""
        ...

    def offset(self) -> int | None:
        """Offset in the partition; with _PARTITION_EOF, where the end is."""
        ...

    def error(self) -> KafkaError | None:
        """Why this is no record."""
        ...


class LogConsumer(Protocol):
    """A reader of given partitions."""

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these from their offsets."""
        ...

    def consume(self, num_messages: int = 1, timeout: float = -1) -> Sequence[Fetched]:
        """What has come, waiting at most so many seconds for the first."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class LogMember(Protocol):
    """A member of a consumer group."""

    def subscribe(
        self,
        topics: list[str],
        on_assign: Callable[[Any, list[TopicPartition]], None] | None = None,
        on_revoke: Callable[[Any, list[TopicPartition]], None] | None = None,
    ) -> None:
        """Join the group; both are called from within ``take``."""
        ...

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Read these from their offsets."""
        ...

    def unassign(self) -> None:
        """Read nothing."""
        ...

    def take(self, records_max: int, wait_s: float) -> Sequence[Run]:
        """What has come, waiting so long at most for the first. KafkaException."""
        ...

    def committed(
        self, partitions: list[TopicPartition], timeout: float = -1
    ) -> list[TopicPartition]:
        """The group's stable offsets."""
        ...

    def pause(self, partitions: list[TopicPartition]) -> None:
        """Fetch no more of these."""
        ...

    def resume(self, partitions: list[TopicPartition]) -> None:
        """Fetch them again."""
        ...

    def consumer_group_metadata(self) -> object:
        """Member and generation, for ``send_offsets_to_transaction``."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class LogProducer(Protocol):
    """A transactional producer."""

    def init_transactions(self, timeout: float = -1) -> None:
        """Fence every earlier producer of this transactional id, and end what it left open."""
        ...

    def begin_transaction(self) -> None:
        """Open a transaction."""
        ...

    def produce_all(self, topic: str, partition: int, records: Sequence[Keyed]) -> None:
        """Add records of one partition to the open transaction, in their order."""
        ...

    def send_offsets_to_transaction(
        self, positions: list[TopicPartition], group_metadata: Any, timeout: float = -1
    ) -> None:
        """Have the group's offsets committed with the transaction."""
        ...

    def commit_transaction(self, timeout: float = -1) -> None:
        """Make it all visible, or raise."""
        ...

    def abort_transaction(self, timeout: float = -1) -> None:
        """Have it never been."""
        ...

    def purge(self) -> None:
        """Throw away what was not sent yet."""
        ...

    def close(self) -> object:
        """Let go of everything, without a word to the broker."""
        ...


class LogAdmin(Protocol):
    """What is asked about partitions."""

    def list_offsets(
        self,
        topic_partition_offsets: dict[TopicPartition, OffsetSpec],
        *,
        isolation_level: IsolationLevel = IsolationLevel.READ_UNCOMMITTED,
    ) -> Mapping[TopicPartition, Any]:
        """Offsets as futures."""
        ...


class Pending(Protocol):
    """Work that goes on beside its caller."""

    def done(self) -> bool:
        """Whether it has ended, well or not."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for its end, so long at most."""
        ...

    def result(self) -> None:
        """Wait for its end; raise what it raised."""
        ...


class Clients(Protocol):
    """Makes clients; the configurations are librdkafka's."""

    def consumer(self, config: dict[str, Any]) -> LogConsumer:
        """A new reader of given partitions."""
        ...

    def member(self, config: dict[str, Any]) -> LogMember:
        """A new member of a group."""
        ...

    def producer(self, config: dict[str, Any]) -> LogProducer:
        """A new producer."""
        ...

    def admin(self, config: dict[str, Any]) -> LogAdmin:
        """A new asker."""
        ...

    def behind(self, work: Callable[[], None]) -> Pending:
        """Have calls of a client made beside the caller, who goes on."""
        ...


class LibrdkafkaMember(Consumer):
    """A member that reads by librdkafka, too."""

    def take(self, records_max: int, wait_s: float) -> list[Run]:
        """See ``LogMember.take``."""
        return runs_of(self.consume(records_max, timeout=wait_s))


class _Librdkafka(Producer):
    """Its own ``close`` would flush, and wait for a broker that may be gone."""

    def produce_all(self, topic: str, partition: int, records: Sequence[Keyed]) -> None:
        """See ``LogProducer.produce_all``."""
        for key, value, headers in records:
            while True:
                try:
                    self.produce(topic, value, key, partition, headers=headers)
                except BufferError:
                    self.poll(0.05)  # The queue is full: let it drain, then go on.
                else:
                    break

    def close(self) -> bool:
        """See ``LogProducer.close``."""
        return True


class ConfluentClients:
    """Clients of a real broker: confluent-kafka's, and ours beside them.

    Where only librdkafka knows how to log in, all are librdkafka's.
    """

    def consumer(self, config: dict[str, Any]) -> LogConsumer:
        """See ``Clients.consumer``."""
        return Consumer(config)

    def member(self, config: dict[str, Any]) -> LogMember:
        """See ``Clients.member``."""
        try:
            return GroupedConsumer(config)
        except SettingsError as error:
            log.warning("records are read one by one: %s", error)
            return LibrdkafkaMember(config)

    def producer(self, config: dict[str, Any]) -> LogProducer:
        """See ``Clients.producer``."""
        try:
            return GroupedProducer(config)
        except SettingsError as error:
            log.warning("the producer sends a request for each partition: %s", error)
            return _Librdkafka(config)

    def admin(self, config: dict[str, Any]) -> LogAdmin:
        """See ``Clients.admin``."""
        return AdminClient(config)

    def behind(self, work: Callable[[], None]) -> Pending:
        """See ``Clients.behind``."""
        return _Behind(work)


class _Behind:
    """A thread; a call that never returns in it does not keep the process alive."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self._ended = threading.Event()
        self._error: BaseException | None = None
        threading.Thread(target=self._run, name="behind", daemon=True).start()

    def _run(self) -> None:
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  (raised where the result is asked for)
            self._error = error
        self._ended.set()

    def done(self) -> bool:
        """See ``Pending.done``."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """See ``Pending.wait``."""
        self._ended.wait(seconds)

    def result(self) -> None:
        """See ``Pending.result``."""
        self._ended.wait()
        if self._error is not None:
            raise self._error


CONFLUENT = ConfluentClients()
