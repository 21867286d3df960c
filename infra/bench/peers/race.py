"""The same events through the ledger and its peers, in turns: a table, a picture, a page."""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from typing import NamedTuple

import psutil
from infra.bench.broker import new_broker
from infra.bench.peers import page
from infra.bench.peers.racers import (
    ROOT,
    Course,
    Racer,
    in_java,
    in_python,
    kafka_alone,
    ledger,
    ledgers,
    peer,
)
from rich.console import Console
from rich.table import Table

LEDGER = "stockfold ledger"
AGAIN = 100
"""One event in so many comes a second time, at the end."""
WIDTH = 130
"""Of the table, wherever it is printed: a log has no width of its own."""


class Entry(NamedTuple):
    """A racer, and what it is called where figures are shown."""

    title: str
    run: Racer


RACERS = {
    "kafka": Entry("Kafka alone, reading", kafka_alone),
    "ledger": Entry(LEDGER, ledger),
    "kafka_streams": Entry("Kafka Streams, one thread", peer("kafka_streams", in_java(1))),
    "ledgers": Entry(f"{LEDGER}, two processes", ledgers),
    "kafka_streams_2": Entry("Kafka Streams, two threads", peer("kafka_streams", in_java(2))),
    "quix": Entry("Quix Streams", peer("quix", in_python("quix", "quix"), scale=0.25)),
    "faust": Entry(
        "faust-streaming",
        peer("faust", in_python("faust_streaming", "faust", "exactly_once"), scale=0.025),
    ),
}
PEERS = {
    "0": ["kafka", "ledger", "ledgers"],
    "1": ["kafka", "ledger", "ledgers", "quix", "faust"],
    "all": list(RACERS),
}
"""By what ``make bench PEERS=`` says."""
OURS = (LEDGER, RACERS["ledgers"].title)
STREAMS = (RACERS["kafka_streams"].title, RACERS["kafka_streams_2"].title)
DUELS = [
    page.Duel("With one worker", OURS[:1], STREAMS[:1]),
    page.Duel("With two", OURS[1:], STREAMS[1:]),
    page.Duel("With as many as suit each best", OURS, STREAMS),
]
"""Who is told beside whom."""

Race = dict[str, list[dict[str, float]]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the race can be told."""
    parser.add_argument("--peers", choices=list(PEERS), default="1", help="all: with Kafka Streams")
    parser.add_argument("--only", nargs="+", choices=list(RACERS), help="these, and no others")
    parser.add_argument("--race-events", type=int, default=300_000)
    parser.add_argument("--race-skus", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--write-page", action="store_true", help="into infra/docs/peers.md, too")


def run(console: Console, options: argparse.Namespace) -> Race:
    """Race, and show what came of it."""
    names = options.only or PEERS[options.peers]
    events, skus = options.race_events, options.race_skus
    found = race(names, options.repeats, events, skus, console)
    if LEDGER not in found:
        return found
    how = f"{events:,} events over {skus:,} SKUs, {options.repeats} runs, {os.cpu_count()} cores"
    Console(width=max(console.width, WIDTH)).print(_table(found, how))
    told = page.told(found, DUELS)
    console.print(told, soft_wrap=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_name("race.svg").write_text(page.picture(found, LEDGER))
    if options.write_page:
        docs, dated = ROOT / "infra/docs", f"Measured: {how}, {datetime.now(UTC):%d %B %Y}."
        page.write(docs / "peers.md", docs / "peers.svg", found, LEDGER, f"{told}\n\n{dated}")
    return found


def _table(found: Race, title: str) -> Table:
    first, *others = page.COLUMNS
    shown = Table(title=title)
    shown.add_column(first, no_wrap=True)
    for column in others:
        shown.add_column(column, justify="right")
    for row in page.rows(found, LEDGER):
        shown.add_row(*row)
    return shown


def race(names: list[str], repeats: int, count: int, skus: int, console: Console) -> Race:
    """Each in turn, the order turned round every time; each time on a broker of its own."""
    found: Race = {RACERS[name].title: [] for name in names}
    turns = [
        (repeat, name)
        for repeat in range(repeats)
        for name in (names if repeat % 2 == 0 else reversed(names))
    ]
    began = time.monotonic()
    for turn, (repeat, name) in enumerate(turns):
        title = RACERS[name].title
        with new_broker() as broker:
            settings = broker.for_backlog("race.")
            again, process = count // AGAIN, psutil.Process(broker.pid)
            course = Course(settings, count, skus, 1 + repeat, again, broker.folder, process)
            with console.status(f"{title}: feeding, running, proving"):
                row = RACERS[name].run(course)
        found[title].append(row)
        spent_s = time.monotonic() - began
        left_s = spent_s / (turn + 1) * (len(turns) - turn - 1)
        console.print(
            f"{turn + 1} of {len(turns)}: {title}, {row['events_per_s']:,} events/s; "
            f"{spent_s:.0f} s, about {left_s:.0f} s to go",
            highlight=False,
            soft_wrap=True,
        )
    return found
