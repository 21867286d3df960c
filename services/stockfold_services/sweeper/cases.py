"""The open cases of orders, followed from their topic: what shops are to be told of."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, cast

import msgspec
from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from stockfold.contracts.codec import decode
from stockfold.contracts.topics import ORDER_CASES
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.kafka import confluent_config, group_id, partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

log = logging.getLogger(__name__)

RECORDS_PER_POLL_MAX = 500


def _whole(messages: Sequence[Message]) -> Sequence[Record]:
    """The records; KafkaException when there is an error among them."""
    for message in messages:
        if (error := message.error()) is not None:
            raise KafkaException(error)
    return cast("Sequence[Record]", messages)


class Case(msgspec.Struct, frozen=True):
    """A line that a shop sold and nobody can serve."""

    case: str
    order: str
    line: str
    sku: str
    missing: int
    owner: str

    @property
    def note(self) -> str:
        """What the shop's staff is told; no personal data."""
        return (
            f"{self.missing} of {self.sku} (line {self.line}) were sold that are not there. "
            f"{self.owner} looks after it, as case {self.case}."
        )


class CaseBook:
    """The open oversell cases of every channel. ``refresh`` blocks, and is for a thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._consumer: Consumer | None = None
        self._open: dict[str, dict[str, Case]] = {}
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Read on to the end of the topic. UnavailableError when Kafka does not answer."""
        with self._lock:
            try:
                if self._consumer is None:
                    self._consumer = self._begin()
                while messages := self._consumer.consume(RECORDS_PER_POLL_MAX, timeout=0):
                    self._apply(_whole(messages))
            except KafkaException as error:
                self._let_go()
                raise UnavailableError(
                    f"the cases of orders were not read: {error}",
                    where=ORDER_CASES.name,
                    remedy="None needed: it tries again.",
                ) from error

    def _begin(self) -> Consumer:
        """Read every partition whole; a consumer that goes on behind that."""
        reader = PartitionReader(self._settings)
        name = ORDER_CASES.full_name(self._settings.prefix)
        places = []
        for partition in range(partitions_of(self._settings, ORDER_CASES)):
            after = 0
            for batch in reader.read(ORDER_CASES, partition):
                self._apply(batch)
                after = batch[-1].offset() + 1
            places.append(TopicPartition(name, partition, after))
        consumer = Consumer(
            {
                **confluent_config(self._settings),
                "group.id": group_id(self._settings, "sweeper.cases"),
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                # What was compacted away meanwhile has been followed by what counts.
                "auto.offset.reset": "earliest",
            }
        )
        consumer.assign(places)
        return consumer

    def _apply(self, records: Sequence[Record]) -> None:
        for record in records:
            key, value = (record.key() or b"").decode("utf-8", "replace"), record.value()
            try:
                body: dict[str, Any] | None = None if value is None else decode(value)[1]
            except ContractError as error:
                log.error("a case cannot be read: %s", error)  # noqa: TRY400
                continue
            if body is None or (body["state"], body["kind"]) != ("open", "oversold"):
                for cases in self._open.values():
                    cases.pop(key if body is None else body["case"], None)
                continue
            fields = {name: body[name] for name in Case.__struct_fields__}
            self._open.setdefault(body["channel"], {})[body["case"]] = Case(**fields)

    def open_of(self, channel: str) -> list[Case]:
        """The open cases of a channel."""
        return list(self._open.get(channel, {}).values())

    def close(self) -> None:
        """Let go of the consumer."""
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None
