"""What others in a partition wait for while one SKU takes half the traffic, or a huge order comes.

``python -m infra.bench.skew``: the time from an event's sending to its committed fact, of SKUs that
share the partition of the busy one. Stretches at one rate: even traffic; half of it for one SKU,
which sells out, has thousands of open reservations, and lets them expire; and that with 5,000 lines
that all are in this partition, sent at once: as the reservations of one order, then as documents to
the orders service, ten of the largest that it takes, which may be reserved in part; and one that is
reserved as a whole, SKU by SKU. There the time from an order's telling to its confirmation counts
too, of small orders that share the large ones' partition. Tables, and build/skew.json.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import NamedTuple

import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.journal import JournalReader
from infra.bench.skew_orders import LARGE, WHOLE, Orders
from infra.bench.spent import cpu_s
from infra.bench.workload import CHANNELS, LOCATIONS, SOURCE, Event
from rich.console import Console
from rich.table import Table

from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import INPUT_OF
from stockfold.orders.reading import LINES_MAX
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
SLICE_S = 0.005
ORDERS_S = 20
"""Small orders a second."""
Row = dict[str, float | str]


class Traffic:
    """Makes events, sends them evenly, and knows when each was sent. Wall-clock seconds."""

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

    def stretch(
        self, rate_s: int, seconds: float, *, hot: bool, beside: Callable[[int], None]
    ) -> dict[str, float]:
        """Send for so long; when each event of a SKU beside the busy one was sent.

        ``beside`` is called before each event, with its number.
        """
        watched: dict[str, float] = {}
        began = time.monotonic()
        for number in range(int(rate_s * seconds)):
            ahead_s = began + number / rate_s - time.monotonic()
            if ahead_s > SLICE_S:
                self._producer.poll(0)
                time.sleep(ahead_s)
            beside(number)
            busy = hot and number % 2 == 0
            sku = HOT if busy else self._dice.choice(self.skus)
            event_id = self._send(self._ask(sku, hold=busy))
            if not busy and self._shares(sku):
                watched[event_id] = self.sent_s[event_id]
        self._producer.flush(120)
        return watched

    def order(self) -> None:
        """The reservations of one huge order, at once."""
        for line in self._order():
            self._send(line)

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
        self.sent_s[event_id] = time.time()
        while True:
            try:
                self._producer.produce(
                    event.topic.full_name(self._prefix),
                    event.value,
                    event.key,
                    headers=list(event.headers),
                )
            except BufferError:
                self._producer.poll(0.05)
            else:
                return event_id


class Bench(NamedTuple):
    """What the stretches share."""

    traffic: Traffic
    seen: JournalReader
    ledger: psutil.Process
    rate_s: int
    seconds: float
    console: Console

    def stretch(self, name: str, *, hot: bool, beside: Callable[[int], None]) -> Row:
        """Measure one: milliseconds from sending to the committed fact, of the busy one's others.

        CPU is the ledger's, for each event of this traffic.
        """
        traffic = self.traffic
        before, count = cpu_s(self.ledger), len(traffic.sent_s)
        watched = traffic.stretch(self.rate_s, self.seconds, hot=hot, beside=beside)
        seen_s = self.seen.wait_for(traffic.sent_s)
        took_ms = sorted((seen_s[e] - at_s) * 1e3 for e, at_s in watched.items())
        spent = cpu_s(self.ledger) - before
        cpu_us = round(spent / (len(traffic.sent_s) - count) * 1e6, 1)
        row: Row = {"traffic": name, **_summary(took_ms), "ledger_cpu_us_per_event": cpu_us}
        self.console.print(row, highlight=False)
        return row


def _summary(took_ms: Sequence[float]) -> dict[str, float]:
    """Of what is sorted."""
    return {
        "others": len(took_ms),
        "p50_ms": round(took_ms[len(took_ms) // 2], 1),
        "p99_ms": round(took_ms[int(len(took_ms) * 0.99)], 1),
        "most_ms": round(took_ms[-1], 1),
    }


def _nothing(_number: int) -> None:
    pass


def run(console: Console, rate_s: int, seconds: float) -> dict[str, list[Row]]:
    """All stretches, one after the other on one ledger: events of others, and orders of others."""
    with new_broker() as broker, ExitStack() as stack:
        settings = broker.as_installed("skew.")
        ensure_topics(settings)
        traffic = Traffic(settings)
        seen = stack.enter_context(closing(JournalReader(settings)))
        ledger = stack.enter_context(process(settings, "ledger", STOCKFOLD_LOG_LEVEL="WARNING"))
        traffic.stock()
        traffic.stretch(rate_s, WARM_S, hot=False, beside=_nothing)
        seen.wait_for(traffic.sent_s)
        bench = Bench(traffic, seen, ledger, rate_s, seconds, console)
        at = int(rate_s * seconds) // 3

        def lines(number: int) -> None:
            if number == at:
                traffic.order()

        events = [
            bench.stretch("even", hot=False, beside=_nothing),
            bench.stretch("one SKU at 50 %", hot=True, beside=_nothing),
            bench.stretch("and an order of 5,000 lines", hot=True, beside=lines),
        ]
        orders = stack.enter_context(closing(Orders(settings, traffic.beside)))
        stack.enter_context(process(settings, "orders", STOCKFOLD_LOG_LEVEL="WARNING"))
        orders.wait(dict([orders.tell()]))
        confirmed = []
        for name, large in (
            ("small orders", dict),
            (f"and {LARGE} of {LINES_MAX} lines", orders.tell_large),
            (f"and one of {WHOLE} lines, whole", orders.tell_whole),
        ):
            row, of_orders = _with_orders(bench, orders, name, at, large)
            events.append(row)
            confirmed.append(of_orders)
        return {"events": events, "orders": confirmed}


def _with_orders(
    bench: Bench, orders: Orders, name: str, at: int, tell_large: Callable[[], dict[str, float]]
) -> tuple[Row, Row]:
    """One stretch with small orders, and large ones that are told before its event ``at``."""
    small: dict[str, float] = {}
    large: dict[str, float] = {}

    def tell(number: int) -> None:
        if number == at:
            large.update(tell_large())
        if number % (bench.rate_s // ORDERS_S) == 0:
            small.update([orders.tell()])

    events = bench.stretch(f"one SKU at 50 %, {name}", hot=True, beside=tell)
    row: Row = {"traffic": name, **_summary(orders.wait(small))}
    row["large_confirmed_ms"] = round(orders.wait(large)[-1]) if large else 0
    bench.console.print(row, highlight=False)
    return events, row


def main() -> None:
    """Measure; a table, and build/skew.json."""
    parser = argparse.ArgumentParser(prog="bench.skew", description=__doc__)
    parser.add_argument("--rate", type=int, default=RATE_S, help="events a second")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each stretch")
    parser.add_argument("--out", type=Path, default=Path("build/skew.json"))
    options = parser.parse_args()
    console = Console()
    found = run(console, options.rate, options.seconds)
    for whose, rows in found.items():
        table = Table(title=f"{whose} of others in the partition, {options.rate:,} events/s")
        for column in rows[0]:
            table.add_column(column.replace("_", " "), justify="right")
        for row in rows:
            shown = (f"{one:,}" if not isinstance(one, str) else one for one in row.values())
            table.add_row(*shown)
        console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
