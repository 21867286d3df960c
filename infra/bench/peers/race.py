"""The same events through the ledger and its peers, in turns: a table, a picture, a page."""

from __future__ import annotations

import argparse

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
    peer,
)
from rich.console import Console
from rich.table import Table

LEDGER = "stockfold ledger"
AGAIN = 100
"""One event in so many comes a second time, at the end."""

RACERS: dict[str, Racer] = {
    "Kafka alone, reading": kafka_alone,
    LEDGER: ledger,
    "Kafka Streams, exactly once": peer("kafka_streams", in_java),
    "Quix Streams, exactly once": peer("quix", in_python("quix", "quix"), share=2),
    "faust-streaming, exactly once": peer(
        "faust", in_python("faust_streaming", "faust", "exactly_once"), share=20
    ),
}
PEERS = {
    "0": ["Kafka alone, reading", LEDGER],
    "1": [name for name in RACERS if not name.startswith("Kafka Streams")],
    "all": list(RACERS),
}
"""By what ``make bench PEERS=`` says."""

Race = dict[str, list[dict[str, float]]]


def add_options(parser: argparse.ArgumentParser) -> None:
    """What the race can be told."""
    parser.add_argument("--peers", choices=list(PEERS), default="1", help="all: with Kafka Streams")
    parser.add_argument("--only", nargs="+", choices=list(RACERS), help="these, and no others")
    parser.add_argument("--race-events", type=int, default=200_000)
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
    console.print(_table(found, f"{events:,} events, {skus:,} SKUs, {options.repeats} runs"))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.with_name("race.svg").write_text(page.picture(found, LEDGER))
    if options.write_page:
        page.write(ROOT / "infra/docs/peers.md", ROOT / "infra/docs/peers.svg", found, LEDGER)
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
    found: Race = {name: [] for name in names}
    for repeat in range(repeats):
        for name in names if repeat % 2 == 0 else reversed(names):
            with new_broker() as broker:
                settings = broker.for_backlog("race.")
                course = Course(settings, count, skus, 1 + repeat, count // AGAIN, broker.folder)
                row = RACERS[name](course)
            found[name].append(row)
            console.print(f"{name}, run {repeat + 1}: {row['events_per_s']:,.0f} events/s")
    return found
