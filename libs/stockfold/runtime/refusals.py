"""What somebody else refuses goes to the exceptions, so that what is behind it moves on."""

from __future__ import annotations

from confluent_kafka import KafkaError, Message, Producer

from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.topics import EXCEPTIONS, Topic
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import OUTPUT_BYTES_MAX, confluent_config
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry import measures

ACKNOWLEDGED_S_MAX = 20.0


class Refusals:
    """Writes exceptions about records of one topic, each acknowledged before the record is done.

    ``topic`` holds one type of event; ``source`` is who tells it, when a record does not say.
    """

    def __init__(
        self, settings: Settings, topic: Topic, source: str, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        self._clock = clock
        self._about = topic
        self._source = source
        self._partitions = settings.kafka.sku_partitions
        self._topic = EXCEPTIONS.full_name(settings.prefix)
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "message.max.bytes": OUTPUT_BYTES_MAX,
                "delivery.timeout.ms": int(ACKNOWLEDGED_S_MAX * 1000),
            }
        )

    def write(self, record: Record, error: ContractError) -> None:
        """Raise an exception about a record. UnavailableError when Kafka has it not."""
        partition, offset = record.partition(), record.offset()
        headers = record.headers() or []
        named = dict(headers)
        failures: list[str] = []

        def told(failure: KafkaError | None, _: Message) -> None:
            if failure is not None:
                failures.append(failure.str())

        value = encode_exception(
            error.kind,
            folded=False,
            reason=error.what,
            remedy=error.remedy,
            sku="",
            source=_text(named.get("ce_source")) or self._source,
            event_id=_text(named.get("ce_id")),
            event_type=self._about.schemas[0],
            topic=self._about.name,
            partition=partition,
            offset=offset,
            recorded_us=self._clock.now_us(),
            correlation_id=_text(named.get("correlationid")),
            caused_us=record.timestamp()[1] * 1000,
            key=record.key(),
            value=record.value(),
            headers=headers,
        )
        self._producer.produce(
            self._topic,
            value,
            record.key(),
            partition % self._partitions,
            on_delivery=told,
        )
        if self._producer.flush(ACKNOWLEDGED_S_MAX + 1) or failures:
            raise UnavailableError(
                f"an exception about a record of {self._about.name} was not acknowledged",
                where=self._topic,
                remedy="Check the broker; the record is tried again.",
            )
        service = self._source.removeprefix("stockfold/")
        measures.EXCEPTIONS.labels(service, error.kind, "false").inc()


def _text(value: bytes | None) -> str:
    return (value or b"").decode("utf-8", "replace")
