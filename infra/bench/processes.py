"""What a second ledger process costs: CPU for each event of a backlog, one process against two.

In turns, so that whatever else the machine does meets both. The events come in one transaction,
which the ledgers see at once and only when they have started and divided the partitions: Python's
imports take a second of CPU, however many events follow.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
from confluent_kafka import Producer
from infra.bench.broker import Broker, new_broker
from infra.bench.checkout import process
from infra.bench.ledger import SILENT_S_MAX, ledger_progress
from infra.bench.workload import events
from rich.console import Console
from rich.table import Table

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import confluent_config, ensure_topics
from stockfold.runtime.settings import Settings

SKUS = 20_000
LOOK_S = 0.2
READY_S = 6.0
"""By then the processes have divided the partitions; the test of it is each one's share."""
SHARE_LEAST = 0.2


def _feed(settings: Settings, count: int) -> Producer:
    """Produce the workload into a transaction that is still to be committed."""
    producer = Producer(
        {
            **confluent_config(settings),
            "transactional.id": f"{settings.prefix}bench.processes",
            "transaction.timeout.ms": 600_000,
            "partitioner": "murmur2_random",
            "compression.type": "lz4",
            "linger.ms": 50,
            "batch.size": 1024 * 1024,
            "queue.buffering.max.messages": 1_000_000,
        }
    )
    producer.init_transactions()
    producer.begin_transaction()
    for event in events(count, SKUS, 1, SYSTEM_CLOCK.now_us()):
        name = event.topic.full_name(settings.prefix)
        while True:
            try:
                producer.produce(name, event.value, event.key, headers=list(event.headers))
            except BufferError:
                producer.poll(0.1)
            else:
                break
    producer.flush()
    return producer


def measure(broker: Broker, prefix: str, count: int, processes: int) -> dict[str, float]:
    """CPU seconds for a million events that so many ledgers share; their start does not count.

    UnavailableError when they stop before they have committed all, or one had next to none.
    """
    settings = broker.for_backlog(prefix)
    ensure_topics(settings)
    ledger = settings.ledger
    with ExitStack() as stack:
        ledgers = [
            stack.enter_context(
                process(
                    settings,
                    "ledger",
                    STOCKFOLD_LEDGER__INSTANCE=f"ledger-{number + 1}",
                    STOCKFOLD_LEDGER__BATCH_EVENTS_MAX=str(ledger.batch_events_max),
                    STOCKFOLD_LEDGER__BATCH_MS_MAX=str(ledger.batch_ms_max),
                )
            )
            for number in range(processes)
        ]
        started_s = time.monotonic()
        producer = _feed(settings, count)
        time.sleep(max(0.0, started_s + READY_S - time.monotonic()))
        before, began_s = [_cpu_s(one) for one in ledgers], time.monotonic()
        producer.commit_transaction()
        _wait(settings, count)
        took_s = time.monotonic() - began_s
        spent = [_cpu_s(one) - begun for one, begun in zip(ledgers, before, strict=True)]
    if min(spent) < sum(spent) / processes * SHARE_LEAST:
        raise UnavailableError(
            f"the processes spent {spent} s: they did not share the events",
            remedy="Read the ledgers' logs above.",
        )
    return {
        "processes": processes,
        "events": count,
        "events_per_s": round(count / took_s),
        "cpu_s_per_million": round(sum(spent) / count * 1e6, 2),
    }


def _wait(settings: Settings, count: int) -> None:
    progress = ledger_progress(settings)
    done, heard_s = 0, time.monotonic()
    try:
        while done < count:
            time.sleep(LOOK_S)
            known, done = done, progress.committed()
            if done > known:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > SILENT_S_MAX:
                raise UnavailableError(
                    f"they stopped at {done} of {count} events", remedy="Read their logs above."
                )
    finally:
        progress.close()


def _cpu_s(one: psutil.Process) -> float:
    spent = one.cpu_times()
    return float(spent.user + spent.system)


def run(console: Console, count: int = 300_000, repeats: int = 3) -> dict[str, object]:
    """One and two, in turns, the order turned round each time; the median of the pairs' ratios."""
    rows: list[dict[str, float]] = []
    ratios: list[float] = []
    with new_broker() as broker:
        measure(broker, "warm.", count // 4, 1)  # The broker is compiled meanwhile.
        for repeat in range(repeats):
            pair = {}
            for processes in (1, 2) if repeat % 2 == 0 else (2, 1):
                pair[processes] = measure(broker, f"r{repeat}p{processes}.", count, processes)
            rows += pair.values()
            ratios.append(pair[2]["cpu_s_per_million"] / pair[1]["cpu_s_per_million"])
            console.print(f"pair {repeat + 1}: two processes cost {ratios[-1]:.3f} of one")
    return {"runs": rows, "two_over_one": round(statistics.median(ratios), 3)}


def main() -> None:
    """Measure; a table, and build/processes.json."""
    parser = argparse.ArgumentParser(prog="bench.processes", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("build/processes.json"))
    options = parser.parse_args()
    console = Console()
    found = run(console, options.events, options.repeats)
    rows = found["runs"]
    table = Table(title="Ledger processes that share a backlog")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    console.print(table)
    console.print(f"two processes cost {found['two_over_one']} of one for each event")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
