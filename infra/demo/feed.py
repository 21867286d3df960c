"""Sending the told events as an ERP would: through Kafka, in Avro, with CloudEvents headers.

The ledger orders a partition's inputs by the broker's clock, in milliseconds. A step that depends
on the one before is sent only after that has been acknowledged, and a moment later, so that the
order is the same on every run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import polars as pl
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from infra.demo.messages import Messages

from stockfold.contracts.topics import INPUTS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

STEP_GAP_S = 0.025
"""Between steps. One millisecond would do for the order; the rest is for a broker under load."""
SILENT_S_MAX = 60.0
CHUNK = 1_000

Headers = list[tuple[str, str | bytes | None]]
Sent = Callable[[int], None]
StepDone = Callable[[int, int], None]


@dataclass(slots=True)
class Pace:
    """How much was sent, and how long the sending itself took, without the gaps."""

    events: int = 0
    seconds: float = 0.0
    steps: int = 0

    @property
    def per_second(self) -> int:
        """Events per second."""
        return round(self.events / self.seconds) if self.seconds else 0


@dataclass(slots=True)
class Feed:
    """A producer and what it has done.

    ``check_alive`` is called now and then, and raises when there is nobody left to feed.
    """

    settings: Settings
    check_alive: Callable[[], None]
    pace: Pace = field(default_factory=Pace)
    _refused: str = ""

    def run(
        self,
        steps: Iterable[tuple[int, int, pl.DataFrame]],
        sent: Sent,
        step_done: StepDone,
    ) -> Pace:
        """Send every step; ``sent`` is told of events, ``step_done`` when a step is acknowledged.

        UnavailableError when the broker refuses an event, or is silent for a minute.
        """
        producer = Producer(
            {
                **confluent_config(self.settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 5,
                "batch.size": 256 * 1024,
                "queue.buffering.max.messages": 200_000,
                "delivery.report.only.error": True,
                "on_delivery": self._delivered,
                "log_level": 0,
            }
        )
        try:
            for wave, step, events in steps:
                began = time.perf_counter()
                self._send(producer, events, sent)
                self._flush(producer)
                self.pace.seconds += time.perf_counter() - began
                self.pace.events += events.height
                self.pace.steps += 1
                step_done(wave, step)
                time.sleep(STEP_GAP_S)
        finally:
            producer.purge()
        return self.pace

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._refused = f"{message.topic()}: {error.str()}"

    def _send(self, producer: Producer, events: pl.DataFrame, sent: Sent) -> None:
        messages = Messages()
        names = {topic.name: topic.full_name(self.settings.prefix) for topic in INPUTS}
        waiting = 0
        for row in events.iter_rows():
            message = messages.of(row)
            name = names[message.topic.name]
            headers: Headers = [*message.headers]
            deadline = time.monotonic() + SILENT_S_MAX
            while True:
                try:
                    producer.produce(name, message.value, message.key, headers=headers)
                except BufferError:
                    producer.poll(0.05)
                    self._check(deadline)
                else:
                    break
            waiting += 1
            if waiting == CHUNK:
                producer.poll(0)
                self._check(deadline)
                sent(waiting)
                waiting = 0
        sent(waiting)

    def _flush(self, producer: Producer) -> None:
        left = len(producer)
        deadline = time.monotonic() + SILENT_S_MAX
        while left:
            try:
                now_left = producer.flush(1.0)
            except KafkaException as error:
                raise self._unavailable(str(error)) from error
            if now_left < left:
                deadline = time.monotonic() + SILENT_S_MAX
            left = now_left
            self._check(deadline)

    def _check(self, deadline: float) -> None:
        self.check_alive()
        if self._refused:
            raise self._unavailable(f"an event was refused: {self._refused}")
        if time.monotonic() > deadline:
            raise self._unavailable(f"nothing was acknowledged for {SILENT_S_MAX:.0f} s")

    def _unavailable(self, what: str) -> UnavailableError:
        return UnavailableError(
            f"the feed stopped: {what}",
            where=f"Kafka at {self.settings.kafka.bootstrap}",
            remedy="Start again: what was sent already is known, and goes on from there.",
        )
