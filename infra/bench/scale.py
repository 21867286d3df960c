"""How a ledger grows with its SKU-locations: memory, CPU time an event, time to serve again.

``python -m infra.bench.scale --sku-locations 10000 100000 1000000`` takes a broker and one ledger
of 64 partitions for each size. The stock comes from snapshots that the production writer wrote, as
if a ledger had decided it: rows of a thousand SKUs that were folded, under the names of all.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
from confluent_kafka import Producer
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.ledger import Progress, ledger_progress
from infra.bench.recovery import decided
from infra.bench.spent import cpu_s, peak_bytes
from infra.bench.workload import SOURCE, Event, events
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from stockfold.contracts import codec, envelope
from stockfold.contracts.journal import encode_mark
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.resting_rows import pack
from stockfold.contracts.topics import (
    EXCEPTIONS,
    JOURNAL,
    POSITIONS,
    RECEIPTS,
    REFERENCE,
    RESERVATION_STATUS,
    SCHEDULE,
)
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.evolve import evolve
from stockfold.ledger.state import SkuState
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, create_topics
from stockfold.runtime.partition_memory import Partition
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.resting_skus import Skus
from stockfold.runtime.settings import KafkaSettings, Settings
from stockfold.runtime.snapshots import open_store
from stockfold_services.ledger.processor import LedgerProcessor

SIZES = (10_000, 1_000_000)
PARTITIONS = 64
EVENTS = 100_000
TEMPLATES = 1_000
RESTARTS = 3
WAIT_S_MAX = 600.0
HEAP_MB = 1_024
"""Of the broker."""
TOPICS = (
    *LedgerProcessor.inputs,
    JOURNAL,
    POSITIONS,
    RESERVATION_STATUS,
    EXCEPTIONS,
    SCHEDULE,
    REFERENCE,
)
"""What the ledger reads and writes."""
BACKLOG = {
    "STOCKFOLD_LEDGER__BATCH_EVENTS_MAX": "25000",
    "STOCKFOLD_LEDGER__BATCH_MS_MAX": "1000",
    "STOCKFOLD_LOG_LEVEL": "WARNING",
}
"""Batches as large as a backlog allows, so that a busy machine changes them little."""
BYTES_A_SKU_LOCATION = 500
"""Of free memory, with what makes the snapshots, to begin at all."""
_SEED, _M, _UNPROVEN = 0x9747B28C, np.uint32(0x5BD1E995), "0" * 32


class Figures(msgspec.Struct):
    """Of one size. Mebibytes, bytes, seconds, CPU seconds for a million events."""

    sku_locations: int
    snapshots_mb: int
    written_s: float
    starts_s: float
    """From the start of the process until every partition has served; all 64 are restored."""
    starts_cpu_s: float
    memory_mb: int
    """Resident once it serves."""
    memory_mb_peak: int
    broker_mb: int
    even_cpu_s_per_million: float
    """Every SKU as likely as any other: nearly each event wakes one, where there are many."""
    skewed_cpu_s_per_million: float
    partition_restored_s: float
    """One partition, from being asked for until it can decide; the least of three."""
    partition_restored_cpu_s: float
    bytes_per_sku_location: float = 0.0
    """Resident, keys included, against the smallest size."""


# --- the stock --------------------------------------------------------------------------------


def _templates() -> list[bytes]:
    """Rows of SKUs with a receipt, and an open reservation in a tenth of them."""
    rows = []
    for sku, facts in decided(TEMPLATES):
        state = SkuState(sku)
        for number, fact in enumerate(facts):
            fact.seq = number + 1
            evolve(state, fact)
        rows.append(pack(state))
    return rows


def homes(skus: int, partitions: int) -> list[array[int]]:
    """The numbers of the SKUs of each partition, by murmur2 of all their keys at once."""
    numbers = np.arange(skus)
    keys = np.empty((skus, 12), np.uint8)
    keys[:, :4] = list(b"SKU-")
    for place in range(7):
        keys[:, 10 - place] = 48 + numbers // 10**place % 10
    keys[:, 11] = 0
    words = keys.view("<u4")
    found: NDArray[np.uint32] = np.full(skus, _SEED ^ 11, np.uint32)
    for at in range(2):
        word = words[:, at] * _M
        found = (found * _M) ^ ((word ^ (word >> np.uint32(24))) * _M)
    found = (found ^ words[:, 2]) * _M
    found = (found ^ (found >> np.uint32(13))) * _M
    home = ((found ^ (found >> np.uint32(15))) & 0x7FFFFFFF) % partitions
    chosen = [
        array("I", np.flatnonzero(home == n).astype(np.uint32).tobytes()) for n in range(partitions)
    ]
    assert all(
        partition_of(f"SKU-{n:07d}".encode(), partitions) == number
        for number, mine in enumerate(chosen)
        for n in mine[:20]
    )
    return chosen


def write_stock(settings: Settings, skus: int) -> int:
    """A snapshot of each partition, and the mark in the journal that it stands behind; bytes."""
    partitions, rows = settings.kafka.sku_partitions, _templates()
    topic = JOURNAL.full_name(settings.environment.prefix)
    producer = Producer({**confluent_config(settings), "enable.idempotence": True})
    store = open_store(settings)
    for partition, mine in enumerate(homes(skus, partitions)):
        mark = encode_mark(partition, {}, SYSTEM_CLOCK.now_us())
        producer.produce(topic, mark, None, partition)
        memory = Partition(partition, settings.ledger.dedupe_events_max)
        memory.skus = Skus({f"SKU-{n:07d}": rows[n % TEMPLATES] for n in mine})
        memory.facts, memory.last = len(mine), (0, mark)
        store.save(memory, 1, digest=_UNPROVEN)
    if producer.flush(300):
        raise UnavailableError("the marks did not reach Kafka", remedy="Read the broker's log.")
    folder = settings.environment.data_dir / "snapshots"
    return sum(path.stat().st_size for path in folder.rglob("*.snapshot"))


# --- events -----------------------------------------------------------------------------------


class Feeder:
    """Sends events, and waits until the ledger has committed all of them."""

    def __init__(self, settings: Settings, probes: Sequence[str]) -> None:
        self._prefix = settings.environment.prefix
        self._progress: Progress = ledger_progress(settings)
        self._producer = Producer(
            {
                **confluent_config(settings),
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "compression.type": "lz4",
                "linger.ms": 20,
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        self._probes = probes
        self.sent = 0

    def send(self, made: Iterable[Event]) -> None:
        """Flushed."""
        for event in made:
            self._producer.produce(
                event.topic.full_name(self._prefix),
                event.value,
                event.key,
                headers=list(event.headers),
            )
            self.sent += 1
        if self._producer.flush(300):
            raise UnavailableError("events did not reach Kafka", remedy="Read the broker's log.")

    def probe(self) -> None:
        """A receipt to each partition."""
        self.send(probe(sku, self.sent) for sku in self._probes)

    def wait(self, ledger: psutil.Process) -> None:
        """Until all of it is committed. UnavailableError after ten minutes, or when it stopped."""
        deadline = time.monotonic() + WAIT_S_MAX
        while (done := self._progress.committed()) < self.sent:
            if time.monotonic() > deadline or ledger.status() == psutil.STATUS_ZOMBIE:
                raise UnavailableError(
                    f"the ledger committed {done:,} of {self.sent:,}", remedy="Read its log above."
                )
            time.sleep(0.05)

    def close(self) -> None:
        """Leave the broker."""
        self._progress.close()


def probe(sku: str, number: int) -> Event:
    """A receipt."""
    name = "stockfold.GoodsReceived"
    body = {"sku": sku, "location": "L0", "quantity": 1, "condition": "on_hand"}
    about = envelope.Envelope(f"p-{number}-{sku}", SOURCE, name, SYSTEM_CLOCK.now_us())
    return Event(RECEIPTS, sku.encode(), codec.encode(name, body), envelope.build(about))


# --- one size ---------------------------------------------------------------------------------


@contextmanager
def new_environment(partitions: int = PARTITIONS) -> Iterator[Settings]:
    """An environment of so many partitions on a broker of its own."""
    with new_broker(HEAP_MB) as broker:
        settings = broker.for_backlog("scale.")
        kafka = KafkaSettings(bootstrap=broker.bootstrap, sku_partitions=partitions)
        yield settings.model_copy(update={"kafka": kafka})


def check_memory(skus: int) -> None:
    """UnavailableError when the machine has not enough that is free."""
    needed = skus * BYTES_A_SKU_LOCATION + (3 << 30)
    if psutil.virtual_memory().available < needed:
        raise UnavailableError(
            f"{skus:,} SKU-locations want {needed >> 30} GiB free", remedy="Ask for fewer."
        )


def measure(skus: int, count: int, console: Console) -> Figures:
    """One size, on a broker of its own."""
    check_memory(skus)
    with new_environment() as settings:
        create_topics(settings, TOPICS)
        began = time.monotonic()
        size = write_stock(settings, skus)
        written_s = time.monotonic() - began
        console.print(f"{skus:,}: snapshots of {size >> 20:,} MiB in {written_s:.0f} s")
        probes = [f"SKU-{mine[0]:07d}" for mine in homes(min(skus, 10_000), PARTITIONS)]
        feeder = Feeder(settings, probes)
        try:
            found = _serve(settings, skus, count, feeder)
        finally:
            feeder.close()
        restored = [_restore_one(settings) for _ in range(RESTARTS)]
    return Figures(
        sku_locations=skus,
        snapshots_mb=size >> 20,
        written_s=round(written_s, 1),
        partition_restored_s=round(min(wall for wall, _ in restored), 2),
        partition_restored_cpu_s=round(min(cpu for _, cpu in restored), 2),
        **found,
    )


def _serve(settings: Settings, skus: int, count: int, feeder: Feeder) -> dict[str, Any]:
    """A ledger from its start through events of both kinds."""
    feeder.probe()
    began = time.monotonic()
    with process(settings, "ledger", **BACKLOG) as ledger:
        feeder.wait(ledger)
        starts_s, starts_cpu_s = time.monotonic() - began, cpu_s(ledger)
        memory = ledger.memory_info().rss
        costs = []
        for evenly in (True, False):
            now_us = SYSTEM_CLOCK.now_us()
            made = list(events(count, skus, 3, now_us, first=feeder.sent * 2, evenly=evenly))
            before = cpu_s(ledger)
            feeder.send(made)
            feeder.wait(ledger)
            costs.append(round((cpu_s(ledger) - before) / count * 1e6, 1))
        peak = peak_bytes(ledger.pid)
        broker = sum(
            child.memory_info().rss
            for child in psutil.Process(os.getpid()).children()
            if child.name() == "java"
        )
    return {
        "starts_s": round(starts_s, 1),
        "starts_cpu_s": round(starts_cpu_s, 1),
        "memory_mb": memory >> 20,
        "memory_mb_peak": peak >> 20,
        "broker_mb": broker >> 20,
        "even_cpu_s_per_million": costs[0],
        "skewed_cpu_s_per_million": costs[1],
    }


def _restore_one(settings: Settings) -> tuple[float, float]:
    """Seconds, and CPU seconds, until one partition can decide: snapshot, journal, reference."""
    reader, processor = (
        PartitionReader(settings),
        LedgerProcessor(settings, snapshots=open_store(settings)),
    )
    try:
        began, cpu = time.monotonic(), time.process_time()
        processor.recover(0, reader)
        found = time.monotonic() - began, time.process_time() - cpu
        assert len(processor.partitions[0].skus)
        return found
    finally:
        processor.close()


def run(console: Console, sizes: Sequence[int], count: int) -> list[Figures]:
    """All sizes, the smallest first."""
    found: list[Figures] = []
    for skus in sorted(sizes):
        figures = measure(skus, count, console)
        if found:
            more = skus - found[0].sku_locations
            grown = (figures.memory_mb - found[0].memory_mb) * 2**20
            figures.bytes_per_sku_location = round(grown / more, 1)
        found.append(figures)
        console.print_json(msgspec.json.encode(figures).decode())
    return found


def main() -> None:
    """Measure; a table, and build/scale.json."""
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--sku-locations", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--events", type=int, default=EVENTS, help="of each kind, at each size")
    parser.add_argument("--out", type=Path, default=Path("build/scale.json"))
    options = parser.parse_args()
    console = Console()
    found = run(console, options.sku_locations, options.events)
    rows: list[dict[str, float]] = msgspec.to_builtins(found)
    table = Table(title=f"SKU-locations over {PARTITIONS} partitions of one ledger")
    table.add_column("")
    for row in rows:
        table.add_column(f"{row['sku_locations']:,}", justify="right")
    for name in list(rows[0])[1:]:
        table.add_row(name.replace("_", " "), *(f"{row[name]:,}" for row in rows))
    console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
