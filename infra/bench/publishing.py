"""Publishing to a shop that spends 20 ms on an item written and 2 ms on one read, with two workers.

``python -m infra.bench.publishing`` runs it alone, on an embedded broker of its own, with the real
services as processes of their own. Three questions: how much longer than the shop itself needs for
the writes does it take until 20,000 events over 5,000 SKUs are applied; what memory does a feed of
20,000 events a second take, which no shop can follow; how long is it from a stock event to the
write that the shop was seen to show, at 20 changes a second.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import Figures, process, show
from infra.bench.results import RESULTS, keep
from rich.console import Console
from tests.support.woo_shop.app import numbered

from stockfold.contracts import codec, envelope
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import ADJUSTMENTS, AVAILABILITY, DELIVERIES, RECEIPTS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded import ports
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.cli.policy import publish_policies

EVENTS, SKUS = 20_000, 5_000
FLOOD_PER_S, FLOOD_S, FLOOD_SKUS = 20_000, 30, 50_000
CHANGES_PER_S, CHANGES_S, CHANGED_SKUS = 20, 60, 500
WRITTEN_S, READ_S, WORKERS = 0.020, 0.002, 2
CHANNEL = "woo"
WAIT_S_MAX = 600.0
MIB = 1024 * 1024


class ShopProcess:
    """A shop as a process of its own; what it shows and did is asked over HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def stock(self) -> dict[str, int]:
        """Every SKU with its units."""
        return dict(self._client.get("/_shop/stock").json())

    def stats(self) -> dict[str, float]:
        """What it was asked to do."""
        return dict(self._client.get("/_shop/stats").json())

    def shows(self, wanted: Mapping[str, int]) -> bool:
        """Whether it shows all of this."""
        stock = self.stock()
        return all(stock[sku] == quantity for sku, quantity in wanted.items())


@contextmanager
def shop(skus: int) -> Iterator[ShopProcess]:
    """A shop with so many products, ready."""
    port = ports.free_port()
    told = {
        "port": port,
        "products": skus,
        "item-written-ms": WRITTEN_S * 1000,
        "item-read-ms": READ_S * 1000,
        "workers": WORKERS,
    }
    options = [f"--{name}={value}" for name, value in told.items()]
    child = subprocess.Popen(  # noqa: S603  (our own module)
        [sys.executable, "-m", "tests.support.woo_shop", *options], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    try:
        child.stdout.readline()
        yield ShopProcess(f"http://127.0.0.1:{port}")
    finally:
        child.terminate()
        child.wait(30)


def names(count: int) -> list[str]:
    """So many SKUs, as the shop names them."""
    return numbered(count, "SKU-")


def connection(server: ShopProcess) -> str:
    """The variable that configures the channel."""
    told = {
        "name": CHANNEL,
        "kind": "woocommerce",
        "url": server.url,
        "consumer_key": "ck_test",
        "consumer_secret": "cs_test",
        "publishing": {"mode": "live", "coverage": "reported"},
        "guards": {"zeros_percent": 0, "changes_percent": 0},
    }
    return json.dumps([told])


class Feed:
    """Writes availability as its service does: a version for each change."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer(
            {**confluent_config(settings), "linger.ms": 20, "queue.buffering.max.messages": 10**6}
        )
        self._topic = AVAILABILITY.full_name(settings.prefix)
        self._partitions = settings.kafka.sku_partitions
        self._encode = codec.encoder("stockfold.Availability")
        self._versions: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def change(self, sku: str, quantity: int) -> None:
        """Send the next version of a SKU."""
        self.send(self.made(sku, quantity))

    def send(self, record: tuple[int, bytes, bytes]) -> None:
        """Send what was ``made``."""
        partition, key, value = record
        self._producer.produce(self._topic, value, key, partition)
        self._producer.poll(0)

    def made(self, sku: str, quantity: int) -> tuple[int, bytes, bytes]:
        """The next version of a SKU, as partition, key and value."""
        version = self._versions[sku] = self._versions.get(sku, 0) + 1
        self.last[sku] = quantity
        now_us = SYSTEM_CLOCK.now_us()
        body = {
            "channel": CHANNEL,
            "sku": sku,
            "quantity": quantity,
            "status": "in_stock" if quantity else "out_of_stock",
            "next_available": None,
            "lead_time_days": None,
            "locations": [],
            "version": version,
            "policy_revision": 1,
            "seq": version,
            "steps": [],
            "recorded_at": now_us,
            "correlation_id": f"bench-{version}",
            "caused_at": now_us,
        }
        partition = partition_of(sku.encode(), self._partitions)
        return partition, f"{CHANNEL}|{sku}".encode(), self._encode(body)

    def flush(self) -> None:
        """Until the broker has all."""
        self._producer.flush(60)


def catch_up(settings: Settings, events: int, skus: int) -> Figures:
    """Events over SKUs, as fast as they can be written; how long until the shop shows the last."""
    dice, every, feed = random.Random(3), names(skus), Feed(settings)
    with (
        shop(skus) as server,
        process(settings, "publisher", STOCKFOLD_CHANNELS=connection(server)),
    ):
        _until_serving(server, feed, every[0])
        before = server.stats()
        began = time.monotonic()
        for number in range(events):
            feed.change(every[number % skus], dice.randint(1, 99))
        feed.flush()
        _until(lambda: server.shows(feed.last))
        took_s = time.monotonic() - began
        after = server.stats()
    written = round(after["items_written"] - before["items_written"])
    needed_s = (after["writing_s"] - before["writing_s"]) / WORKERS
    return {
        "events": events,
        "skus": skus,
        "items_written": written,
        "applied_s": round(took_s, 1),
        "shop_needs_s": round(written * WRITTEN_S / WORKERS, 1),
        "shop_wrote_s": round(needed_s, 1),
        "ratio": round(took_s / needed_s, 2),
        "batches": after["batches"] - before["batches"],
        "requests": after["requests"] - before["requests"],
    }


def flood(settings: Settings, per_s: int, seconds: int, skus: int) -> Figures:
    """More than any shop takes; the publisher's memory a third of the way, and at the end."""
    dice, every, feed = random.Random(5), names(skus), Feed(settings)
    first = feed.made(every[0], 777)
    # Made before, so that the feed keeps its pace on a busy machine.
    made = [
        [feed.made(every[dice.randrange(skus)], dice.randint(1, 99)) for _ in range(per_s)]
        for _ in range(seconds)
    ]
    with (
        shop(skus) as server,
        process(settings, "publisher", STOCKFOLD_CHANNELS=connection(server)) as publisher,
    ):
        feed.send(first)
        feed.flush()
        _until(lambda: server.shows({every[0]: 777}))
        sizes = [_mib(publisher)]
        began = time.monotonic()
        for second, some in enumerate(made):
            for record in some:
                feed.send(record)
            _sleep_until(began + second + 1)
            sizes.append(_mib(publisher))
        fed_s = time.monotonic() - began
        written = server.stats()["items_written"]
    feed.flush()
    return {
        "events": per_s * seconds,
        "per_s": round(per_s * seconds / fed_s),
        "skus": skus,
        "idle_mib": sizes[0],
        "at_a_third_mib": sizes[len(sizes) // 3],
        "at_the_end_mib": sizes[-1],
        "peak_mib": max(sizes),
        "items_written": written,
    }


def latency(settings: Settings, per_s: int, seconds: int, skus: int) -> Figures:
    """Stock events through ledger, availability and publisher: how long to the applied write."""
    dice, every = random.Random(7), names(skus)
    places = [{"name": "DC"}]
    with shop(skus) as server, ExitStack() as stack:
        channels = connection(server)
        told = {"STOCKFOLD_CHANNELS": channels, "STOCKFOLD_LOCATIONS": json.dumps(places)}
        for service in ("ledger", "availability", "publisher"):
            stack.enter_context(process(settings, service, **told))
        sections = {"channels": json.loads(channels), "locations": places}
        publish_policies(Settings(**{**settings.model_dump(), **sections}))
        stock = _Stock(settings)
        for sku in every:
            stock.receive(sku, 500)
        _until(lambda: server.shows(stock.units))
        since_us = SYSTEM_CLOCK.now_us()
        began = time.monotonic()
        for number in range(per_s * seconds):
            stock.adjust(every[dice.randrange(skus)], dice.choice((-2, -1, 1, 2)))
            _sleep_until(began + (number + 1) / per_s)
        _until(lambda: server.shows(stock.units))
        time.sleep(2)
    took = sorted(_took_ms(settings, since_us))
    return {
        "changes": per_s * seconds,
        "applied": len(took),
        "p50_ms": round(took[len(took) // 2]),
        "p90_ms": round(took[len(took) * 9 // 10]),
        "p99_ms": round(took[len(took) * 99 // 100]),
        "max_ms": round(took[-1]),
    }


class _Stock:
    """Goods received and adjusted, as events."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._producer = Producer({**confluent_config(settings), "linger.ms": 0})
        self._number = 0
        self.units: dict[str, int] = {}

    def receive(self, sku: str, quantity: int) -> None:
        """Goods come in."""
        self.units[sku] = quantity
        body = {"sku": sku, "location": "DC", "quantity": quantity, "condition": "on_hand"}
        self._send(RECEIPTS.full_name(self._settings.prefix), "GoodsReceived", body)

    def adjust(self, sku: str, delta: int) -> None:
        """Units appear or vanish."""
        self.units[sku] += delta
        body = {"sku": sku, "location": "DC", "delta": delta, "reason": "bench"}
        self._send(ADJUSTMENTS.full_name(self._settings.prefix), "StockAdjusted", body)

    def _send(self, topic: str, kind: str, body: dict[str, object]) -> None:
        self._number += 1
        name, key = f"stockfold.{kind}", str(body["sku"]).encode()
        told = envelope.Envelope(f"b-{self._number}", "/bench", name, SYSTEM_CLOCK.now_us())
        self._producer.produce(
            topic,
            codec.encode(name, body),
            key,
            partition_of(key, self._settings.kafka.sku_partitions),
            headers=[*envelope.build(told)],
        )
        self._producer.poll(0)


def _took_ms(settings: Settings, since_us: int) -> list[float]:
    reader, found = PartitionReader(settings), []
    for partition in range(settings.kafka.sku_partitions):
        for batch in reader.read(DELIVERIES, partition):
            for record in batch:
                told = codec.decode(record.value())[1]
                if told["caused_at"] >= since_us and told["took_us"] is not None:
                    found.append(told["took_us"] / 1000)
    return found


def _until_serving(server: ShopProcess, feed: Feed, sku: str) -> None:
    """Until a first change has gone all the way."""
    feed.change(sku, 777)
    feed.flush()
    _until(lambda: server.shows({sku: 777}))


def _mib(publisher: psutil.Process) -> int:
    return int(publisher.memory_info().rss / MIB)


def _sleep_until(moment_s: float) -> None:
    time.sleep(max(moment_s - time.monotonic(), 0))


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S_MAX
    while not done():
        if time.monotonic() > deadline:
            raise UnavailableError("the shop does not show it", remedy="Read the logs above.")
        time.sleep(0.2)


def run(console: Console, scale: float = 1.0, only: str = "") -> dict[str, Figures]:
    """All three, on a broker of their own."""
    parts: dict[str, Callable[[Settings], Figures]] = {
        "catch_up": lambda s: catch_up(s, int(EVENTS * scale), int(SKUS * scale)),
        "flood": lambda s: flood(s, FLOOD_PER_S, int(FLOOD_S * scale) or 1, FLOOD_SKUS),
        "latency": lambda s: latency(s, CHANGES_PER_S, int(CHANGES_S * scale) or 1, CHANGED_SKUS),
    }
    told = {}
    with new_broker() as broker:
        for name, part in parts.items():
            if only not in ("", name):
                continue
            settings = broker.as_installed(f"{name}.")
            ensure_topics(settings)
            told[name] = part(settings)
            show(console, f"publishing, {name.replace('_', ' ')}", told[name])
    return told


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.publishing", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of events, SKUs and seconds")
    parser.add_argument("--only", default="", help="catch_up, flood or latency")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    told = run(Console(width=160), options.scale, options.only)
    keep(options.out, publishing=told)


if __name__ == "__main__":
    main()
