"""``stockfold simulate-policy FILE``: recorded history under other policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.availability.what_if import Period, Side, WhatIf
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.reference import decode_item
from stockfold.contracts.topics import CATALOG, JOURNAL
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.domain.times import format_us
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.kafka_errors import kafka_errors
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.policy_file import from_file
from stockfold_services.cli.policy_world import World
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.journal import sku_partitions
from stockfold_services.cli.since import since_us
from stockfold_services.cli.what_if_plot import refuse_without_plots, write_plot

HEADER = ("channel", "policy", "told", "sold", "oversold", "lost")
UNKNOWN = (
    "Demand that never came because a shop showed nothing is not in the record: lost sales are at "
    "least this many."
)


def simulate_policy(
    file: Annotated[Path, typer.Argument(help="A file of policies, as of `stockfold policy`.")],
    from_: Annotated[
        str, typer.Option("--from", help="Beginning: 7d ago, or a time with an offset.")
    ] = "7d",
    to: Annotated[
        str | None, typer.Option("--to", help="End, not included; by default now.")
    ] = None,
    plot: Annotated[
        list[Path] | None, typer.Option(help="Write a plot: FILE.png or FILE.html; repeatable.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What another policy would have made of the demand that was recorded. Changes nothing.

    Each demand is judged by what either policy showed when it came, and by the stock there was.
    """
    period = _period(from_, to)
    for path in plot or ():
        refuse_without_plots(path)
    settings = attach(load(config))
    world = World(settings)
    wanted = {p.channel: p for p in from_file(file, settings, world.known(overlaps=False))}
    before = Side(world.in_force, world.places)
    after = Side({**world.in_force, **wanted}, world.places)
    run = WhatIf(before, after, period)
    with kafka_errors(
        "the journal was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        fold_journal(settings, run)
    found = report(run, period)
    for path in plot or ():
        write_plot(path, found)
    if as_json:
        print_json(found)
        return
    print_report(found)
    for path in plot or ():
        typer.echo(f"written: {path}")


def _period(from_: str, to: str | None) -> Period:
    to_us = since_us(to, "--to") or SYSTEM_CLOCK.now_us()
    from_us = since_us(from_, "--from") or 0
    if from_us >= to_us:
        raise StockfoldError(
            f"--from {format_us(from_us)} is not before --to {format_us(to_us)}",
            remedy="Give the earlier time to --from.",
        )
    return Period(from_us, to_us)


def fold_journal(settings: Settings, run: WhatIf) -> None:
    """Fold every partition's journal, one after the other; of each only its SKUs are in memory."""
    reader = PartitionReader(settings)
    partitions = range(sku_partitions(settings))
    ends = {number: reader.settled_end(JOURNAL, number) for number in partitions}
    with Bars() as bars:
        bars.stage("journal", sum(ends.values()))
        for number in partitions:
            run.categories = _categories(reader, number)
            for batch in reader.read(JOURNAL, number, end=ends[number]):
                for record in batch:
                    entry = decode_entry(record.value())
                    if not isinstance(entry, Mark):
                        run.take(entry)
                bars.done(len(batch))
            run.end_partition()


def _categories(reader: PartitionReader, number: int) -> dict[str, str]:
    """The category that each SKU has now; the catalogue keeps none of before."""
    found: dict[str, str] = {}
    for batch in reader.read(CATALOG, number, end=reader.settled_end(CATALOG, number)):
        for record in batch:
            if record.value() is None:
                continue
            try:
                item = decode_item(record.value(), record.key())
            except ContractError:
                continue  # The ledger has it as an exception.
            found[item.sku] = item.category
    return found


def report(run: WhatIf, period: Period) -> dict[str, Any]:
    """What was found, as plain values."""
    channels = sorted({*run.demands, *run.sides[0].outcomes, *run.sides[1].outcomes})
    return {
        "from": format_us(period.from_us),
        "to": format_us(period.to_us),
        "facts": run.facts,
        "deficit_units": run.deficit_units,
        "unknown": UNKNOWN,
        "channels": [
            {
                "channel": channel,
                "happened": msgspec.to_builtins(run.demands.get(channel)),
                "in_force": msgspec.to_builtins(run.sides[0].outcomes.get(channel)),
                "simulated": msgspec.to_builtins(run.sides[1].outcomes.get(channel)),
            }
            for channel in channels
        ],
    }


def rows_of(found: dict[str, Any]) -> list[tuple[object, ...]]:
    """The table: of each channel what happened, the policy in force, and the simulated one."""
    rows: list[tuple[object, ...]] = []
    for row in found["channels"]:
        asked = row["happened"]
        name = row["channel"] or "(none told)"
        if asked is not None:
            told = (
                f"{asked['asked']} units asked: {asked['accepted']} accepted, "
                f"{asked['waited']} waiting, {asked['refused']} refused"
            )
            rows.append((name, told, None, None, None, None))
        for key, what in (("in_force", "in force"), ("simulated", "simulated")):
            side = row[key]
            if side is not None:
                figures = (side[n] for n in ("publications", "sold", "oversold", "lost"))
                rows.append((name, what, *figures))
    return rows


def print_report(found: dict[str, Any]) -> None:
    """The report for people: the table, and what it does not know."""
    print_table(HEADER, rows_of(found))
    console = Console(highlight=False)
    console.print(
        f"{found['facts']:,} facts from {found['from']} to {found['to']}. Units really missing at "
        f"some location in that time: {found['deficit_units']:,}.",
        markup=False,
        soft_wrap=True,
    )
    console.print(found["unknown"], markup=False, soft_wrap=True)
