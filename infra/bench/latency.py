"""From an event's produce to its committed position, at a steady rate; and what batches cost.

For each batch time: percentiles at a steady rate and where the time goes, and the pace through a
backlog.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import psutil
from aiokafka import AIOKafkaProducer
from infra.bench import latency_page
from infra.bench.broker import new_broker
from infra.bench.checkout import process
from infra.bench.journal import JournalReader, Seen
from infra.bench.ledger import measure
from infra.bench.spent import cpu_s
from infra.bench.workload import Event, events
from rich.console import Console
from rich.table import Table

from stockfold.contracts.journal import decode_entry
from stockfold.contracts.topics import INPUTS
from stockfold.domain.errors import UnavailableError
from stockfold.ledger.facts import Fact
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.kafka import aiokafka_config, ensure_topics
from stockfold.runtime.settings import Settings

BATCH_MS = (5, 25, 100, 500)
EARLY_S = 5.0
"""Of the beginning nothing counts: processes start, and the broker has to be compiled."""
SKUS = 20_000
SILENT_S = 5.0
READY_S_MAX = 90.0
SLICE_S = 0.002
LINGER_MS = 5
PAGE = Path(__file__).parents[2] / "infra/docs/latency.md"


class Sent(NamedTuple):
    """When each event was handed to the producer, and CPU seconds spent since the beginning."""

    at_s: list[float]
    cpu_s: list[float]


async def _send(
    settings: Settings,
    made: Sequence[Event],
    rate_s: int,
    watched: Sequence[psutil.Process],
    reader: JournalReader,
) -> Sent:
    """Produce them evenly, as `stockfold.client` does: a request carries what all partitions have.

    The first one goes before, and the others once it was folded: the ledger serves by then.
    """
    producer = AIOKafkaProducer(
        **aiokafka_config(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=LINGER_MS,
        compression_type="lz4",
    )
    await producer.start()
    for topic in INPUTS:
        await producer.partitions_for(topic.full_name(settings.prefix))
    first, *others = made
    before: list[float] = []
    sent_s = [time.time()]
    await producer.send(
        first.topic.full_name(settings.prefix), first.value, first.key, headers=first.headers
    )
    await asyncio.to_thread(reader.heard.wait, READY_S_MAX)
    began_s = time.time()
    for number, event in enumerate(others, 1):
        ahead_s = began_s + number / rate_s - time.time()
        if ahead_s > SLICE_S:
            await asyncio.sleep(ahead_s)
        if number == int(rate_s * EARLY_S):
            before = [cpu_s(one) for one in watched]
        sent_s.append(time.time())
        await producer.send(
            event.topic.full_name(settings.prefix), event.value, event.key, headers=event.headers
        )
    spent_s = [cpu_s(one) - begun for one, begun in zip(watched, before, strict=True)]
    await producer.stop()
    return Sent(sent_s, spent_s)


def at_rate(settings: Settings, rate_s: int, seconds: int, skus: int) -> dict[str, float]:
    """Percentiles in milliseconds of what was sent after the beginning, and medians of its parts.

    Waits: until the ledger has taken it into a batch. Decided: until the batch's outputs were
    handed to the producer, that is decided and their transaction begun. Committed: until they were
    read. UnavailableError when the ledger does not answer.
    """
    ensure_topics(settings)
    made = list(events(rate_s * seconds, skus, 1, SYSTEM_CLOCK.now_us()))
    batch = str(settings.ledger.batch_ms_max)
    reader = JournalReader(settings)
    try:
        with process(settings, "ledger", STOCKFOLD_LEDGER__BATCH_MS_MAX=batch) as running:
            broker = _broker()
            sent = asyncio.run(_send(settings, made, rate_s, [running, broker], reader))
            _wait_for_silence(reader)
    finally:
        reader.close()
    early = int(rate_s * EARLY_S)
    due = dict(zip(map(_id_of, made[early:]), sent.at_s[early:], strict=True))
    parts = _parts(reader.seen, due)
    if len(parts) < len(due) * 0.8:  # Refused events have no fact.
        raise UnavailableError(
            f"of {len(due)} events {len(parts)} have a fact",
            remedy="Read the ledger's log above.",
        )
    waits, decided, committed = (sorted(part) for part in zip(*parts, strict=True))
    took = sorted(sum(part) for part in parts)
    ledger_s, broker_s = sent.cpu_s
    return {
        "batch_ms": settings.ledger.batch_ms_max,
        "events_per_s_offered": round(len(due) / (sent.at_s[-1] - sent.at_s[early])),
        "p50_ms": _ms(took, 0.50),
        "p95_ms": _ms(took, 0.95),
        "p99_ms": _ms(took, 0.99),
        "most_ms": _ms(took, 1.0),
        "waits_p50_ms": _ms(waits, 0.50),
        "decided_p50_ms": _ms(decided, 0.50),
        "committed_p50_ms": _ms(committed, 0.50),
        "ledger_cpu_us": round(ledger_s / len(due) * 1e6, 1),
        "broker_cpu_us": round(broker_s / len(due) * 1e6, 1),
    }


def _broker() -> psutil.Process:
    """The embedded broker, which is a child of ours."""
    children = psutil.Process().children(recursive=True)
    return next(child for child in children if child.name() == "java")


def _wait_for_silence(reader: JournalReader) -> None:
    known, heard_s = len(reader.seen), time.monotonic()
    while time.monotonic() - heard_s < SILENT_S:
        time.sleep(0.1)
        if len(reader.seen) > known:
            known, heard_s = len(reader.seen), time.monotonic()


def _parts(seen: Sequence[Seen], due: dict[str, float]) -> list[tuple[float, float, float]]:
    """Of each event's first fact: seconds until taken, from there until produced, until seen."""
    parts: dict[str, tuple[float, float, float]] = {}
    for at_s, produced_s, value in seen:
        entry = decode_entry(value)
        if isinstance(entry, Fact) and entry.cause.event_id in due:
            name, taken_s = entry.cause.event_id, entry.recorded_us / 1e6
            parts.setdefault(name, (taken_s - due[name], produced_s - taken_s, at_s - produced_s))
    return list(parts.values())


def _id_of(event: Event) -> str:
    return next(value for name, value in event.headers if name == "ce_id").decode()


def _ms(ordered: Sequence[float], share: float) -> float:
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1_000, 1)


def run(
    console: Console,
    rate_s: int = 5_000,
    seconds: int = 15,
    backlog: int = 200_000,
    batches_ms: Sequence[int] = BATCH_MS,
) -> list[dict[str, float]]:
    """The curve, on one broker."""
    rows = []
    with new_broker() as broker:
        for batch_ms in batches_ms:
            row = at_rate(broker.for_backlog(f"at{batch_ms}.", batch_ms), rate_s, seconds, SKUS)
            rows.append(row)
            if backlog:
                settings = broker.for_backlog(f"all{batch_ms}.", batch_ms)
                through = measure(settings, backlog, SKUS, 1)
                row["backlog_events_per_s"] = through["events_per_s"]
                row["backlog_cpu_us"] = through["cpu_s_per_million"]
            console.print(", ".join(f"{name} {value:,}" for name, value in row.items()))
    return rows


def main() -> None:
    """Measure the curve; a table, build/latency.json and build/latency.svg."""
    parser = argparse.ArgumentParser(prog="bench.latency", description=__doc__)
    parser.add_argument("--rate", type=int, default=5_000, help="events a second")
    parser.add_argument("--seconds", type=int, default=15, help="of which five do not count")
    parser.add_argument("--backlog", type=int, default=200_000, help="events; 0 for none")
    parser.add_argument("--batch-ms", type=int, nargs="*", default=list(BATCH_MS))
    parser.add_argument("--out", type=Path, default=Path("build/latency.json"))
    parser.add_argument("--write-page", action="store_true", help=f"also into {PAGE.name}")
    options = parser.parse_args()
    console = Console(width=200)
    rows = run(console, options.rate, options.seconds, options.backlog, options.batch_ms)
    table = Table(title=f"From produce to committed position, {options.rate:,} events/s")
    for column in rows[0]:
        table.add_column(column.replace("_", " "), justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    console.print(table)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(rows, indent=2) + "\n")
    options.out.with_suffix(".svg").write_text(latency_page.picture(rows))
    if options.write_page:
        latency_page.write(PAGE, rows)


if __name__ == "__main__":
    main()
