"""The projector: how fast it writes what a ledger and an availability process have left to it.

A real ledger folds the workload, a real availability process promises what comes of it; then one
projector with its default settings copies their topics into an empty PostgreSQL. Rows are counted
by PostgreSQL itself: one that was inserted, or one whose contents a transaction has replaced. What
must be there in the end is known from the topics, and the run fails when it is not. Run alone:
``python -m infra.bench.projector``.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import asyncpg
import psutil
from infra.bench.checkout import process
from infra.bench.read_side import (
    SILENT_S_MAX,
    TOPICS,
    Backlog,
    Servers,
    arrived,
    backlog,
    bytes_on_disk,
    database,
    fold,
    servers,
    snapshot_bytes,
)
from infra.bench.results import RESULTS, keep
from infra.bench.spent import cpu_s, family_cpu_s
from rich.console import Console

from stockfold.contracts.topics import AVAILABILITY, EXCEPTIONS, INPUTS, JOURNAL, POSITIONS
from stockfold.domain.errors import UnavailableError
from stockfold.runtime.postgres import schema_name
from stockfold_services.projector.tables import TABLES

EVENTS = 200_000
SKUS = 20_000
LOOK_S = 0.1
TELL_S = 2.0
"""A backend tells its counts once a second, and when it has nothing to do."""

_ROWS = """
SELECT relname AS name, n_tup_ins + n_tup_upd AS rows, n_tup_upd AS replaced,
    n_tup_hot_upd AS in_place, n_live_tup AS live, pg_total_relation_size(relid) AS bytes
FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = ANY($2)
"""

KINDS = {
    JOURNAL: ("JournalFact",),
    POSITIONS: ("Position", "SkuSummary"),
    AVAILABILITY: ("Availability",),
    EXCEPTIONS: ("ExceptionRaised",),
}
"""What is counted of each topic; the ends of transactions go with the facts."""

Figures = dict[str, float]


async def _watch(found: Servers, wanted: Backlog, child: psutil.Process) -> Figures:
    """Time the projector from the first to the last transaction that is seen to be committed."""
    schema = schema_name(found.settings.prefix)
    connection = await asyncpg.connect(database(found.settings))
    try:
        total, first, first_at, last, heard = sum(wanted.nexts.values()), 0, 0.0, -1, 0.0
        before: tuple[float, ...] = ()
        while True:
            done = await arrived(connection, found.settings, wanted)
            now = time.monotonic()
            if done > last:
                last, heard = done, now
            if done and not first_at:
                first_at, first = now, done
                before = (cpu_s(child), family_cpu_s(found.postgres), cpu_s(found.kafka))
            if done >= total:
                break
            silent = heard and now - heard > SILENT_S_MAX
            if silent or child.status() == psutil.STATUS_ZOMBIE:
                raise UnavailableError(
                    f"it stopped at {done} of {total} records", remedy="Read its log above."
                )
            await asyncio.sleep(LOOK_S)
        after = (cpu_s(child), family_cpu_s(found.postgres), cpu_s(found.kafka))
        await asyncio.sleep(TELL_S)
        rows = await connection.fetch(_ROWS, schema, [table.name for table in TABLES])
        _check(wanted, {row["name"]: row["live"] for row in rows})
        timed = (total - first) / total
        spent = [b - a for a, b in zip(before, after, strict=True)]
        return _figures(wanted, rows, timed, now - first_at, spent)
    finally:
        await connection.close()


def _check(wanted: Backlog, live: dict[str, int]) -> None:
    """UnavailableError unless everything is there."""
    for table, count in (
        ("journal", wanted.records["JournalFact"]),
        ("positions", len(wanted.keys["Position"])),
        ("availability", len(wanted.keys["Availability"])),
        ("availability_history", wanted.records["Availability"]),
        ("exceptions", wanted.records["ExceptionRaised"]),
        ("unreadable", 0),
    ):
        if live.get(table, 0) != count:
            raise UnavailableError(
                f"{table} has {live.get(table, 0):,} rows, the topics have {count:,}",
                remedy="Read the projector's log above.",
            )


def _figures(
    wanted: Backlog, rows: list[asyncpg.Record], timed: float, seconds: float, spent: list[float]
) -> Figures:
    """Figures of the timed part; what came before the first commit was seen is left out."""
    records = sum(wanted.records.values()) * timed
    written = sum(row["rows"] for row in rows) * timed
    projector_s, postgres_s, kafka_s = spent
    told: Figures = {
        "records": round(records),
        "rows": round(written),
        "seconds": round(seconds, 2),
        "records_per_s": round(records / seconds),
        "rows_per_s": round(written / seconds),
        "projector_cpu_us_per_row": round(projector_s / written * 1e6, 1),
        "postgres_cpu_us_per_row": round(postgres_s / written * 1e6, 1),
        "kafka_cpu_us_per_row": round(kafka_s / written * 1e6, 1),
        "rows_per_projector_cpu_s": round(written / projector_s),
    }
    for row in rows:
        if row["rows"]:
            told[f"rows_of_{row['name']}"] = row["rows"]
            told[f"bytes_a_row_of_{row['name']}"] = round(row["bytes"] / max(row["live"], 1))
    replaced = sum(row["replaced"] for row in rows)
    told["replaced_in_place"] = round(sum(row["in_place"] for row in rows) / max(replaced, 1), 3)
    for kind, count in wanted.records.items():
        told[f"records_of_{kind}"] = count
        told[f"bytes_of_{kind}"] = round(wanted.sizes[kind] / count, 1)
    return told


def _disk(up: Servers, events: int, wanted: Backlog) -> Figures:
    """Bytes on disk: of the inputs an event, of each output a record; and of snapshots."""
    told: Figures = {
        "disk_bytes_an_input_event": round(sum(bytes_on_disk(up, t) for t in INPUTS) / events, 1)
    }
    for topic in TOPICS:
        count = sum(wanted.records[kind] for kind in KINDS[topic])
        told[f"disk_bytes_a_record_of_{topic.name}"] = round(bytes_on_disk(up, topic) / count, 1)
    places = len(wanted.keys["Position"])
    told["snapshot_bytes_a_sku_location"] = round(snapshot_bytes(up.settings) / places, 1)
    return told


def run(console: Console, events: int = EVENTS, skus: int = SKUS, runs: int = 1) -> list[Figures]:
    """Measure so many times, each into a database of its own, and print what was found."""
    found = []
    for number in range(runs):
        with servers() as up:
            console.print(f"projector: a ledger folds {events:,} events first")
            fold(up.settings, events, skus, number + 1)
            wanted = backlog(up.settings)
            console.print(f"projector: {sum(wanted.records.values()):,} records wait")
            dsn = database(up.settings)
            with process(up.settings, "projector", STOCKFOLD_POSTGRES__DSN=dsn) as child:
                found.append(asyncio.run(_watch(up, wanted, child)))
            found[-1] |= _disk(up, events, wanted)
        for name, value in found[-1].items():
            console.print(f"{name.replace('_', ' ')}: {value:,}")
    return found


def main() -> None:
    """Run it alone; its figures go into build/bench.json beside the others'."""
    parser = argparse.ArgumentParser(prog="bench.projector", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--skus", type=int, default=SKUS)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    keep(options.out, projector=run(Console(), options.events, options.skus, options.runs))


if __name__ == "__main__":
    main()
