"""``make bench``: a table on the terminal and build/bench.json."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from infra.bench import (
    availability,
    batch_get,
    checkout,
    kits,
    memory,
    promotion,
    publishing,
    rebuild,
    recovery,
)
from infra.bench.broker import new_broker
from infra.bench.ledger import measure
from rich.console import Console
from rich.table import Table


def main() -> None:
    """Run the benchmark on an embedded broker of its own."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--events", type=int, default=500_000)
    parser.add_argument("--skus", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--sku-locations",
        type=int,
        default=recovery.SKU_LOCATIONS,
        help="of the ledger that is killed; 0 leaves recovery out",
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    options = parser.parse_args()
    console = Console()
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
    budget = memory.measure()
    for name, size in budget.items():
        console.print(f"{name.replace('_', ' ')}: {size:,.0f}")
    served: dict[str, float] = {}
    if options.sku_locations:
        served = recovery.run(options.sku_locations, recovery.TAIL, recovery.KILLS, console)
        for name, value in served.items():
            console.print(f"{name.replace('_', ' ')}: {value:,}")
    told = availability.run(console)
    assembled = kits.run(console)
    asked = batch_get.run(console)
    reserved = checkout.run(console)
    promoted = promotion.run(console)
    published = publishing.run(console)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "ledger": rows,
        "rebuild": rebuilt,
        "memory": budget,
        "availability": told,
        "kits": assembled,
        "batch_get": asked,
        "recovery": served,
        "checkout": reserved,
        "promotion": promoted,
        "publishing": published,
    }
    options.out.write_text(json.dumps(found, indent=2) + "\n")
    console.print(f"written to {options.out}")


if __name__ == "__main__":
    main()
