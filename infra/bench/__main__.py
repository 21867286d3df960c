"""``make bench``: tables on the terminal and build/bench.json, a part after the other.

A part's figures are in the file as soon as it is through, beside what other parts came to before.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from infra.bench import (
    availability,
    batch_get,
    checkout,
    kits,
    latency,
    lookups,
    memory,
    processes,
    projector,
    promotion,
    publishing,
    rebuild,
    recovery,
    scale,
    skew,
    takeover,
)
from infra.bench.broker import new_broker
from infra.bench.ledger import measure
from infra.bench.peers import race
from infra.bench.results import RESULTS, keep
from rich.console import Console
from rich.table import Table

Options = argparse.Namespace
Part = Callable[[Console, Options], object]


def _ledger(console: Console, options: Options) -> dict[str, object]:
    """The ledger alone, and the rebuild of the journal that it wrote."""
    rows = []
    with new_broker() as broker:
        for run in range(options.runs):
            settings = broker.for_backlog(f"bench{run}.")
            rows.append(measure(settings, options.events, options.skus, options.seed + run))
            console.print(f"run {run + 1}: {rows[-1]['events_per_s']:,.0f} events/s")
        rebuilt = rebuild.run(settings, console)
    table = Table(title="Ledger: Avro in, exactly once, journal, positions and statuses out")
    for column in rows[0]:
        table.add_column(column, justify="right")
    for row in rows:
        table.add_row(*(f"{value:,}" for value in row.values()))
    console.print(table)
    return {"runs": rows, "rebuild": rebuilt}


def _memory(console: Console, _: Options) -> dict[str, float]:
    budget = memory.measure()
    for name, size in budget.items():
        console.print(f"{name.replace('_', ' ')}: {size:,.0f}")
    return budget


def _recovery(console: Console, options: Options) -> dict[str, float]:
    if not options.sku_locations:
        return {}
    served = recovery.run(options.sku_locations, recovery.TAIL, recovery.KILLS, console)
    for name, value in served.items():
        console.print(f"{name.replace('_', ' ')}: {value:,}")
    return served


PARTS: dict[str, Part] = {
    "race": race.run,
    "ledger": _ledger,
    "latency": lambda console, _: latency.run(console),
    "processes": lambda console, _: processes.run(console),
    "memory": _memory,
    "recovery": _recovery,
    "scale": lambda console, _: msgspec.to_builtins(scale.run(console, scale.SIZES, scale.EVENTS)),
    "takeover": lambda console, _: takeover.run(console, takeover.SIZES),
    "skew": lambda console, _: skew.run(console, skew.RATE_S, skew.SECONDS),
    "availability": lambda console, _: availability.run(console),
    "kits": lambda console, _: kits.run(console),
    "projector": lambda console, _: projector.run(console),
    "lookups": lambda console, _: lookups.run(console),
    "batch_get": lambda console, _: batch_get.run(console),
    "checkout": lambda console, _: checkout.run(console),
    "promotion": lambda console, _: promotion.run(console),
    "publishing": lambda console, _: publishing.run(console),
}
"""In this order, each on servers of its own."""


def main() -> None:
    """Run the parts that are chosen."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--events", type=int, default=500_000, help="of the ledger's own part")
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=2, help="of the ledger's own part")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--sku-locations",
        type=int,
        default=recovery.SKU_LOCATIONS,
        help="of the ledger that is killed; 0 leaves recovery out",
    )
    race.add_options(parser)
    options = parser.parse_args()
    console = Console()
    for name in options.parts:
        console.rule(name)
        began = time.monotonic()
        figures = PARTS[name](console, options)
        if figures:
            keep(options.out, **{name: figures})
        console.print(f"{name}: {time.monotonic() - began:.0f} s")
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
