"""From an event's produce to its committed position, at a steady rate; and what batches cost.

A journal record and the positions of its batch become visible by one commit, so the journal, read
committed, tells when a position is. For each batch time: percentiles at a steady rate, and the pace
through a backlog.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.ledger import measure
from infra.bench.workload import Event, events
from rich.console import Console
from rich.table import Table

from stockfold.contracts.journal import decode_entry
from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Fact
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.settings import Settings

BATCH_MS = (5, 25, 100, 500)
EARLY_S = 5.0
"""Of the beginning nothing counts: the ledger's estimate of its pace has to settle."""
SKUS = 20_000
SILENT_S = 3.0
SLICE_S = 0.002


class Seen:
    """When each event's fact was visible, by event id. Monotonic seconds."""

    def __init__(self, settings: Settings) -> None:
        self.at_s: dict[str, float] = {}
        self.heard_s = time.monotonic()
        self._end = threading.Event()
        self._consumer = Consumer(
            {
                **confluent_config(settings),
                "group.id": "bench.latency",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 5,
                "auto.offset.reset": "earliest",
            }
        )
        topic = JOURNAL.full_name(settings.prefix)
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


def _send(settings: Settings, made: Sequence[Event], rate_s: int) -> list[float]:
    """Produce them evenly; when each was handed over."""
    producer = Producer(
        {
            **confluent_config(settings),
            "acks": "all",
            "enable.idempotence": True,
            "partitioner": "murmur2_random",
            "linger.ms": 2,
            "compression.type": "lz4",
        }
    )
    sent_s: list[float] = []
    began_s = time.monotonic()
    for number, event in enumerate(made):
        due_s = began_s + number / rate_s
        ahead_s = due_s - time.monotonic()
        if ahead_s > SLICE_S:
            producer.poll(0)
            time.sleep(ahead_s)
        sent_s.append(time.monotonic())
        producer.produce(
            event.topic.full_name(settings.prefix), event.value, event.key, headers=event.headers
        )
    producer.flush(60)
    return sent_s


def at_rate(settings: Settings, rate_s: int, seconds: int, skus: int) -> dict[str, float]:
    """Percentiles in milliseconds of what was sent after the beginning.

    UnavailableError when the ledger does not answer.
    """
    ensure_topics(settings)
    made = list(events(rate_s * seconds, skus, 1, SYSTEM_CLOCK.now_us()))
    ids = [_id_of(event) for event in made]
    batch = str(settings.ledger.batch_ms_max)
    seen = Seen(settings)
    try:
        with process(settings, "ledger", STOCKFOLD_LEDGER__BATCH_MS_MAX=batch) as running:
            sent_s = _send(settings, made, rate_s)
            seen.heard_s = time.monotonic()
            wanted = set(ids)
            while wanted - seen.at_s.keys() and time.monotonic() - seen.heard_s < SILENT_S:
                time.sleep(0.1)
            cpu = running.cpu_times()
    finally:
        seen.close()
    early = int(rate_s * EARLY_S)
    took_ms = sorted(
        (seen.at_s[name] - at_s) * 1_000
        for name, at_s in zip(ids[early:], sent_s[early:], strict=True)
        if name in seen.at_s  # Refused events have no fact.
    )
    if len(took_ms) < (len(made) - early) * 0.8:
        raise UnavailableError(
            f"of {len(made) - early} events {len(took_ms)} have a fact",
            remedy="Read the ledger's log above.",
        )
    spent_s = sent_s[-1] - sent_s[early]
    return {
        "batch_ms": settings.ledger.batch_ms_max,
        "events_per_s_offered": round((len(sent_s) - early) / spent_s),
        "p50_ms": round(_at(took_ms, 0.50), 1),
        "p95_ms": round(_at(took_ms, 0.95), 1),
        "p99_ms": round(_at(took_ms, 0.99), 1),
        "most_ms": round(took_ms[-1], 1),
        "cpu_s_per_million": round((cpu.user + cpu.system) / len(made) * 1e6, 1),
    }


def _id_of(event: Event) -> str:
    return next(value for name, value in event.headers if name == "ce_id").decode()


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def run(
    console: Console, rate_s: int, seconds: int, backlog: int, batches_ms: Sequence[int] = BATCH_MS
) -> list[dict[str, float]]:
    """The curve; each point on a broker of its own."""
    rows = []
    for batch_ms in batches_ms:
        with new_broker() as broker:
            row = at_rate(broker.for_backlog("at.", batch_ms), rate_s, seconds, SKUS)
            through = measure(broker.for_backlog("all.", batch_ms), backlog, SKUS, 1)
        rows.append({**row, "backlog_events_per_s": through["events_per_s"]})
        console.print(", ".join(f"{name} {value:,}" for name, value in rows[-1].items()))
    return rows


def main() -> None:
    """Measure the curve; a table, and build/latency.json."""
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=5_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--backlog", type=int, default=200_000, help="events")
    parser.add_argument("--batch-ms", type=int, nargs="*", default=list(BATCH_MS))
    parser.add_argument("--out", type=Path, default=Path("build/latency.json"))
    options = parser.parse_args()
    console = Console()
    rows = run(console, options.rate, options.seconds, options.backlog, options.batch_ms)
    table = Table(title=f"From produce to committed position, {options.rate:,} events/s")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
