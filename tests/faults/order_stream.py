"""A stream of orders, and what must come of each: worked out here, from what was told alone."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from confluent_kafka import Producer

from stockfold.contracts import envelope
from stockfold.contracts.codec import encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ORDERS
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config
from stockfold.runtime.settings import Settings

CHANNEL, LOCATION = "stream", "BERLIN"
PLENTY = ("O-A", "O-B", "O-C")
PLENTY_UNITS = 100_000
SCARCE, SCARCE_UNITS = "O-LAST", 25
PACE_S = 0.08
FLUSH_S_MAX = 120.0

Lines = dict[str, tuple[str, int]]
"""Line → (SKU, units)."""


@dataclass
class Wanted:
    """One order as it was told last. A scarce one may be served or refused, and nothing else."""

    end: str
    lines: Lines
    is_scarce: bool = False

    @property
    def statuses(self) -> frozenset[str]:
        """Where it must stand at the end."""
        if self.is_scarce:
            return frozenset({"confirmed", "rejected"})
        stands = {"processing": "confirmed", "completed": "fulfilled", "cancelled": "released"}
        return frozenset({stands[self.end]})


@dataclass
class OrderStream:
    """Tells orders on a thread until ``stop``: some again, some out of order, some edited."""

    settings: Settings
    seed: int
    wanted: dict[str, Wanted] = field(default_factory=dict)
    events: int = 0
    _failed: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)
        self._producer = Producer(
            {
                **confluent_config(self.settings),
                "acks": "all",
                "enable.idempotence": True,
                "delivery.timeout.ms": 240_000,
            }
        )
        self._thread = threading.Thread(target=self._work, name="orders", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Tell no more; the broker has everything when it returns. RuntimeError otherwise."""
        self._stop.set()
        self._thread.join(FLUSH_S_MAX)
        left = self._producer.flush(FLUSH_S_MAX)
        if self._failed or left:
            raise RuntimeError(f"orders were not acknowledged: {left}, {self._failed[:3]}")

    def is_sold_out(self) -> bool:
        """Whether more buyers have asked for the last units than there are."""
        buyers = sum(wanted.is_scarce for wanted in list(self.wanted.values()))
        return buyers > SCARCE_UNITS

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._one(str(len(self.wanted) + 1))
                self._stop.wait(PACE_S)
        except Exception as error:  # noqa: BLE001 - raised where the stream is stopped
            self._failed.append(repr(error))

    def _one(self, order: str) -> None:
        random = self._random
        if random.random() < 0.3:
            lines: Lines = {"1": (SCARCE, 1)}
            self.wanted[order] = Wanted("processing", lines, is_scarce=True)
            for _ in range(random.choice((1, 1, 2))):
                self._tell(order, 1, "processing", lines)
            return
        skus = random.sample(PLENTY, random.randint(1, 3))
        lines = {str(n): (sku, random.randint(1, 4)) for n, sku in enumerate(skus, 1)}
        end = random.choice(("processing", "completed", "cancelled"))
        tellings = [(1, "pending", lines), (2, "processing", lines)]
        if random.random() < 0.3:
            sku, units = lines["1"]
            lines = {**lines, "1": (sku, max(units + random.choice((-1, 1)), 1))}
            tellings.append((3, "processing", lines))
        tellings.append((4, end, lines))
        self.wanted[order] = Wanted(end, lines)
        late = random.choice(tellings[:-1])
        for revision, status, told in (*tellings, random.choice((tellings[-1], late))):
            self._tell(order, revision, status, told)
            if random.random() < 0.2:
                time.sleep(random.uniform(0, 0.3))

    def _tell(self, order: str, revision: int, status: str, lines: Lines) -> None:
        self.events += 1
        now_us = SYSTEM_CLOCK.now_us()
        body: dict[str, Any] = {
            "channel": CHANNEL,
            "order": order,
            "revision": revision,
            "occurred_at": now_us,
            "status": status,
            "accepted": False,
            "lines": [
                {"line": line, "code": sku, "quantity": units}
                for line, (sku, units) in lines.items()
            ],
        }
        key = f"{CHANNEL}|{order}".encode()
        name = "stockfold.OrderChanged"
        told = envelope.Envelope(f"s-{self.events}", f"/{CHANNEL}", name, now_us)
        self._producer.produce(
            ORDERS.full_name(self.settings.prefix),
            encode(name, body),
            key,
            partition_of(key, self.settings.kafka.order_partitions),
            headers=[*envelope.build(told)],
        )
        self._producer.poll(0)

    def units(self, statuses: dict[str, str], status: str) -> Counter[tuple[str, str]]:
        """(order, SKU) → units of the orders that stand so."""
        found: Counter[tuple[str, str]] = Counter()
        for order, wanted in self.wanted.items():
            if statuses.get(order) == status:
                for sku, units in wanted.lines.values():
                    found[f"{CHANNEL}/{order}", sku] += units
        return found
