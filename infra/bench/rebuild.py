"""Rebuild: the journal folded to positions on both paths, reading it from Kafka included."""

from __future__ import annotations

import time

from rich.console import Console

from stockfold.contracts.topics import JOURNAL
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings
from stockfold_services.rebuild.positions import Path, fold_partition


def measure(settings: Settings, path: Path) -> dict[str, float | str]:
    """Fold the whole journal of an environment, one partition after the other.

    ``events_per_cpu_s`` divides by the processor time of every thread, Kafka's client included:
    what one core does.
    """
    reader = PartitionReader(settings)
    partitions = range(settings.kafka.sku_partitions)
    ends = [reader.stable_end(JOURNAL, partition) for partition in partitions]
    began, cpu = time.perf_counter(), time.process_time()
    facts = places = 0
    for partition in partitions:
        folded = fold_partition(reader, partition, ends[partition], path, lambda _: None)
        facts += folded.facts
        places += len(folded.positions)
    seconds, cpu_s = time.perf_counter() - began, time.process_time() - cpu
    return {
        "path": path,
        "events": facts,
        "positions": places,
        "seconds": round(seconds, 2),
        "events_per_s": round(facts / seconds),
        "events_per_cpu_s": round(facts / cpu_s),
    }


def run(settings: Settings, console: Console) -> list[dict[str, float | str]]:
    """Both paths over the journal that the ledger's benchmark wrote; bulk again when warm."""
    rows = [measure(settings, path) for path in ("bulk", "bulk", "scalar")]
    for row in rows:
        console.print(
            f"rebuild, {row['path']}: {row['events_per_s']:,} journal events/s, "
            f"{row['events_per_cpu_s']:,} per core"
        )
    return rows
