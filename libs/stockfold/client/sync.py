"""The client for programs without asyncio."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stockfold.client.event import Event
from stockfold.client.prepare import About, Prepared, prepare
from stockfold.domain.errors import ContractError, StockfoldError, UnavailableError

FAILURES_TOLD_MAX = 5


class Client:
    """Sends events of one source. A context: leaving it waits for every acknowledgement.

    ``source`` names the sending system, such as ``/erp/main``, and never changes. ``prefix`` is
    the environment's. ``options`` are further librdkafka options, such as security.protocol.
    ``timeout_s`` bounds how long an event may wait for its acknowledgement. With ``dry_run``
    everything is checked and nothing is sent, and no broker is needed. Not for several threads.
    """

    def __init__(
        self,
        bootstrap: str,
        source: str,
        *,
        prefix: str = "",
        options: Mapping[str, Any] | None = None,
        timeout_s: float = 30.0,
        dry_run: bool = False,
    ) -> None:
        self._bootstrap = bootstrap
        self._source = source
        self._prefix = prefix
        self._timeout_s = timeout_s
        self._failed: list[str] = []
        self._failures = 0
        self._producer: Producer | None = None
        if not dry_run:
            config: dict[str, Any] = {
                "compression.type": "lz4",
                "linger.ms": 5,
                "log_level": 3,
                **(options or {}),
                "bootstrap.servers": bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "delivery.timeout.ms": int(timeout_s * 1000),
            }
            self._producer = Producer(config)

    def send(
        self,
        event: Event,
        *,
        occurred_at: datetime,
        event_id: str | None = None,
        revision: int | None = None,
        correlation_id: str = "",
        traceparent: str = "",
        sequence: int | None = None,
        corrects: str = "",
    ) -> Prepared:
        """Check an event and send it; ``flush`` waits for the acknowledgement.

        ``occurred_at`` is when it happened. ``event_id`` must be the same whenever the event is
        sent again; when it is not given it follows from document, line and ``revision``.
        ``sequence`` is the source's own number of the event for this SKU. ``corrects`` is the id
        of the event that this one replaces. ContractError when the ledger would refuse it.
        """
        about = About(
            occurred_at=occurred_at,
            event_id=event_id,
            revision=revision,
            correlation_id=correlation_id,
            traceparent=traceparent,
            sequence=sequence,
            corrects=corrects,
        )
        prepared = prepare(event, about, source=self._source, prefix=self._prefix)
        if self._producer is not None:
            self._produce(self._producer, prepared)
        return prepared

    def _produce(self, producer: Producer, prepared: Prepared) -> None:
        def told(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                self._failures += 1
                if len(self._failed) < FAILURES_TOLD_MAX:
                    self._failed.append(f"{prepared}: {error.str()}")

        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                producer.produce(
                    prepared.topic,
                    prepared.value,
                    prepared.key,
                    on_delivery=told,
                    headers=list(prepared.headers),
                )
            except BufferError:
                if time.monotonic() > deadline:
                    raise self._unavailable(f"{prepared}: the queue stays full") from None
                producer.poll(0.1)  # The queue is full: let it drain, then go on.
            except KafkaException as error:
                raise refused_by_kafka(prepared, error.args[0].str()) from error
            else:
                producer.poll(0)
                return

    def flush(self) -> None:
        """Wait until everything is acknowledged; UnavailableError names what was not."""
        if self._producer is None:
            return
        left = self._producer.flush(self._timeout_s + 1)
        failures, failed = self._failures + left, self._failed
        self._failures, self._failed = 0, []
        if left:
            failed = [*failed, f"{left} were still waiting"]
        if failures:
            raise self._unavailable(f"{failures} events were not acknowledged: {'; '.join(failed)}")

    def close(self) -> None:
        """Flush. The client cannot be used afterwards."""
        try:
            self.flush()
        finally:
            self._producer = None

    def _unavailable(self, what: str) -> UnavailableError:
        return UnavailableError(
            what,
            where=f"Kafka at {self._bootstrap}",
            remedy="Check the broker, the prefix, and that `stockfold topics list` shows the "
            "topics; then send the events again under the same ids: repeats change nothing.",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
            return
        try:
            self.close()
        except StockfoldError as failed:
            assert error is not None
            error.add_note(f"and: {failed}")


def refused_by_kafka(prepared: Prepared, why: str) -> ContractError:
    """An event that the client library itself does not take."""
    return ContractError(
        "too_large",
        f"{prepared} was not taken: {why}",
        where=prepared.topic,
        remedy="Send less in one event.",
    )
