"""What others in a partition wait for while one SKU takes half the traffic, or a huge order comes.

``python -m infra.bench.skew``: the time from an event's sending to its committed fact, of SKUs that
share the partition of the busy one. Three stretches at one rate: even traffic; half of it for one
SKU, which sells out, has thousands of open reservations, and lets them expire; and that with one
order of 5,000 lines, all in this partition, sent at once. Table, and build/skew.json.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.workload import CHANNELS, LOCATIONS, SOURCE, Event
from rich.console import Console
from rich.table import Table

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import decode_entry
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import INPUT_OF, JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Fact
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.settings import Settings

RATE_S = 1_000
SECONDS = 20.0
"""Of each stretch."""
OTHERS = 2_000
LINES = 5_000
HOT = "HOT"
HOT_UNITS = 1_000
HOLD_S = 10
WARM_S = 10.0
"""Of which nothing counts: the ledger's estimate of its pace has to settle."""
SILENT_S_MAX = 120.0
SLICE_S = 0.005


class Seen:
    """When each event's fact was visible, by event id. Monotonic seconds."""

    def __init__(self, settings: Settings) -> None:
        self.at_s: dict[str, float] = {}
        self.heard_s = time.monotonic()
        self._end = threading.Event()
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": "bench.skew",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 5,
                "auto.offset.reset": "earliest",
            }
        )
        topic = JOURNAL.full_name(settings.environment.prefix)
        partitions = range(settings.kafka.sku_partitions)
        self._consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while not self._end.is_set():
            messages = self._consumer.consume(1_000, timeout=0.05)
            now_s = time.monotonic()
            for message in messages:
                if message.error() is None:
                    self.heard_s = now_s
                    entry = decode_entry(message.value())
                    if isinstance(entry, Fact):
                        self.at_s.setdefault(entry.cause.event_id, now_s)

    def close(self) -> None:
        """End."""
        self._end.set()
        self._thread.join()
        self._consumer.close()


class Traffic:
    """Makes events, sends them evenly, and knows when each was sent. Monotonic seconds."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.environment.prefix
        self._partitions = settings.kafka.sku_partitions
        self._home = partition_of(HOT.encode(), self._partitions)
        self._dice = random.Random(1)
        self.skus = [f"SKU-{number:05d}" for number in range(OTHERS)]
        self.beside = [sku for sku in self.skus if self._shares(sku)]
        """Those that share the busy SKU's partition."""
        self._number = 0
        self.sent_s: dict[str, float] = {}
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 2,
                "compression.type": "lz4",
            }
        )

    def _shares(self, sku: str) -> bool:
        return partition_of(sku.encode(), self._partitions) == self._home

    def stock(self) -> None:
        """What there is before anything is asked."""
        for sku in self.skus:
            self._send(self._receipt(sku, 100_000))
        self._send(self._receipt(HOT, HOT_UNITS))
        self._producer.flush(120)

    def stretch(self, rate_s: int, seconds: float, *, hot: bool, order: bool) -> dict[str, float]:
        """Send for so long; when each event of a SKU beside the busy one was sent."""
        watched: dict[str, float] = {}
        began = time.monotonic()
        for number in range(int(rate_s * seconds)):
            ahead_s = began + number / rate_s - time.monotonic()
            if ahead_s > SLICE_S:
                self._producer.poll(0)
                time.sleep(ahead_s)
            if order and number == int(rate_s * seconds) // 3:
                for line in self._order():
                    self._send(line)
            busy = hot and number % 2 == 0
            sku = HOT if busy else self._dice.choice(self.skus)
            event_id = self._send(self._ask(sku, hold=busy))
            if not busy and self._shares(sku):
                watched[event_id] = self.sent_s[event_id]
        self._producer.flush(120)
        return watched

    def _order(self) -> Iterator[Event]:
        for line in range(LINES):
            yield self._ask(self.beside[line % len(self.beside)], order="HUGE", line=str(line))

    def _ask(self, sku: str, *, hold: bool = False, order: str = "", line: str = "1") -> Event:
        name = f"{order or self._number}-{line}"
        body = {
            "sku": sku,
            "reservation": f"R-{name}",
            "order": order or f"O-{self._number}",
            "line": line,
            "channel": CHANNELS[self._number % len(CHANNELS)],
            "quantity": 1,
            "locations": LOCATIONS[:2],
            "allow_backorder": hold,
        }
        if hold:
            body["expires_at"] = SYSTEM_CLOCK.now_us() + HOLD_S * 1_000_000
        return self._event("ReserveStock", body)

    def _receipt(self, sku: str, units: int) -> Event:
        body = {"sku": sku, "location": "L0", "quantity": units, "condition": "on_hand"}
        return self._event("GoodsReceived", body)

    def _event(self, kind: str, body: dict[str, object]) -> Event:
        self._number += 1
        name, key = f"stockfold.{kind}", str(body["sku"]).encode()
        about = envelope.Envelope(f"e-{self._number}", SOURCE, name, SYSTEM_CLOCK.now_us())
        return Event(INPUT_OF[name], key, codec.encode(name, body), envelope.build(about))

    def _send(self, event: Event) -> str:
        event_id = f"e-{self._number}"
        self.sent_s[event_id] = time.monotonic()
        while True:
            try:
                self._producer.produce(
                    event.topic.full_name(self._prefix),
                    event.value,
                    event.key,
                    headers=event.headers,
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                return event_id


def _await(seen: Seen, ids: Sequence[str] | dict[str, float]) -> None:
    """Until all have a fact. UnavailableError when the ledger is silent."""
    while missing := sum(event_id not in seen.at_s for event_id in ids):
        if time.monotonic() - seen.heard_s > SILENT_S_MAX:
            raise UnavailableError(f"{missing} events have no fact", remedy="Read the log above.")
        time.sleep(0.1)


def run(console: Console, rate_s: int, seconds: float) -> list[dict[str, float | str]]:
    """The three stretches, one after the other on one ledger."""
    rows: list[dict[str, float | str]] = []
    with new_broker() as broker:
        settings = broker.as_installed("skew.")
        ensure_topics(settings)
        traffic, seen = Traffic(settings), Seen(settings)
        try:
            with process(settings, "ledger", STOCKFOLD_LOG_LEVEL="WARNING") as ledger:
                traffic.stock()
                traffic.stretch(rate_s, WARM_S, hot=False, order=False)
                _await(seen, traffic.sent_s)
                for name, hot, order in (
                    ("even", False, False),
                    ("one SKU at 50 %", True, False),
                    ("and an order of 5,000 lines", True, True),
                ):
                    before = sum(ledger.cpu_times()[:2])
                    count = len(traffic.sent_s)
                    watched = traffic.stretch(rate_s, seconds, hot=hot, order=order)
                    _await(seen, traffic.sent_s)
                    took_ms = sorted((seen.at_s[e] - at_s) * 1e3 for e, at_s in watched.items())
                    spent = sum(ledger.cpu_times()[:2]) - before
                    rows.append(
                        {
                            "traffic": name,
                            "events_of_others": len(took_ms),
                            "p50_ms": round(took_ms[len(took_ms) // 2], 1),
                            "p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 1),
                            "most_ms": round(took_ms[-1], 1),
                            "cpu_us_per_event": round(
                                spent / (len(traffic.sent_s) - count) * 1e6, 1
                            ),
                        }
                    )
                    console.print(rows[-1], highlight=False)
        finally:
            seen.close()
    return rows


def main() -> None:
    """Measure; a table, and build/skew.json."""
    parser = argparse.ArgumentParser(prog="bench.skew", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_S, help="events a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each stretch")
    parser.add_argument("--out", type=Path, default=Path("build/skew.json"))
    options = parser.parse_args()
    console = Console()
    rows = run(console, options.rate, options.seconds)
    table = Table(title=f"Others in the partition, {options.rate:,} events/s")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(
            *(f"{value:,}" if not isinstance(value, str) else value for value in row.values())
        )
    console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
