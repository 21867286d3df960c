"""Availability: CPU of one changed position at ten channels, and of a policy change over many SKUs.

The processor runs as it does in the service; records are taken from and put into memory. Run alone:
``python -m infra.bench.availability``.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from infra.bench.fakes import FakePolicies
from rich.console import Console

from stockfold.availability.policy import Policy, Promotion, RingFence, Safety
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import POSITIONS, Topic
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.processor import Outputs
from stockfold.runtime.records import LoopRecord
from stockfold.runtime.telemetry.tracing import Headers
from stockfold_services.availability.processor import AvailabilityProcessor

CHANNELS = 10
SKUS = 2_000
CHANGES = 20_000
MANY_SKUS = 100_000
MANY_CHANNELS = 5
LOCATIONS = ("DC-BERLIN", "STORE-ROME", "STORE-OSLO")
BATCH = 500
RUNS = 3
"""The least of so many is told: the machine is shared."""


class _Count(Outputs):
    """Outputs that are only counted."""

    def __init__(self) -> None:
        self.events = 0

    def produce(
        self,
        topic: Topic,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers | None = None,
    ) -> None:
        del topic, partition, key, value, headers
        self.events += 1


class Bench:
    """One availability process on one partition, without Kafka."""

    def __init__(self, policies: list[Policy]) -> None:
        self.feed = FakePolicies()
        for policy in policies:
            self.feed.put(policy)
        self.out = _Count()
        self.now_us = 0
        self.processor = AvailabilityProcessor(self.feed, 1)
        self.processor.recover(0, cast("PartitionReader", self.feed))
        self._offset = 0
        self.settle()

    def positions(self, rows: list[tuple[str, str, int]]) -> list[LoopRecord]:
        """Records of (SKU, location, units on the shelf)."""
        found = []
        for sku, location, on_hand in rows:
            self._offset += 1
            value = encode("stockfold.Position", position(sku, location, on_hand, self._offset))
            record = LoopRecord(
                POSITIONS.name, 0, self._offset, 1_000, f"{location}|{sku}".encode(), value
            )
            found.append(record)
        return found

    def process(self, records: list[LoopRecord]) -> None:
        """Fold the records in batches, as the loop would."""
        for start in range(0, len(records), BATCH):
            self.now_us += 1
            batch = records[start : start + BATCH]
            self.processor.process(0, batch, self.out, self.now_us)

    def settle(self) -> None:
        """Do all that policies have left."""
        self.now_us += 1_000_000
        while self.processor.tick_due(self.now_us):
            self.processor.tick(self.out, self.now_us)


def position(sku: str, location: str, on_hand: int, seq: int) -> dict[str, Any]:
    """A record of ``stockfold.Position``, with claims of two channels."""
    claims = [{"channel": f"channel-{n}", "reserved": 1, "allocated": 0} for n in range(2)]
    return {
        "sku": sku,
        "location": location,
        "seq": seq,
        "on_hand": on_hand,
        "quality_hold": 0,
        "damaged": 0,
        "in_transit": 0,
        "reserved": len(claims),
        "allocated": 0,
        "atp": on_hand - len(claims),
        "claims": claims,
        "expected": [],
        "recorded_at": 1_800_000_000_000_000,
        "correlation_id": "order-1",
        "caused_at": 1_800_000_000_000_000,
    }


def make_policies(count: int, ceiling: int | None = None) -> list[Policy]:
    """Policies of every kind: all locations and some, safety stock, a share, a ceiling."""
    return [
        Policy(
            f"channel-{number}",
            1,
            locations=None if number % 2 else LOCATIONS[:2],
            safety=(Safety(units=2), Safety(units=5, location=LOCATIONS[number % 3])),
            share=10_000 if number % 3 else 9_000,
            ceiling=ceiling,
            low_stock=3,
            per_location=number == 1,
        )
        for number in range(count)
    ]


def _cpu_us(work: Callable[[], None], count: int) -> float:
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / count / 1_000


def one_position(ceiling: int | None) -> tuple[float, float]:
    """CPU µs of one changed position, and how many of ten events it was told by."""
    bench = Bench(make_policies(CHANNELS, ceiling))
    skus = [f"SKU-{n:06d}" for n in range(SKUS)]
    bench.process(bench.positions([(s, where, 100) for s in skus for where in LOCATIONS]))
    least, told = float("inf"), 0.0
    for run in range(RUNS):
        rows = [
            (skus[n % SKUS], LOCATIONS[0], 200 + 30 * (run + n // SKUS)) for n in range(CHANGES)
        ]
        records = bench.positions(rows)
        before = bench.out.events
        least = min(least, _cpu_us(partial(bench.process, records), CHANGES))
        told = (bench.out.events - before) / CHANGES
    return least, told


def policy_change(skus: int, channels: int) -> tuple[float, int]:
    """CPU seconds until every channel's new policy is told for every SKU, and the events."""
    bench = Bench(make_policies(channels))
    names = [f"SKU-{n:06d}" for n in range(skus)]
    for start in range(0, skus, 10_000):
        part = names[start : start + 10_000]
        bench.process(bench.positions([(s, LOCATIONS[0], 100) for s in part]))
    bench.settle()
    fence = RingFence(5, sku=names[0])
    window = Promotion("sale", 1, 2, units=9)
    for policy in make_policies(channels):
        bench.feed.put(
            Policy(
                policy.channel,
                2,
                locations=policy.locations,
                safety_stock=9,
                ring_fences=(fence,) if policy.channel == "channel-0" else None,
                promotions=(window,),
            )
        )
    before, began = bench.out.events, time.process_time()
    bench.settle()
    return time.process_time() - began, bench.out.events - before


def measure(skus: int) -> dict[str, float]:
    """The figures of the benchmark."""
    quiet_us, none = one_position(ceiling=50)
    loud_us, all_of_them = one_position(ceiling=None)
    seconds, events = policy_change(skus, MANY_CHANNELS)
    return {
        "position_at_10_channels_nothing_told_cpu_us": round(quiet_us, 1),
        "events_told_by_it": round(none, 2),
        "position_at_10_channels_all_told_cpu_us": round(loud_us, 1),
        "events_told_by_that": round(all_of_them, 2),
        "policy_change_skus": skus,
        "policy_change_channels": MANY_CHANNELS,
        "policy_change_events": events,
        "policy_change_cpu_s": round(seconds, 2),
    }


def run(console: Console, skus: int = MANY_SKUS) -> dict[str, float]:
    """Measure, and print what was found."""
    found = measure(skus)
    for name, value in found.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}")
    return found


def main() -> None:
    """Run this benchmark alone."""
    parser = argparse.ArgumentParser(prog="bench.availability", description=__doc__)
    parser.add_argument("--skus", type=int, default=MANY_SKUS, help="of the policy change")
    options = parser.parse_args()
    run(Console(), options.skus)


if __name__ == "__main__":
    main()
