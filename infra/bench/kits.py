"""Kits: CPU and memory until new kits are told, and the fan-out of a component that all need.

One process has every partition; what kits and components tell each other goes from its outputs to
its inputs, as it would by way of Kafka. Run alone: ``python -m infra.bench.kits``.
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from typing import cast

import psutil
from infra.bench.availability import LOCATIONS, make_policies, position
from infra.bench.fakes import FakePolicies
from rich.console import Console

from stockfold.contracts.codec import encode
from stockfold.contracts.partitioner import partition_of
from stockfold.contracts.reference import encode_record
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    COMPONENT_AVAILABILITY,
    KIT_COMPONENTS,
    POSITIONS,
    Topic,
)
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.telemetry.tracing import Headers
from stockfold_services.availability.processor import AvailabilityProcessor

KITS = 20_000
COMPONENTS = 10
CHANNELS = 5
PARTITIONS = 8
BATCH = 2_000
COMMON = "BOX"
"""The component that every kit needs."""


class Bench(Outputs):
    """One availability process with every partition, without Kafka."""

    def __init__(self) -> None:
        feed = FakePolicies()
        for policy in make_policies(CHANNELS):
            feed.put(policy)
        self.processor = AvailabilityProcessor(feed, PARTITIONS)
        for number in range(PARTITIONS):
            self.processor.recover(number, cast("PartitionReader", feed))
        self.events = 0
        self.records = 0
        self.turn_cpu_s_max = 0.0
        self._waiting: list[deque[LoopRecord]] = [deque() for _ in range(PARTITIONS)]
        self._offset = 0
        self._now_us = 0

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        """What the processor writes: what it reads itself comes back, the rest is counted."""
        del headers
        self.records += 1
        self.events += topic is AVAILABILITY
        if topic is KIT_COMPONENTS or topic is COMPONENT_AVAILABILITY:
            assert key is not None
            self.put(topic, partition, key, value)

    def put(self, topic: Topic, partition: int, key: bytes, value: bytes | None) -> None:
        """Have a record read."""
        self._offset += 1
        record = LoopRecord(topic.name, partition, self._offset, 1_000, key, value)
        self._waiting[partition].append(record)

    def stock(self, sku: str, on_hand: int) -> None:
        """The ledger tells a position."""
        partition = partition_of(sku.encode(), PARTITIONS)
        value = encode("stockfold.Position", position(sku, LOCATIONS[0], on_hand, self._offset + 1))
        self.put(POSITIONS, partition, f"{LOCATIONS[0]}|{sku}".encode(), value)

    def bill(self, kit: str, parts: list[str]) -> None:
        """The catalogue says what a kit is made of."""
        bill = BillOfMaterials("1", tuple(Component(sku, 1) for sku in parts))
        item = CatalogItem(kit, 1, bill_of_materials=bill)
        partition = partition_of(kit.encode(), PARTITIONS)
        self.put(CATALOG, partition, kit.encode(), encode_record(item))

    def settle(self) -> float:
        """Do all there is to do; the CPU seconds that it took."""
        began = time.process_time()
        while True:
            self._now_us += 200_000
            is_idle = not any(self._waiting)
            for number, waiting in enumerate(self._waiting):
                batch = [waiting.popleft() for _ in range(min(BATCH, len(waiting)))]
                if batch:
                    turn = time.process_time()
                    self.processor.process(number, batch, self, self._now_us)
                    self.turn_cpu_s_max = max(self.turn_cpu_s_max, time.process_time() - turn)
            if self.processor.tick_due(self._now_us):
                self.processor.tick(self, self._now_us)
            elif is_idle:
                return time.process_time() - began


def measure(kits: int = KITS) -> dict[str, float]:
    """The figures of the benchmark."""
    bench = Bench()
    parts = [f"PART-{n:06d}" for n in range(kits)]
    for sku in (COMMON, *parts):
        bench.stock(sku, 100)
    bench.settle()
    process = psutil.Process()
    before = process.memory_info().rss
    bench.events = bench.records = 0
    for n in range(kits):
        own = [parts[(n + 7919 * k) % kits] for k in range(COMPONENTS - 1)]
        bench.bill(f"KIT-{n:06d}", [COMMON, *own])
    new_cpu_s = bench.settle()
    grown = process.memory_info().rss - before
    events, records = bench.events, bench.records
    bench.events = bench.records = 0
    bench.turn_cpu_s_max = 0.0
    bench.stock(COMMON, 50)
    shared_cpu_s = bench.settle()
    return {
        "kits": kits,
        "kit_components": COMPONENTS,
        "kit_channels": CHANNELS,
        "new_kits_cpu_s": round(new_cpu_s, 1),
        "new_kits_cpu_ms_each": round(new_cpu_s / kits * 1000, 2),
        "new_kits_memory_mb": round(grown / 1e6),
        "new_kits_events": events,
        "new_kits_records": records,
        "component_of_all_cpu_s": round(shared_cpu_s, 2),
        "component_of_all_cpu_us_a_kit": round(shared_cpu_s / kits * 1e6),
        "component_of_all_events": bench.events,
        "component_of_all_longest_turn_cpu_s": round(bench.turn_cpu_s_max, 2),
    }


def run(console: Console, kits: int = KITS) -> dict[str, float]:
    """Measure, and print what was found."""
    found = measure(kits)
    for name, value in found.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}")
    return found


def main() -> None:
    """Run this benchmark alone."""
    parser = argparse.ArgumentParser(prog="bench.kits", description=__doc__)
    parser.add_argument("--kits", type=int, default=KITS)
    run(Console(), parser.parse_args().kits)


if __name__ == "__main__":
    main()
