"""Reading where orders stand, and handing them on; what was not handed on is read again."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition

from stockfold.contracts.codec import decode
from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.orders.sink import OrderSink, deliver, document_of
from stockfold.runtime.records import Record
from stockfold.runtime.refusals import Refusals
from stockfold.runtime.settings import ErpSettings
from stockfold.runtime.telemetry import measures
from stockfold.runtime.telemetry import records as telemetry
from stockfold.runtime.telemetry.tracing import NO_SPAN, OFF, Span, Traces, about, traceparent_in

log = logging.getLogger(__name__)

BATCH = 500
RETRY_S_MAX = 10.0


class HandingOn:
    """Several orders at once, the latest status of each alone."""

    def __init__(
        self,
        settings: ErpSettings,
        consumer: Consumer,
        sink: OrderSink,
        refusals: Refusals,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._parallel = settings.parallel
        self._consumer = consumer
        self._sink = sink
        self._refusals = refusals
        self._pause_s = 0.2

    def run(self, stop: threading.Event) -> None:
        """Until ``stop``. KafkaException when the broker fails us."""
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="erp") as pool:
            while not stop.is_set():
                records = self._fetch()
                if not records:
                    continue
                latest = {record.key(): record for record in records}
                troubles = list(pool.map(self._one, latest.values()))
                failed = [r for r, why in zip(latest.values(), troubles, strict=True) if why]
                self._settle(records, failed)
                if failed:
                    log.warning(
                        "%d orders are handed on again in %.1f s: %s",
                        len(failed),
                        self._pause_s,
                        next(filter(None, troubles)),
                    )
                    stop.wait(self._pause_s)
                    self._pause_s = min(self._pause_s * 2, RETRY_S_MAX)
                else:
                    self._pause_s = 0.2

    def _fetch(self) -> list[Record]:
        found = []
        for message in self._consumer.consume(BATCH, timeout=0.2):
            error = message.error()
            if error is None:
                found.append(cast("Record", message))
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
        return found

    def _one(self, record: Record) -> UnavailableError | None:
        """Hand an order on; why it has to be tried again, or None."""
        if record.value() is None:
            return None
        status = {}
        try:
            status = decode(record.value())[1]
            document = document_of(status)
            if document is not None:
                with self._span(record, status):
                    became = deliver(self._sink, document)
                measures.ERP_ORDERS.labels("done").inc()
                log.info(
                    "order %s of channel %s, %s: the ERP has it (%s)",
                    document.order,
                    document.channel,
                    document.status,
                    became,
                    extra=about(status["correlation_id"], traceparent_in(record.headers())),
                )
        except UnavailableError as error:
            measures.ERP_ORDERS.labels("retried").inc()
            return error
        except ContractError as error:
            measures.ERP_ORDERS.labels("refused").inc()
            whom = about(status.get("correlation_id", ""), traceparent_in(record.headers()))
            log.error("order %s is refused: %s", record.key(), error, extra=whom)  # noqa: TRY400
            self._refusals.write(record, error)
        return None

    def _span(self, record: Record, status: Mapping[str, Any]) -> Span:
        if not self._traces.on:
            return NO_SPAN
        whom = {
            telemetry.CORRELATION: status["correlation_id"],
            telemetry.CHANNEL: status["channel"],
        }
        topic, place = record.topic(), (record.partition(), record.offset())
        return self._traces.follow(
            traceparent_in(record.headers()),
            f"process {topic}",
            telemetry.consumed(topic, *place, "erp", whom),
        )

    def _settle(self, records: list[Record], failed: list[Record]) -> None:
        """Commit up to the first that failed of each partition, and read on from there."""
        nexts: dict[tuple[str, int], int] = {}
        for record in records:
            nexts[record.topic(), record.partition()] = record.offset() + 1
        back: dict[tuple[str, int], int] = {}
        for record in failed:
            place = (record.topic(), record.partition())
            back[place] = min(record.offset(), back.get(place, record.offset()))
        for (topic, partition), offset in back.items():
            self._consumer.seek(TopicPartition(topic, partition, offset))
        offsets = [TopicPartition(*place, offset) for place, offset in (nexts | back).items()]
        self._consumer.commit(offsets=offsets, asynchronous=False)
