"""What the sweeper remembers, in a compacted topic: how far it is, and what it was asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from confluent_kafka import KafkaException

from stockfold.contracts.codec import decode
from stockfold.contracts.shop_orders import CURSOR, QUESTION, ShopRecord, reached_record
from stockfold.contracts.topics import ORDER_SWEEPS
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.acknowledged import AcknowledgedProducer
from stockfold.runtime.follow import TopicFollower
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)


class Question(msgspec.Struct, frozen=True):
    """An order that is to be looked up; ``key`` is its record's."""

    key: bytes
    order: str


class Notebook:
    """The notes of all channels. ``refresh`` reads what is new; it blocks, and is for a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._follower = TopicFollower(settings, ORDER_SWEEPS, "sweeper")
        self._is_read = False
        self._reached: dict[str, int] = {}
        self._questions: dict[str, dict[bytes, Question]] = {}

    def refresh(self) -> None:
        """Read on to the end of the topic. UnavailableError when Kafka does not answer."""
        try:
            if not self._is_read:
                for batch in self._follower.read_whole(PartitionReader(self._settings)):
                    self._apply(batch)
                self._is_read = True
            while records := self._follower.poll():
                self._apply(records)
        except KafkaException as error:
            self._is_read = False
            raise UnavailableError(
                f"the sweeper's notes were not read: {error}",
                where=ORDER_SWEEPS.name,
                remedy="None needed: it tries again.",
            ) from error

    def _apply(self, records: Sequence[Record]) -> None:
        for record in records:
            key = record.key() or b""
            try:
                self._take(key, record.value())
            except (ContractError, UnicodeDecodeError, ValueError) as error:
                log.error(  # noqa: TRY400  (the sentence says it all)
                    "%s, offset %d: %s", ORDER_SWEEPS.name, record.offset(), error
                )

    def _take(self, key: bytes, value: bytes | None) -> None:
        kind, channel, *_ = key.decode().split("|")
        if kind == CURSOR and value is not None:
            self._reached[channel] = decode(value)[1]["reached"]
        elif kind == QUESTION:
            asked = self._questions.setdefault(channel, {})
            if value is None:
                asked.pop(key, None)
            else:
                asked[key] = Question(key, decode(value)[1]["order"])

    def reached(self, channel: str) -> int | None:
        """The newest change seen of a channel, UTC microseconds of its own time; None at first."""
        return self._reached.get(channel)

    def questions(self, channel: str) -> list[Question]:
        """What is to be looked up, oldest first."""
        return list(self._questions.get(channel, {}).values())

    def close(self) -> None:
        """Let go of the consumer."""
        self._follower.close()


class Writer:
    """Writes notes, and orders; returns when Kafka has them. UnavailableError."""

    def __init__(self, settings: Settings, producer: AcknowledgedProducer) -> None:
        self._prefix = settings.prefix
        self._producer = producer

    async def send(self, record: ShopRecord) -> None:
        """Send a record."""
        await self._producer.send(
            self._prefix + record.topic, record.key, record.value, record.headers
        )

    async def reached(self, channel: str, us: int) -> None:
        """Note how far a channel was read."""
        await self.send(reached_record(channel, us))

    async def answered(self, question: Question) -> None:
        """Strike a question out."""
        await self._producer.send(self._prefix + ORDER_SWEEPS.name, question.key, None, [])
