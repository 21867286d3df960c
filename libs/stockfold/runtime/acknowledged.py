"""A producer for asyncio whose ``send`` returns when Kafka has the record on every replica in sync.

confluent-kafka, because librdkafka times out what it holds by itself and forgets it, so that what
waits for a broker that is away stays bounded in bytes and in time; its partitioner is set to
murmur2, and its sends are idempotent. Not every failure means that the record was not written:
the answer may have been lost. Send it again under the same event id; a repeat changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from stockfold.domain.errors import ContractError, UnavailableError
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.records import sending
from stockfold.runtime.telemetry.tracing import OFF, Traces

log = logging.getLogger(__name__)

ANSWER_S_MAX = 0.9
"""A send is answered within so many seconds, one way or the other."""
KEPT_MS_MAX = 800
"""What Kafka has not taken by then is forgotten by the client, so that it is never sent late."""
BYTES_MAX = 32 * 1024 * 1024
POLL_S = 0.05
FLUSH_S_MAX = 2.0
_OVERHEAD_BYTES = 512
_REFUSED = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.INVALID_MSG, KafkaError.INVALID_RECORD)

Headers = Sequence[tuple[str, bytes]]
_Told = tuple["asyncio.Future[None]", int, KafkaError | None, Producer]


class AcknowledgedProducer:
    """Sends records; an asynchronous context. ``bytes_max`` bounds what is under way at once.

    Of the event loop it was entered in alone. Events get a span of ``traces``, and its context.
    """

    def __init__(
        self, settings: Settings, *, bytes_max: int = BYTES_MAX, traces: Traces = OFF
    ) -> None:
        self._traces = traces
        self._bytes_max = bytes_max
        self._bytes = 0
        self._where = f"Kafka at {settings.kafka.bootstrap}"
        self._config: dict[str, Any] = {
            "compression.type": "lz4",
            "linger.ms": 2,
            **confluent_config(settings),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "delivery.timeout.ms": KEPT_MS_MAX,
            "queue.buffering.max.kbytes": max(2 * bytes_max // 1024, 1),
            "reconnect.backoff.max.ms": 500,
            "error_cb": self._note,
            "log_level": 0,
        }
        self._producer: Producer | None = None
        self._told: deque[_Told] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, topic: str, key: bytes, value: bytes | None, headers: Headers) -> None:
        """Send a record to the topic of this name on the broker, and wait for its acknowledgement.

        Without a value it is the tombstone of its key.
        UnavailableError within a second when it does not come, and at once when too much is under
        way already. ContractError ``too_large`` when Kafka will never take it.
        """
        if not self._traces.on:
            await self._send(topic, key, value, headers)
            return
        span, headers = sending(self._traces, topic, headers)
        with span:
            await self._send(topic, key, value, headers)

    async def _send(self, topic: str, key: bytes, value: bytes | None, headers: Headers) -> None:
        producer = self._producer
        assert producer is not None, "the producer was not entered"
        size = len(key) + len(value or b"") + _OVERHEAD_BYTES
        if self._bytes + size > self._bytes_max:
            raise self._unavailable(f"{self._bytes} bytes wait for Kafka already")
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def told(error: KafkaError | None, _: Message) -> None:
            self._told.append((future, size, error, producer))

        try:
            producer.produce(topic, value, key, on_delivery=told, headers=list(headers))
        except BufferError:
            raise self._unavailable("the client's queue is full") from None
        except KafkaException as error:
            raise self._failed(error.args[0], topic) from None
        self._bytes += size
        try:
            await asyncio.wait_for(future, ANSWER_S_MAX)
        except TimeoutError:
            raise self._unavailable("it was not acknowledged in time") from None
        except KafkaException as error:
            raise self._failed(error.args[0], topic) from None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config)
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, name="acknowledgements", daemon=True)
        self._thread.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._producer is not None
        assert self._thread is not None
        await asyncio.to_thread(self._producer.flush, FLUSH_S_MAX)
        self._stop.set()
        await asyncio.to_thread(self._thread.join)
        self._settle()
        self._producer = None

    def _poll(self) -> None:
        """In a thread: librdkafka's answers come only to whoever polls for them."""
        assert self._loop is not None
        while not self._stop.is_set():
            producer = self._producer
            if producer is not None:
                producer.poll(POLL_S)
            if self._told:
                try:
                    self._loop.call_soon_threadsafe(self._settle)
                except RuntimeError:  # The loop has ended, and with it whoever waited.
                    return

    def _settle(self) -> None:
        """Answer everyone whose record was acknowledged or given up."""
        while self._told:
            future, size, error, producer = self._told.popleft()
            self._bytes -= size
            if error is not None and error.fatal() and producer is self._producer:
                # It sends nothing more: a fresh one is the safe answer.
                log.warning("the producer failed for good and is replaced: %s", error)
                self._producer = Producer(self._config)
            if future.done():
                continue
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(KafkaException(error))

    def _note(self, error: KafkaError) -> None:
        log.debug("kafka: %s", error)

    def _failed(self, error: KafkaError, topic: str) -> UnavailableError | ContractError:
        if error.code() in _REFUSED:
            return ContractError(
                "too_large",
                f"Kafka does not take the event: {error.str()}",
                where=topic,
                remedy="Send less in one event.",
            )
        return self._unavailable(f"{topic}: {error.str()}")

    def _unavailable(self, why: str) -> UnavailableError:
        return UnavailableError(
            f"Kafka has not acknowledged the event: {why}",
            where=self._where,
            remedy="Send it again, under the same id: a repeat changes nothing.",
        )
