"""A promotion: five times the usual orders for a minute, with the ERP away for that minute.

``python -m infra.bench.promotion`` runs it alone, on an embedded broker of its own, with the real
ledger, orders and ERP services as processes of their own. RuntimeError when an order is missing in
the ERP, is there with another content, or when the ledger holds other units than were ordered.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import Figures, process, show, stock
from infra.bench.results import RESULTS, keep
from rich.console import Console

from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ORDER_STATUS, ORDERS, POSITIONS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings

USUAL_PER_S, TIMES, SECONDS, WARM_S = 10, 5, 60, 10
SKUS = 500
DRAIN_S_MAX = 300.0
CHANNEL = "woo-de"


class Erp(ThreadingHTTPServer):
    """Keeps the newest version of each order, and how often it was made; or it is away."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.orders: dict[str, dict[str, Any]] = {}
        self.made: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.is_away = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Erp

    def do_GET(self) -> None:
        """Look for an order."""
        if self.server.is_away:
            self._answer({}, 503)
            return
        asked = parse_qs(urlsplit(self.path).query)["order"][0]
        known = self.server.orders.get(asked)
        found = [] if known is None else [{"id": asked, "version": known["version"]}]
        self._answer(found)

    def do_POST(self) -> None:
        """Make one."""
        self._keep(made=1)

    def do_PUT(self) -> None:
        """Replace one."""
        self._keep(made=0)

    def _keep(self, made: int) -> None:
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.orders[told["order"]] = told
            self.server.made[told["order"]] += made
        self._answer({})

    def _answer(self, told: object, status: int = 200) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing."""


@contextmanager
def erp(port: int) -> Iterator[Erp]:
    """An ERP that is there while the block runs."""
    server = Erp(port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class Shop:
    """Sells: every order has one to three lines, and is paid."""

    def __init__(self, settings: Settings, seed: int) -> None:
        self._settings = settings
        self._dice = random.Random(seed)
        self._producer = Producer({**confluent_config(settings), "linger.ms": 5})
        self._topic = ORDERS.full_name(settings.prefix)
        self.units: Counter[str] = Counter()
        self.sold = 0

    def sell(self, per_s: int, seconds: int) -> None:
        """So many orders a second, each when it is due."""
        began = time.monotonic()
        for number in range(per_s * seconds):
            time.sleep(max(began + number / per_s - time.monotonic(), 0))
            self._sell()
        self._producer.flush(30)

    def _sell(self) -> None:
        self.sold += 1
        order, now_us = str(self.sold), SYSTEM_CLOCK.now_us()
        wanted = self._dice.sample(range(SKUS), self._dice.choice((1, 1, 2, 3)))
        lines = []
        for line, number in enumerate(wanted, 1):
            sku, quantity = f"SKU-{number:04d}", self._dice.choice((1, 1, 1, 2))
            self.units[sku] += quantity
            lines.append({"line": str(line), "code": sku, "quantity": quantity})
        body = {
            "channel": CHANNEL,
            "order": order,
            "revision": 1,
            "occurred_at": now_us,
            "status": "processing",
            "accepted": True,
            "lines": lines,
        }
        name, key = "stockfold.OrderChanged", f"{CHANNEL}|{order}".encode()
        told = envelope.Envelope(f"o-{order}", "/bench/shop", name, now_us)
        self._producer.produce(
            self._topic,
            codec.encode(name, body),
            key,
            partition_of(key, self._settings.kafka.order_partitions),
            headers=[*envelope.build(told)],
        )
        self._producer.poll(0)


def decided(settings: Settings) -> Counter[str]:
    """How many orders stand where, by their newest status."""
    reader, newest = PartitionReader(settings), {}
    for partition in range(settings.kafka.order_partitions):
        for batch in reader.read(ORDER_STATUS, partition):
            for record in batch:
                told = codec.decode(record.value())[1]
                newest[told["order"]] = told["status"]
    return Counter(newest.values())


def claimed(settings: Settings) -> Counter[str]:
    """Units that the ledger holds for claims, by SKU."""
    reader, found = PartitionReader(settings), {}
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(POSITIONS, partition):
            for record in batch:
                schema, told = codec.decode(record.value())
                if schema.name == "stockfold.Position":
                    found[told["sku"]] = told["reserved"] + told["allocated"]
    return Counter({sku: units for sku, units in found.items() if units})


def measure(settings: Settings, per_s: int, seconds: int, console: Console) -> Figures:
    """Sell as usual, then ``TIMES`` as much while the ERP is away; how long until all is there."""
    stock(settings, {f"SKU-{number:04d}": 10**6 for number in range(SKUS)})
    port = ports.free_port()
    shop = Shop(settings, 7)
    with (
        process(settings, "ledger"),
        process(settings, "orders", STOCKFOLD_LOCATIONS='[{"name": "DC"}]'),
        process(
            settings,
            "erp",
            STOCKFOLD_ERP__KIND="http",
            STOCKFOLD_ERP__URL=f"http://127.0.0.1:{port}",
        ),
        erp(port) as sink,
    ):
        shop.sell(per_s, WARM_S)
        _until(lambda: len(sink.orders) == shop.sold)
        usual, sink.is_away = shop.sold, True
        shop.sell(per_s * TIMES, seconds)
        waiting = shop.sold - decided(settings)["confirmed"]
        missing = shop.sold - len(sink.orders)
        console.print(f"{missing} orders wait for the ERP, {waiting} of them for the ledger")
        came_back, sink.is_away = time.monotonic(), False
        _until(lambda: decided(settings)["confirmed"] == shop.sold)
        decided_s = time.monotonic() - came_back
        _until(lambda: len(sink.orders) == shop.sold)
        drained_s = time.monotonic() - came_back
        twice = [order for order, made in sink.made.items() if made > 1]
    if claimed(settings) != shop.units or twice:
        raise RuntimeError(f"the ledger holds other units than were ordered, or twice: {twice}")
    return {
        "usual_per_s": per_s,
        "promotion_per_s": per_s * TIMES,
        "orders": shop.sold - usual,
        "undecided_at_end": waiting,
        "not_in_erp_at_end": missing,
        "all_decided_s": round(decided_s, 1),
        "all_in_erp_s": round(drained_s, 1),
    }


def _until(done: Any) -> None:
    deadline = time.monotonic() + DRAIN_S_MAX
    while not done():
        if time.monotonic() > deadline:
            raise UnavailableError("the lag was not drained", remedy="Read the logs above.")
        time.sleep(0.5)


def run(console: Console, per_s: int = USUAL_PER_S, seconds: int = SECONDS) -> Figures:
    """The promotion, on a broker of its own."""
    with new_broker() as broker:
        settings = broker.as_installed("promotion.")
        ensure_topics(settings)
        told = measure(settings, per_s, seconds, console)
    show(console, "promotion, the ERP away", told)
    return told


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.promotion", description=__doc__)
    parser.add_argument("--usual", type=int, default=USUAL_PER_S, help="orders a second")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    told = run(Console(width=160), options.usual, options.seconds)
    keep(options.out, promotion=told)


if __name__ == "__main__":
    main()
