"""``stockfold size``: what an installation of a size needs, from measured costs."""

from __future__ import annotations

from typing import Annotated

import typer

from stockfold_services.cli.output import AsJson, print_json, print_table
from stockfold_services.cli.sizing.arithmetic import number
from stockfold_services.cli.sizing.costs import COSTS
from stockfold_services.cli.sizing.needs import Needs, Size, limits


def size(
    skus: Annotated[int, typer.Option(min=1, help="SKUs.")],
    locations: Annotated[float, typer.Option(min=1, help="Locations of a SKU, on average.")] = 1,
    orders_per_day: Annotated[int, typer.Option(min=0, help="Orders a day.")] = 0,
    lines: Annotated[float, typer.Option(min=1, help="Lines of an order, on average.")] = 2,
    other_per_day: Annotated[
        int,
        typer.Option(min=0, help="Other events a day: receipts, counts, transfers, store sales."),
    ] = 0,
    channels: Annotated[
        float, typer.Option(min=0, help="Channels that a SKU is listed on, on average.")
    ] = 2,
    peak: Annotated[
        float, typer.Option(min=1, help="The busiest second against an average one.")
    ] = 10,
    lookups_per_s: Annotated[
        float, typer.Option(min=0, help="Availability look-ups a second at the peak.")
    ] = 10,
    as_json: AsJson = False,
) -> None:
    """Estimate partitions, processes, memory, disk and PostgreSQL, with the arithmetic.

    What things cost was measured: see infra/docs/sizing.md. No server is needed.
    """
    wanted = Size(
        "", skus, locations, channels, orders_per_day, lines, other_per_day, peak, lookups_per_s
    )
    needs = Needs(wanted)
    found = limits(needs)
    if as_json:
        print_json(
            {
                "figures": [step._asdict() for step in needs.steps],
                "limits": [
                    {"name": limit.name, "full": limit.full, "then": limit.then} for limit in found
                ],
                "costs": {name: cost._asdict() for name, cost in COSTS.items()},
            }
        )
        return
    print_table(("figure", "value", "how"), [(s.name, s.shown, s.how) for s in needs.steps])
    print_table(
        ("with one of everything", "full", "what to do then"),
        [(limit.name, f"{number(limit.full * 100)} %", limit.then) for limit in found],
    )
