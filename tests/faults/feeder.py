"""Sends the workload, in waves or as a steady stream, and knows what the broker has taken."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from confluent_kafka import Producer

from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings
from tests.faults.workload import Event, Workload

WAVE_EVENTS = 20
FLUSH_S_MAX = 120.0


class Feeder:
    """A producer of the workload's events. One thread sends at a time."""

    def __init__(self, settings: Settings, workload: Workload) -> None:
        self._workload = workload
        self._prefix = settings.prefix
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "delivery.timeout.ms": 240_000,
                "log_level": 2,
            }
        )
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._refused: list[Event] = []
        self._failed: list[str] = []
        self._abandoned = False
        self.ends: dict[tuple[str, int], int] = {}
        """(topic without prefix, partition) → the offset after the last event taken."""
        self.acknowledged: dict[tuple[str, int, int], str] = {}
        """(topic, partition, offset) → event id, of everything the broker took."""

    def send(self, events: Iterable[Event]) -> None:
        """Send, and return when the broker has acknowledged all of it."""
        waiting = list(events)
        while waiting:
            self._refused = []
            for event in waiting:
                self._producer.produce(
                    event.topic.full_name(self._prefix),
                    event.value,
                    event.key,
                    partition=event.partition,
                    headers=list(event.headers),
                    on_delivery=self._taken(event),
                )
            left = self._flush()
            if left:
                raise RuntimeError(f"{left} events were not acknowledged")
            # As any producer does: what the broker did not take is sent again, under the same id.
            waiting = self._refused
            if waiting:
                time.sleep(0.5)

    def _flush(self) -> int:
        """How many events are not acknowledged when time is up, or nobody waits for them."""
        deadline = time.monotonic() + FLUSH_S_MAX
        while left := self._producer.flush(0.5):
            if self._abandoned or time.monotonic() > deadline:
                break
        return left

    def abandon(self) -> None:
        """Send no more, whatever has become of what was sent."""
        self._abandoned = True
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10)

    def _taken(self, event: Event) -> object:
        def on_delivery(error: object, message: object) -> None:
            if error is not None:
                self._refused.append(event)
                return
            topic, partition, offset = event.topic.name, event.partition, message.offset()
            self.ends[topic, partition] = max(self.ends.get((topic, partition), 0), offset + 1)
            self.acknowledged[topic, partition, offset] = event.event_id

        return on_delivery

    def first_wave(self) -> None:
        """Fill the shelves."""
        self.send(self._workload.first_wave(SYSTEM_CLOCK.now_us()))

    def wave(self, size: int = WAVE_EVENTS, *, poison: float = 0.03) -> None:
        """One wave, acknowledged."""
        self.send(self._workload.wave(size, SYSTEM_CLOCK.now_us(), poison=poison))

    def start(self, events_per_s: float = 120.0, *, poison: float = 0.03) -> None:
        """Send waves steadily on a thread until ``stop``."""
        self._stop.clear()

        def work() -> None:
            try:
                while not self._stop.is_set():
                    self.wave(poison=poison)
                    self._stop.wait(WAVE_EVENTS / events_per_s)
            except Exception as error:  # noqa: BLE001 - raised where the feeder is stopped
                self._failed.append(repr(error))

        self._thread = threading.Thread(target=work, name="feeder", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Send no more; everything sent is acknowledged when it returns."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FLUSH_S_MAX + 10)
            self._thread = None
            if self._failed:
                raise RuntimeError(f"events were not acknowledged: {self._failed[:3]}")

    def feed_for(self, seconds: float, events_per_s: float = 120.0) -> None:
        """A steady stream for so long."""
        self.start(events_per_s)
        time.sleep(seconds)
        self.stop()
