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
from typing import Any

import psutil
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.ledger import feed, ledger_progress, watch
from infra.bench.spent import cpu_s
from rich.console import Console
from rich.table import Table

from stockfold.domain.errors import UnavailableError
from stockfold.runtime.kafka import ensure_topics
from stockfold.runtime.settings import Settings

SKUS = 20_000
READY_S = 6.0
"""By then the processes have divided the partitions; the test of it is each one's share."""
SHARE_LEAST = 0.2


def measure(
    settings: Settings,
    count: int,
    skus: int,
    seed: int,
    processes: int,
    *,
    again: int = 0,
    broker: psutil.Process | None = None,
    warm_up: int = 1,
) -> dict[str, float]:
    """What so many ledgers take for ``count`` events that they share; their start does not count.

    ``again``, ``broker`` and ``warm_up`` are as in ``ledger.measure``. UnavailableError when one
    stops before they have committed all, or had next to none of the work.
    """
    ensure_topics(settings)
    ledger = settings.ledger
    progress = ledger_progress(settings)
    with ExitStack() as stack:
        stack.callback(progress.close)
        ledgers = [
            stack.enter_context(
                process(
                    settings,
                    "ledger",
                    STOCKFOLD_LEDGER__INSTANCE=f"ledger-{number + 1}",
                    STOCKFOLD_LEDGER__BATCH_EVENTS_MAX=str(ledger.batch_events_max),
                    STOCKFOLD_LEDGER__BATCH_MS_MAX=str(ledger.batch_ms_max),
                    STOCKFOLD_LOG_LEVEL="WARNING",
                )
            )
            for number in range(processes)
        ]
        started_s = time.monotonic()
        fed = feed(settings, count, skus, seed, again=again, held=True)
        time.sleep(max(0.0, started_s + READY_S - time.monotonic()))
        before = [cpu_s(one) for one in ledgers]
        fed.commit_transaction()
        row = watch(ledgers, progress, count + again, broker, warm_up)
        spent = [cpu_s(one) - begun for one, begun in zip(ledgers, before, strict=True)]
    if min(spent) < sum(spent) / processes * SHARE_LEAST:
        raise UnavailableError(
            f"the processes spent {spent} s: they did not share the events",
            remedy="Read the ledgers' logs above.",
        )
    per_million = round(sum(spent) / (count + again) * 1e6, 2)
    return {"processes": processes, **row, "cpu_s_per_million": per_million}


def run(console: Console, count: int = 300_000, repeats: int = 3) -> dict[str, Any]:
    """One and two, in turns, the order turned round each time; the median of the pairs' ratios."""
    rows: list[dict[str, float]] = []
    ratios: list[float] = []
    with new_broker() as broker:
        measure(broker.for_backlog("warm."), count // 4, SKUS, 1, 1)  # The broker is compiled.
        for repeat in range(repeats):
            pair = {}
            for processes in (1, 2) if repeat % 2 == 0 else (2, 1):
                settings = broker.for_backlog(f"r{repeat}p{processes}.")
                pair[processes] = measure(settings, count, SKUS, 1, processes)
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
