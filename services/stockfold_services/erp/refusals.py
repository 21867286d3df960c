"""Orders that the ERP refuses go to the exceptions, so that those behind them move on."""

from __future__ import annotations

from confluent_kafka import KafkaError, Message, Producer

from stockfold.contracts.exceptions import encode_exception
from stockfold.contracts.topics import EXCEPTIONS, ORDER_STATUS
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK, Clock
from stockfold.runtime.kafka import OUTPUT_BYTES_MAX, confluent_config
from stockfold.runtime.records import Record
from stockfold.runtime.settings import Settings

ACKNOWLEDGED_S_MAX = 20.0


class Refusals:
    """Writes exceptions, acknowledged before the order counts as handed on."""

    def __init__(self, settings: Settings, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
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
        """Raise an exception about an order's status. UnavailableError when Kafka has it not."""
        partition, offset = record.partition(), record.offset()
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
            source="stockfold/orders",
            event_id="",
            event_type="stockfold.OrderStatus",
            topic=ORDER_STATUS.name,
            partition=partition,
            offset=offset,
            recorded_us=self._clock.now_us(),
            correlation_id="",
            caused_us=record.timestamp()[1] * 1000,
            key=record.key(),
            value=record.value(),
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
                "an exception about an order was not acknowledged",
                where=self._topic,
                remedy="Check the broker; the order is tried again.",
            )
