"""``stockfold reconcile``: the ledger against an ERP, a shop against what it shall show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stockfold.contracts.envelope import MAX_ATTRIBUTE_BYTES
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.reconcile.book import Cut
from stockfold.reconcile.corrections import BY_ITSELF, CORRECTABLE
from stockfold.reconcile.findings import Kind
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.loading.job import mapping_of
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.questions.times import age_us, moment_us
from stockfold_services.cli.reconciling.channel import channel
from stockfold_services.cli.reconciling.correcting import Proposed, apply, propose, write_file
from stockfold_services.cli.reconciling.erp import Compared, ErpJob, compare_file
from stockfold_services.cli.reconciling.erp_report import as_json as erp_json
from stockfold_services.cli.reconciling.erp_report import report_of
from stockfold_services.cli.reconciling.erp_rows import Names
from stockfold_services.cli.reconciling.options import CsvFile, HtmlFile
from stockfold_services.cli.reconciling.page import write_page
from stockfold_services.cli.reconciling.report import print_report, write_csv

app = typer.Typer(
    help="What others say against what stockfold says: an ERP's figures, a shop's listings.",
    no_args_is_help=True,
)

app.command()(channel)


@app.command()
def erp(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or NDJSON.", dir_okay=False)],
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            help="When the figures were true; when they are of a period's end, "
            "when the file was made.",
        ),
    ] = "",
    period_end: Annotated[
        str,
        typer.Option("--period-end", help="They are closing figures: what had occurred by then."),
    ] = "",
    known_at: Annotated[
        str, typer.Option("--known-at", help="With what was known here by then. Default: now.")
    ] = "",
    window: Annotated[
        str, typer.Option(help="Movements so long before and after may be booked otherwise.")
    ] = "1h",
    mapping: Annotated[
        list[str] | None,
        typer.Option("--mapping", "-m", help="column=field, or column=account; repeat it."),
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option("--account", help="The file's word=account, such as QI=quality_hold; repeat."),
    ] = None,
    location: Annotated[str, typer.Option(help="Where no column says the location.")] = "",
    source: Annotated[
        str, typer.Option(help="The system that says so, as aliases and authorities name it.")
    ] = "/import",
    complete: Annotated[
        bool, typer.Option("--complete", help="What the file does not list there is zero.")
    ] = False,
    encoding: Annotated[str, typer.Option(help="Encoding of the file.")] = "utf-8-sig",
    delimiter: Annotated[
        str | None, typer.Option(help="Between cells. Default: found out from the header.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Report what agrees, too.")] = False,
    csv: CsvFile = None,
    html: HtmlFile = None,
    corrections: Annotated[
        Path | None,
        typer.Option("--corrections", help="Write what would correct it, for `stockfold import`."),
    ] = None,
    send: Annotated[
        bool, typer.Option("--apply", help="Correct the ledger, after a question.")
    ] = False,
    adjust: Annotated[
        list[Kind] | None,
        typer.Option("--adjust", help="Kinds that --apply corrects. Default: what is unexplained."),
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Compare an ERP's figures of one moment with the ledger, by SKU, location and account.

    Exit code 1 when anything differs. Nothing is changed without --apply.
    """
    job = ErpJob(
        file,
        source,
        Names(mapping_of(mapping or []), mapping_of(account or []), location),
        _cut(as_of, period_end, known_at, window),
        complete,
        encoding,
        delimiter,
    )
    if not 0 < len(source.encode("utf-8", "replace")) <= MAX_ATTRIBUTE_BYTES:
        raise SettingsError(
            "the source has no name", where="--source", remedy="Write one such as /erp/main."
        )
    kinds = _kinds(adjust)
    if send and (known_at or (as_of and period_end)):
        raise SettingsError(
            "the ledger is corrected by what is known now",
            where="--apply",
            remedy="Leave out --known-at, and --as-of beside --period-end; then look again.",
        )
    settings = attach(load(config))
    found = compare_file(settings, job, keep_agreeing=every)
    proposed = propose(settings, found.findings, job.cut.at_us, kinds, found.reference)
    told = report_of(found, job, proposed, period_end=bool(period_end), agreeing=every)
    if csv is not None:
        write_csv(told.differences, csv)
    if html is not None:
        write_page(told, html)
    if corrections is not None:
        write_file(proposed, corrections)
    if not as_json:
        print_report(told)
    sent = _send(settings, job, proposed, dry_run, yes) if send else 0
    if as_json:
        plain = erp_json(found, job, proposed, agreeing=every)
        print_json({**plain, "sent": sent, "dry_run": dry_run})
    if found.differs and not _all_sent(found, sent):
        raise typer.Exit(1)


def _all_sent(found: Compared, sent: int) -> bool:
    return sent == len(found.findings)


def _send(settings: Settings, job: ErpJob, proposed: Proposed, dry_run: bool, yes: bool) -> int:
    console = Console(stderr=True, highlight=False)
    count = len(proposed.corrections)
    if not count or dry_run:
        told = f"{count:,} corrections would be sent as {job.source}"
        console.print(told if count else "nothing of it can be corrected", markup=False)
        return 0
    confirm(f"Send {count:,} corrections as of {format_us(job.cut.at_us)} as {job.source}?", yes)
    sent = apply(settings, proposed, source=job.source, at_us=job.cut.at_us, subject=job.file.name)
    console.print(f"{sent:,} corrections sent; the ledger folds them now", markup=False)
    return sent


def _cut(as_of: str, period_end: str, known_at: str, window: str) -> Cut:
    """Figures of a period's end that were exported later are what was known by then."""
    if not as_of and not period_end:
        raise SettingsError(
            "say when the figures were true",
            where="--as-of, --period-end",
            remedy="Give one of both, such as --as-of 2026-11-01T12:00:00Z.",
        )
    at_us = moment_us(period_end, "--period-end") if period_end else moment_us(as_of, "--as-of")
    known_us = SYSTEM_CLOCK.now_us()
    if known_at:
        known_us = moment_us(known_at, "--known-at")
    elif period_end and as_of:
        known_us = moment_us(as_of, "--as-of")
    if known_us < at_us:
        raise SettingsError(
            "the figures were known before they were true",
            where="--as-of, --period-end, --known-at",
            remedy="--as-of is when the file was made, --period-end what it is of.",
        )
    return Cut(at_us, known_us, age_us(window, "--window"))


def _kinds(told: list[Kind] | None) -> list[Kind]:
    wrong = [kind for kind in told or () if kind not in CORRECTABLE]
    if wrong:
        raise SettingsError(
            f"{wrong[0]} cannot be corrected by figures",
            where="--adjust",
            remedy=f"One of {', '.join(CORRECTABLE)}.",
        )
    return told or list(BY_ITSELF)
