"""Time to serve again after kill -9: the real ledger and snapshotter on a real Kafka.

``python -m infra.bench.recovery`` runs it alone, on an embedded broker of its own.

The journal of the wanted SKU-locations is written with the production encoder, as if a ledger had
decided it; the snapshotter makes its snapshots; the ledger then decides further events behind them,
is killed, and started again at once. The time runs from the kill until an event that was sent after
it is committed in every partition.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.ledger import feed, ledger_progress
from infra.bench.spent import cpu_s
from infra.bench.workload import CHANNELS, LOCATIONS, SOURCE
from rich.console import Console

from stockfold.contracts import avro, codec, envelope
from stockfold.contracts.journal import encode_fact, encode_mark
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.topics import JOURNAL, RECEIPTS, RESERVATIONS
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.decide import decide_and_fold
from stockfold.ledger.facts import Fact, Input
from stockfold.ledger.state import SkuState
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold.runtime.snapshots import open_store

SKU_LOCATIONS = 1_000_000
TAIL = 100_000
"""Events that the ledger has decided behind its newest snapshots when it is killed."""
KILLS = 3
WAIT_S_MAX = 600.0
RESERVED_SHARE = 0.1
"""SKUs with an open reservation."""


def measure(
    settings: Settings, sku_locations: int, tail: int, kills: int, console: Console
) -> dict[str, float]:
    """Build it, kill it, and tell how long it took. Seconds, mebibytes and counts."""
    ensure_topics(settings)
    began = time.monotonic()
    facts = write_journal(settings, sku_locations)
    console.print(f"journal of {facts:,} facts written in {time.monotonic() - began:.0f} s")
    found: dict[str, float] = {"sku_locations": sku_locations, "journal_facts": facts}
    found |= _make_snapshots(settings, console)
    probes = Probes(settings)
    try:
        with service(settings, "ledger") as first:
            probes.send_and_wait()
            feed(settings, tail, sku_locations, 7)
            probes.add(tail)
            probes.wait()
            found["ledger_memory_mb"] = round(first.memory_info().rss / 2**20)
            console.print(f"{tail:,} events decided behind the snapshots")
        times = [_kill_and_time(settings, probes) for _ in range(kills)]
        found["tail_events"] = tail
        found["serves_again_s_median"] = round(statistics.median(t for t, _ in times), 2)
        found["serves_again_s_worst"] = round(max(t for t, _ in times), 2)
        found["serves_again_cpu_s_median"] = round(statistics.median(c for _, c in times), 2)
        elsewhere = settings.model_copy(
            update={"snapshots": settings.snapshots.model_copy(update={"url": "memory://none"})}
        )
        found["without_snapshots_s"] = round(_kill_and_time(elsewhere, probes)[0], 2)
    finally:
        probes.close()
    return found


# --- the journal ------------------------------------------------------------------------------


def write_journal(settings: Settings, skus: int) -> int:
    """A receipt of each SKU at one location, and an open reservation of some; how many facts."""
    producer = Producer(
        {
            **confluent_config(settings),
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 50,
            "batch.size": 1024 * 1024,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    topic = JOURNAL.full_name(settings.environment.prefix)
    partitions = settings.kafka.sku_partitions
    count = 0
    for sku, facts in decided(skus):
        key = sku.encode()
        for fact in facts:
            count += 1
            value = encode_fact(fact, avro.blob(key))
            _produce(producer, topic, value, key, partition_of(key, partitions))
    now_us = SYSTEM_CLOCK.now_us()
    for partition in range(partitions):
        _produce(producer, topic, encode_mark(partition, {}, now_us), None, partition)
    producer.flush(120)
    return count


def _produce(
    producer: Producer, topic: str, value: bytes, key: bytes | None, partition: int
) -> None:
    while True:
        try:
            producer.produce(topic, value, key, partition)
        except BufferError:
            producer.poll(0.1)
        else:
            return


def decided(skus: int) -> Iterator[tuple[str, list[Fact]]]:
    """What a ledger decides on a receipt of each SKU, and a reservation of some."""
    dice = random.Random(1)
    start_us = SYSTEM_CLOCK.now_us() - 3_600_000_000
    for number in range(skus):
        sku, place = f"SKU-{number:07d}", LOCATIONS[number % len(LOCATIONS)]
        state, at_us = SkuState(sku), start_us + number * 1_000
        inputs = [_receipt(sku, place, number, at_us)]
        if dice.random() < RESERVED_SHARE:
            inputs.append(_reservation(sku, place, number, at_us))
        facts: list[Fact] = []
        for given in inputs:
            facts += decide_and_fold(state, given, at_us)[0]
        yield sku, facts


def _receipt(sku: str, place: str, number: int, at_us: int) -> Input:
    body = {
        "sku": sku,
        "location": place,
        "quantity": 1_000,
        "condition": "on_hand",
        **dict.fromkeys(("inbound", "line", "document", "document_line")),
    }
    return _input("GoodsReceived", sku, body, f"s-{number}", at_us, RECEIPTS.name)


def _reservation(sku: str, place: str, number: int, at_us: int) -> Input:
    body = {
        "sku": sku,
        "reservation": f"SR-{number}",
        "order": f"SO-{number}",
        "line": "1",
        "channel": CHANNELS[number % len(CHANNELS)],
        "quantity": 2,
        "locations": [place],
        **dict.fromkeys(("allow_split", "allow_partial", "allow_backorder"), False),
        **dict.fromkeys(("needed_on", "supply_line", "expires_at")),
        "priority": 0,
    }
    return _input("ReserveStock", sku, body, f"r-{number}", at_us, RESERVATIONS.name)


def _input(
    kind: str, sku: str, body: dict[str, object], event_id: str, at_us: int, topic: str
) -> Input:
    return Input(
        kind,
        sku,
        body,
        SOURCE,
        event_id,
        at_us,
        at_us,
        topic=topic,
        payload_hash=hash(event_id) % 2**64,
    )


# --- the processes ----------------------------------------------------------------------------


@contextmanager
def service(settings: Settings, name: str) -> Iterator[psutil.Process]:
    """The service as a process of its own, killed with -9 at the end of the block."""
    with tempfile.NamedTemporaryFile(suffix=".toml") as config:
        child = subprocess.Popen(  # noqa: S603  (one of our own modules)
            [sys.executable, "-m", f"stockfold_services.{name}.main"],
            env={**os.environ, **_environment(settings), "STOCKFOLD_CONFIG": config.name},
        )
        try:
            yield psutil.Process(child.pid)
        finally:
            child.kill()
            child.wait(30)


def _environment(settings: Settings) -> dict[str, str]:
    found = {
        "STOCKFOLD_ENVIRONMENT__PREFIX": settings.environment.prefix,
        "STOCKFOLD_ENVIRONMENT__DATA_DIR": str(settings.environment.data_dir),
        "STOCKFOLD_KAFKA__BOOTSTRAP": settings.kafka.bootstrap or "",
        "STOCKFOLD_KAFKA__SKU_PARTITIONS": str(settings.kafka.sku_partitions),
        "STOCKFOLD_SNAPSHOTS__EVERY_S": "15",
        "STOCKFOLD_LOG_LEVEL": "WARNING",
    }
    if settings.snapshots.url is not None:
        found["STOCKFOLD_SNAPSHOTS__URL"] = settings.snapshots.url
    return found


def _make_snapshots(settings: Settings, console: Console) -> dict[str, float]:
    """Let the snapshotter catch up from nothing; what that took, and what it takes when idle."""
    store, reader = open_store(settings), PartitionReader(settings)
    ends = reader.committed_ends(JOURNAL, range(settings.kafka.sku_partitions))
    began = time.monotonic()
    with service(settings, "snapshotter") as process:
        peak = 0
        while any(store.offsets(number)[-1:] != [end] for number, end in ends.items()):
            if time.monotonic() - began > WAIT_S_MAX:
                raise UnavailableError("the snapshotter did not catch up", remedy="See its log.")
            peak = max(peak, process.memory_info().rss)
            time.sleep(0.2)
        took_s = time.monotonic() - began
        before_s = cpu_s(process)
        time.sleep(10)
        idle = cpu_s(process) - before_s
    folder = settings.environment.data_dir / "snapshots"
    size = sum(path.stat().st_size for path in folder.rglob("*.snapshot"))
    console.print(f"snapshots of {size / 2**20:.0f} MiB made from nothing in {took_s:.0f} s")
    return {
        "snapshots_mb": round(size / 2**20),
        "snapshotter_memory_mb_peak": round(peak / 2**20),
        "snapshotter_idle_cpu_percent": round(max(idle, 0.0) * 10, 1),
    }


def _kill_and_time(settings: Settings, probes: Probes) -> tuple[float, float]:
    """Start the ledger where a killed one was; how long until every partition serves again.

    Seconds by the clock, and of processor time, which other work on the machine leaves alone.
    """
    probes.send()
    began = time.monotonic()
    with service(settings, "ledger") as process:
        probes.wait()
        return time.monotonic() - began, cpu_s(process)


class Probes:
    """Sends one event to every partition, and waits until the ledger has committed all."""

    def __init__(self, settings: Settings) -> None:
        self._progress = ledger_progress(settings)
        self._topic = RECEIPTS.full_name(settings.environment.prefix)
        self._producer = Producer({**confluent_config(settings), "partitioner": "murmur2_random"})
        self._sent = 0
        self._partitions = settings.kafka.sku_partitions
        by_partition: dict[int, str] = {}
        for number in range(1_000):
            sku = f"SKU-{number:07d}"
            by_partition.setdefault(partition_of(sku.encode(), self._partitions), sku)
        self._skus = list(by_partition.values())

    def add(self, events: int) -> None:
        """So many others were sent."""
        self._sent += events

    def send(self) -> None:
        """One receipt to each partition."""
        name = "stockfold.GoodsReceived"
        for sku in self._skus:
            body = {"sku": sku, "location": "L0", "quantity": 1, "condition": "on_hand"}
            event = envelope.Envelope(f"p-{self._sent}", SOURCE, name, SYSTEM_CLOCK.now_us())
            headers = envelope.build(event)
            self._producer.produce(
                self._topic, codec.encode(name, body), sku.encode(), headers=list(headers)
            )
            self._sent += 1
        self._producer.flush(30)

    def wait(self) -> None:
        """Until everything that was sent is committed. UnavailableError after ten minutes."""
        deadline = time.monotonic() + WAIT_S_MAX
        while self._progress.committed() < self._sent:
            if time.monotonic() > deadline:
                raise UnavailableError("the ledger did not serve", remedy="Read its log above.")
            time.sleep(0.02)

    def send_and_wait(self) -> None:
        """Both."""
        self.send()
        self.wait()

    def close(self) -> None:
        """Leave the broker."""
        self._progress.close()


def run(sku_locations: int, tail: int, kills: int, console: Console) -> dict[str, float]:
    """Measure on an embedded broker of its own."""
    with new_broker() as broker:
        return measure(broker.as_installed("recovery."), sku_locations, tail, kills, console)


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(prog="recovery", description=__doc__)
    parser.add_argument("--sku-locations", type=int, default=SKU_LOCATIONS)
    parser.add_argument("--tail", type=int, default=TAIL, help="events behind the snapshots")
    parser.add_argument("--kills", type=int, default=KILLS)
    options = parser.parse_args()
    console = Console()
    found = run(options.sku_locations, options.tail, options.kills, console)
    console.print_json(json.dumps(found))


if __name__ == "__main__":
    main()
