"""``stockfold simulate-policy FILE``: recorded history under other policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from stockfold.availability.policy import Policy
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Period
from stockfold.availability.what_if_kits import Kits
from stockfold.availability.what_if_sides import Side
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.contracts.reference import decode_item
from stockfold.contracts.topics import CATALOG, JOURNAL
from stockfold.domain.errors import ContractError, StockfoldError
from stockfold.domain.times import format_us
from stockfold.runtime.bills import trees_now
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold.runtime.since import since_us
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.policy_file import from_file
from stockfold_services.cli.policy_world import World
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.journal import sku_partitions
from stockfold_services.cli.what_if_plot import refuse_without_plots, write_plot
from stockfold_services.cli.what_if_report import print_report, report
from stockfold_services.cli.what_was import (
    ToldReader,
    kept_since_us,
    policies_then,
    silences_then,
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

    Each demand is judged by what either policy showed when it came, and by the stock there was;
    beside it stands what really happened, by what the channel was really told.
    """
    period = _period(from_, to)
    for path in plot or ():
        refuse_without_plots(path)
    settings = attach(load(config))
    world = World(settings)
    wanted = {p.channel: p for p in from_file(file, settings, world.known(overlaps=False))}
    with kafka_errors(
        "the journal was not read",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        run, notes = _simulate(settings, world, wanted, period)
    found = report(run, period, notes)
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


def _simulate(
    settings: Settings, world: World, wanted: dict[str, Policy], period: Period
) -> tuple[WhatIf, list[str]]:
    """The simulation, done, and what of the past is not kept."""
    reader = PartitionReader(settings)
    then = policies_then(reader, period)
    before = Side({}, world.places, then.revisions)
    after = Side(wanted, world.places, then.revisions)
    run = WhatIf(before, after, period, silences_then(reader), Kits(trees_now(settings)))
    told = ToldReader(settings, reader, period)
    fold_journal(settings, reader, run, told)
    run.end()
    notes = [*then.notes, *([told.note] if told.note else [])]
    if (before.patience_s or after.patience_s) and period.from_us < kept_since_us():
        notes.append(
            f"Which sources were silent before {format_us(kept_since_us())} may not be kept: there "
            "a source may count as silent, or as heard from, that was not."
        )
    return run, notes


def fold_journal(
    settings: Settings, reader: PartitionReader, run: WhatIf, told: ToldReader
) -> None:
    """Fold every partition's journal, one after the other; of each only its SKUs are in memory."""
    partitions = range(sku_partitions(settings))
    ends = {number: reader.settled_end(JOURNAL, number) for number in partitions}
    with Bars() as bars:
        bars.stage("journal", sum(ends.values()))
        for number in partitions:
            run.categories = _categories(reader, number)
            run.record = told.record(number)
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
