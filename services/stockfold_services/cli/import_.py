"""``stockfold import``: a first load straight into Kafka, by the rules of the gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.complete_runs import CompleteRun
from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime.audit import audited
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings
from stockfold.runtime.settings import load as load_settings
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.loading.complete import add_zeros, noted
from stockfold_services.cli.loading.job import (
    Job,
    Kind,
    check_channel,
    mapping_of,
    moment_of,
    reader_of,
)
from stockfold_services.cli.loading.load import Loaded, Mark, Sender, load
from stockfold_services.cli.loading.source import count_lines, fingerprint, open_rows
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.progress import Bars

SHOWN_MAX = 20


def import_(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or NDJSON.", dir_okay=False)],
    as_of: Annotated[
        str, typer.Option("--as-of", help="When the figures were true, with an offset.")
    ],
    kind: Annotated[Kind, typer.Option(help="What the rows are.")] = Kind.balances,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--mapping", "-m", help="column=field, such as Artikelnr=sku; repeat it."),
    ] = None,
    source: Annotated[
        str, typer.Option(help="The system that says so, as the authorities name it.")
    ] = "/import",
    encoding: Annotated[str, typer.Option(help="Encoding of the file.")] = "utf-8-sig",
    delimiter: Annotated[
        str | None, typer.Option(help="Between cells. Default: found out from the header.")
    ] = None,
    channel: Annotated[
        str, typer.Option(help="Orders, allocations: the channel whose orders they are.")
    ] = "",
    complete: Annotated[
        bool,
        typer.Option("--complete", help="Snapshots: what the file does not list there is zero."),
    ] = False,
    zeros_max: Annotated[
        int | None,
        typer.Option(min=0, help="SKUs that may become zero. Default: as many as rows."),
    ] = None,
    atomic: Annotated[
        bool,
        typer.Option("--atomic", help="Read all of it first, and send nothing if a row is bad."),
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Load what there was at one moment: balances (sku, location, quantity), inbound and the like.

    Good rows are sent, bad ones told; exit code 1 when there are any. Interrupted, the same command
    goes on where it stopped. The same file again changes nothing.
    """
    settings = load_settings(config)
    offline = dry_run and not complete and kind is not Kind.orders
    settings = settings if offline else attach(settings)
    if not 0 < len(source.encode("utf-8", "replace")) <= MAX_ATTRIBUTE_BYTES:
        raise SettingsError(
            "the source has no name", where="--source", remedy="Write one such as /erp/main."
        )
    job = Job(
        kind.value,
        file,
        mapping_of(mapping or []),
        source,
        moment_of(as_of, settings),
        encoding,
        delimiter,
        {"complete": "true"} if complete else {},
        zeros_max,
        channel,
    )
    check_channel(settings, job)
    if complete and kind is not Kind.snapshots:
        raise SettingsError(
            f"{kind} are not complete or incomplete",
            where="--complete",
            remedy="Load a snapshot: --kind snapshots.",
        )
    if dry_run or atomic:
        found = _pass(settings, job, send=False)
        if dry_run or found.bad:
            _end(found, as_json, sent=False)
            return
    confirm(f"Load the {kind} of {file.name} as of {format_us(job.as_of_us)}?", yes)
    details = msgspec.to_builtins(job, enc_hook=str)
    subject = f"{kind} of {file.name}"
    with audited(settings, command="import", subject=subject, details=details) as result:
        found = _pass(settings, job, send=True)
        result.update({"good": found.good, "bad": found.bad, "skipped": found.skipped})
    _end(found, as_json, sent=True)


def _pass(settings: Settings, job: Job, *, send: bool) -> Loaded:
    """Read the file once, and send it if that is wanted."""
    with open_rows(job.file, job.encoding, job.delimiter) as rows, Bars() as bars:
        told = repr((settings.prefix, settings.kafka.bootstrap, msgspec.structs.astuple(job)))
        mark = Mark(settings, fingerprint(job.file, told))
        opening = reader_of(settings, job, rows.header, _say, send=send)
        if opening.ignored:
            _say(f"columns that are not used: {', '.join(opening.ignored)}")
        sender = Sender(settings) if send else None
        bars.stage("sending" if send else "reading", max(count_lines(job.file) - 1, 0))
        run = CompleteRun()
        several = job.kind == Kind.orders
        # The bar counts rows, of which an order has several.
        read = opening.read(_counted(rows, bars.done) if several else rows)
        found = load(noted(read, run), sender, mark, _ignore if several else bars.done)
        found.noun = "orders" if several else "rows"
        if run:
            bars.stage("what is not listed", 1)
            add_zeros(found, run, opening.intake, settings, job.zeros_max, sender)
        return found


def _counted(
    rows: Iterable[Sequence[str]], advance: Callable[[int], None]
) -> Iterator[Sequence[str]]:
    for row in rows:
        advance(1)
        yield row


def _ignore(_: int) -> None:
    pass


def _end(found: Loaded, as_json: bool, *, sent: bool) -> None:
    if as_json:
        print_json({"sent": sent, **msgspec.to_builtins(found)})
    else:
        for bad in found.bad_rows[:SHOWN_MAX]:
            _say(f"row {bad.row}: {bad.field} {bad.reason}. {bad.remedy}")
        if len(found.bad_rows) > SHOWN_MAX:
            _say(f"and more; --json tells {len(found.bad_rows)} of them")
        verb = "loaded" if sent else "would be loaded"
        before = f", {found.skipped} of them before" if found.skipped else ""
        _say(f"{found.good} {found.noun} {verb}{before}; {found.bad} are bad")
        if found.zeros is not None:
            _say(found.withheld or f"{found.zeros} SKUs that it does not list {verb} as zero")
    if found.bad or found.withheld:
        raise typer.Exit(1)


def _say(sentence: str) -> None:
    Console(stderr=True, highlight=False).print(sentence, markup=False, soft_wrap=True)
