"""Writes ``infra/docs/sizing.md`` from the measured costs: ``python -m infra.docs.sizing``.

A test holds the page, the costs and the arithmetic together.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stockfold_services.cli.sizing.arithmetic import number
from stockfold_services.cli.sizing.costs import COSTS
from stockfold_services.cli.sizing.needs import (
    BUSY,
    EVENTS_PER_LINE,
    HISTORY_DAYS,
    MEMORY_GIB,
    OPEN_DAYS,
    SERVER_CORES,
    SERVER_DISK_GIB,
    TOLD_SHARE,
    Needs,
    Size,
    limits,
    sizes,
)

PATH = Path(__file__).with_name("sizing.md")
_HEAD = f"""# What a size needs

    stockfold size --skus 40000 --locations 400 --orders-per-day 20000
    stockfold size --skus 40000 --locations 400 --orders-per-day 20000 --json

From what things cost, measured, to partitions, processes, memory, disk and PostgreSQL; the
arithmetic is shown with every figure. `make docs` writes this page anew from the costs in
`services/stockfold_services/cli/sizing/costs.py`: after a measurement change that table, and
nothing here. Figures are estimates to begin with. They say what to measure on your own machines,
with your own events, before you buy.

Assumed throughout:

- An order line is {EVENTS_PER_LINE} events (reserved, allocated, shipped), open {OPEN_DAYS} days.
- A changed position is told on {TOLD_SHARE:.0%} of its channels.
- A process is busy with {BUSY:g} of a core at the peak and holds {MEMORY_GIB:g} GiB of stock;
  availability holds as much as the ledger. What every process of Python
  holds, some 150 MB, comes on top.
- What channels were told is kept {HISTORY_DAYS} days; inputs and journal for ever, in Kafka once:
  multiply by your replication. Producers that send event by event compress less than is told here.
- A server of PostgreSQL or a broker has {SERVER_CORES} cores and {SERVER_DISK_GIB:,} GiB.
- Publishers are not in it: how fast a channel may be told is the channel's to say.

## What things cost

What an event, a changed row and a look-up cost comes from two cores that had nothing else to do;
the other figures from the same cores while some thirty programs wanted them, where CPU is dearer,
by half and more. Bytes are what they are.
"""


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], numbers: int) -> str:
    """``numbers`` is the column that is set right."""
    rules = ["---:" if at == numbers else "---" for at in range(len(columns))]
    lines = [columns, rules, *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _costs() -> str:
    rows = [
        (cost.what, f"{number(cost.value)} {cost.unit}", f"`{cost.command}`", cost.on)
        for cost in COSTS.values()
    ]
    return _table(("of what", "cost", "measured by", "on"), rows, 1)


def _section(size: Size) -> str:
    needs = Needs(size)
    told = (
        f"{size.skus:,} SKUs at {size.locations:g} locations and on {size.channels:g} channels "
        f"each, {size.orders_per_day:,} orders a day of {size.lines:g} lines, "
        f"{size.other_per_day:,} other events a day (receipts, counts, transfers, sales in "
        f"stores), a peak of {size.peak:g} times the average, {size.lookups_per_s:,g} look-ups a "
        "second then."
    )
    figures = _table(("figure", "value", "how"), [(s.name, s.shown, s.how) for s in needs.steps], 1)
    found = limits(needs)
    full = _table(
        ("with one of everything", "full", "lasts for", "what to do then"),
        [
            (
                limit.name,
                f"{number(limit.full * 100)} %",
                f"{number(1 / limit.full)} times this",
                limit.then,
            )
            for limit in found
        ],
        1,
    )
    first = found[0]
    verdict = (
        f"**{first.name[:1].upper()}{first.name[1:]}** is full first, when all grows alike: at "
        f"{number(1 / first.full)} times this size."
        if first.full < 1
        else f"With one of everything, **{first.name}** comes first: it takes "
        f"{number(first.full)} of it. The processes above are what it takes."
    )
    return f"## {size.name}\n\n{told}\n\n{figures}\n\n{verdict}\n\n{full}\n"


def render() -> str:
    """The page as it must be."""
    return "\n".join([_HEAD, _costs(), "", *(_section(size) for size in sizes())])


def main() -> None:
    """Write the page."""
    PATH.write_text(render(), "utf-8")


if __name__ == "__main__":
    main()
