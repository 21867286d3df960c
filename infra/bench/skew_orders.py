"""Orders for ``infra.bench.skew``: small ones, and the largest that are taken, of one partition."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import count

from confluent_kafka import Producer
from infra.bench.journal import CommittedReader
from infra.bench.workload import LOCATIONS

from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import ORDER_STATUS, ORDERS, REFERENCE
from stockfold.domain.errors import UnavailableError
from stockfold.domain.reference import Location, key_of
from stockfold.orders.reading import LINES_MAX
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

CHANNEL = "bench"
LARGE = 10
"""Of the most lines that an order may have, at once."""
WHOLE = 100
"""Lines of the order that is reserved as a whole."""
WAIT_S_MAX = 120.0


class Orders:
    """Tells orders as the gateway does, and knows when each was told and confirmed.

    All of them have their home in one partition of the orders service. Wall-clock seconds.
    """

    def __init__(self, settings: Settings, skus: Sequence[str]) -> None:
        """``skus`` are what is ordered, each in turn."""
        self._settings = settings
        self._skus = skus
        self._names = self._at_home()
        self._statuses = CommittedReader(settings, ORDER_STATUS)
        self._confirmed_s: dict[str, float] = {}
        self.lines = 0
        """Told so far."""
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 2,
            }
        )
        for place in LOCATIONS[:2]:
            told = Location(place, 1)
            topic = REFERENCE.full_name(settings.prefix)
            self._producer.produce(topic, encode_record(told), key_of(told).encode())
        self._producer.flush(30)

    def _at_home(self) -> Iterator[str]:
        partitions = self._settings.kafka.order_partitions
        for number in count():
            name = f"N-{number}"
            if partition_of(f"{CHANNEL}|{name}".encode(), partitions) == 0:
                yield name

    def tell(self, lines: int = 1, *, whole: bool = True) -> tuple[str, float]:
        """A new order, and when it was told. ``whole``: reserved as a whole or not at all.

        Such an order asks for one SKU after the other, any other for all of its lines at once.
        """
        name, now_us = next(self._names), SYSTEM_CLOCK.now_us()
        body = {
            "channel": CHANNEL,
            "order": name,
            "revision": 1,
            "occurred_at": now_us,
            "status": "processing",
            "accepted": True,
            "terms": {"allow_partial": not whole, "allow_backorder": False, "priority": 0},
            "lines": [
                {
                    "line": str(line),
                    "code": self._skus[(self.lines + line) % len(self._skus)],
                    "quantity": 1,
                }
                for line in range(lines)
            ],
        }
        self.lines += lines
        kind = "stockfold.OrderChanged"
        about = envelope.build(envelope.Envelope(f"o-{name}", f"/{CHANNEL}", kind, now_us))
        topic, key = ORDERS.full_name(self._settings.prefix), f"{CHANNEL}|{name}".encode()
        self._producer.produce(topic, codec.encode(kind, body), key, headers=list(about))
        self._producer.poll(0)
        return name, time.time()

    def tell_large(self) -> dict[str, float]:
        """As many lines as one huge order would have, in orders of the size that is taken."""
        return dict(self.tell(LINES_MAX, whole=False) for _ in range(LARGE))

    def tell_whole(self) -> dict[str, float]:
        """One that asks for one SKU after the other."""
        return dict([self.tell(WHOLE)])

    def wait(self, told: dict[str, float]) -> list[float]:
        """Milliseconds from telling to confirming, rising. UnavailableError after two minutes."""
        self._producer.flush(30)
        deadline = time.monotonic() + WAIT_S_MAX
        while missing := len(told.keys() - self._confirmed().keys()):
            if time.monotonic() > deadline:
                raise UnavailableError(
                    f"{missing} of {len(told)} orders are not confirmed",
                    remedy="Read the orders service's log above.",
                )
            time.sleep(0.1)
        return sorted((self._confirmed_s[name] - at_s) * 1_000 for name, at_s in told.items())

    def _confirmed(self) -> dict[str, float]:
        for seen in self._statuses.news():
            body = codec.decode(seen.value)[1]
            if body["status"] == "confirmed":
                self._confirmed_s.setdefault(body["order"], seen.at_s)
        return self._confirmed_s

    def close(self) -> None:
        """Leave the broker."""
        self._statuses.close()
