"""Rebuild: the journal folded to positions on both paths, reading it from Kafka included.

``python -m infra.bench.rebuild`` starts a broker, has the ledger write a journal of the full
vocabulary once, and folds it several times on each path, in turns. It takes about a minute.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path as File
from statistics import median

from infra.bench.broker import new_broker
from infra.bench.ledger import measure as write_journal
from rich.console import Console

from stockfold.contracts.topics import JOURNAL
from stockfold.domain.errors import DefectError
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.projector.rows import Row
from stockfold_services.rebuild.positions import Path, fold_partition, open_batches

Figures = dict[str, float | str]


def measure(settings: Settings, path: Path) -> tuple[Figures, set[Row]]:
    """Fold the whole journal of an environment, one partition after the other; the rows it makes.

    ``events_per_cpu_s`` divides by the processor time of every thread, Kafka's client included:
    what one core does.
    """
    reader = PartitionReader(settings)
    partitions = range(settings.kafka.sku_partitions)
    ends = [reader.stable_end(JOURNAL, partition) for partition in partitions]
    parts = []
    began, cpu = time.perf_counter(), time.process_time()
    with open_batches(settings, path) as batches:
        for partition in partitions:
            end = ends[partition]
            parts.append(fold_partition(reader, partition, end, path, lambda _: None, batches))
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    facts = sum(part.facts for part in parts)
    figures: Figures = {
        "path": path,
        "events": facts,
        "positions": sum(len(part.positions) for part in parts),
        "seconds": round(seconds, 2),
        "events_per_s": round(facts / seconds),
        "events_per_cpu_s": round(facts / cpu_s),
    }
    return figures, {row for part in parts for row in (*part.positions, *part.summaries)}


def run(settings: Settings, console: Console, runs: int = 2) -> list[Figures]:
    """Both paths in turns over the journal that the ledger's benchmark wrote; bulk once to warm up.

    DefectError when they do not make the same rows.
    """
    rows: list[Figures] = []
    _, expected = measure(settings, "bulk")
    order: tuple[Path, Path] = ("bulk", "scalar")
    for path in order * runs:
        figures, made = measure(settings, path)
        if made != expected:
            raise DefectError(
                f"{len(made ^ expected)} rows of the two paths differ",
                remedy="Fix the bulk path: the scalar one is the definition.",
            )
        rows.append(figures)
    for path in order:
        shown = [row for row in rows if row["path"] == path]
        paces = [float(row["events_per_cpu_s"]) for row in shown]
        console.print(
            f"rebuild, {path}: {median(paces):,.0f} journal events/s per core, "
            f"at best {max(paces):,.0f}"
        )
    return rows


def main() -> None:
    """Measure it by itself."""
    parser = argparse.ArgumentParser(prog="bench.rebuild", description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=File, default=File("build/bench-rebuild.json"))
    options = parser.parse_args()
    console = Console()
    with new_broker() as broker:
        settings = broker.for_backlog("rebuild.")
        write_journal(settings, options.events, options.skus, options.seed)
        rows = run(settings, console, options.runs)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
