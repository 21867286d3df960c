"""``stockfold exceptions``: what needs a person, and what to do about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from stockfold.domain.errors import StockfoldError
from stockfold.runtime.audit import user
from stockfold.runtime.desk import shown
from stockfold.runtime.desk.acting import (
    STATES,
    Act,
    Chosen,
    carry_out,
    choose,
    counted,
    decide,
)
from stockfold.runtime.desk.aftermath import aftermath
from stockfold.runtime.desk.book import CASES_MAX, Desk, Filter
from stockfold.runtime.desk.repair import Correction
from stockfold.runtime.desk.sending import Decision
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import Settings, load
from stockfold.runtime.since import HELP, since_us
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(
    help="List, correct, resubmit and discard what was not folded, and look at findings.",
    no_args_is_help=True,
)

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        help="Exceptions, by id or place such as 3-42; else filters.", metavar="[ID]..."
    ),
]
One = Annotated[str, typer.Argument(help="An exception, by id or place such as 3-42.")]
Kind = Annotated[str | None, typer.Option(help="Only of this kind.")]
Sku = Annotated[str | None, typer.Option(help="Only of this SKU.")]
Source = Annotated[str | None, typer.Option(help="Only from this source.")]
Since = Annotated[str | None, typer.Option(help=HELP)]
Reason = Annotated[str, typer.Option(help="Why; kept for the audit.")]
By = Annotated[str, typer.Option(help="Who does it; kept for the audit. Default: this user.")]
Again = Annotated[
    bool, typer.Option("--again", help="Also those that something was already done about.")
]


@app.command("list")
def list_(
    kind: Kind = None,
    sku: Sku = None,
    source: Source = None,
    since: Since = None,
    folded: Annotated[
        bool | None,
        typer.Option("--folded/--not-folded", help="Findings, or events that changed nothing."),
    ] = None,
    state: Annotated[
        str | None,
        typer.Option(help="Only open, corrected, resubmitted, discarded or resolved ones."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=CASES_MAX, help="At most so many.")] = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The exceptions, newest first."""
    chosen = Filter(kind, sku, source, since_us(since), folded, state)
    cases = Desk(_settings(config)).cases(chosen, limit)
    if as_json:
        print_json([shown.as_json(case) for case in cases])
        return
    print_table(shown.LIST_COLUMNS, [shown.list_row(case) for case in cases])
    if len(cases) == limit:
        Console().print(f"the newest {limit} only; --limit shows more")


@app.command()
def show(exception: One, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """One exception: its bytes, where it came from, the reason, what to do, what waits behind."""
    settings = _settings(config)
    desk = Desk(settings)
    case = desk.case(exception)
    after = aftermath(settings, desk, case)
    if as_json:
        body, why_not = shown.decoded(case)
        told = {"body": body, "not_decoded": why_not, "aftermath": msgspec.to_builtins(after)}
        print_json({**shown.as_json(case), **told})
        return
    print_table(("", ""), shown.detail_rows(case, after))


@app.command()
def correct(
    exceptions: Ids = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="field=value of the event; may be given several times."),
    ] = None,
    header: Annotated[
        list[str] | None,
        typer.Option(help="name=value of a header, such as ce_time=2026-11-01T12:00:00Z."),
    ] = None,
    body: Annotated[
        Path | None,
        typer.Option(help="A JSON file with the whole body, for bytes that cannot be read."),
    ] = None,
    kind: Kind = None,
    sku: Sku = None,
    source: Source = None,
    since: Since = None,
    reason: Reason = "",
    by: By = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    again: Again = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send a corrected event: a new id, what it corrects in a header, everything else kept."""
    correction = Correction(_pairs(set_, "--set"), _pairs(header, "--header"), _read(body))
    if correction == Correction({}, {}):
        raise StockfoldError(
            "nothing is corrected",
            remedy="Give --set FIELD=VALUE, --header NAME=VALUE or --body FILE; "
            "`stockfold exceptions resubmit` sends the same bytes again.",
        )
    chosen = Chosen(_names(exceptions), Filter(kind, sku, source, since_us(since), False), again)
    how = _How(reason, by, dry_run, yes, as_json)
    _do(_settings(config), chosen, how, "correct", correction)


@app.command()
def resubmit(
    exceptions: Ids = None,
    kind: Kind = None,
    sku: Sku = None,
    source: Source = None,
    since: Since = None,
    reason: Reason = "",
    by: By = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    again: Again = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send the same bytes under the same id again: once its cause is mended, it will be folded.

    Of a listing that its channel did not take, the newest version is sent.
    """
    chosen = Chosen(_names(exceptions), Filter(kind, sku, source, since_us(since), False), again)
    _do(_settings(config), chosen, _How(reason, by, dry_run, yes, as_json), "resubmit")


@app.command()
def discard(
    reason: Annotated[str, typer.Option(help="Why it shall never be folded; kept for the audit.")],
    exceptions: Ids = None,
    kind: Kind = None,
    sku: Sku = None,
    source: Source = None,
    since: Since = None,
    by: By = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    again: Again = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Decide that it shall never be folded. Nothing is deleted."""
    chosen = Chosen(_names(exceptions), Filter(kind, sku, source, since_us(since)), again)
    _do(_settings(config), chosen, _How(reason, by, dry_run, yes, as_json), "discard")


@app.command()
def resolve(
    reason: Annotated[str, typer.Option(help="What was done about it; kept for the audit.")],
    exceptions: Ids = None,
    kind: Kind = None,
    sku: Sku = None,
    source: Source = None,
    since: Since = None,
    by: By = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    again: Again = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Note that it was dealt with elsewhere, such as a finding by a count of the shelf."""
    chosen = Chosen(_names(exceptions), Filter(kind, sku, source, since_us(since)), again)
    _do(_settings(config), chosen, _How(reason, by, dry_run, yes, as_json), "resolve")


class _How(msgspec.Struct, frozen=True):
    reason: str
    by: str
    dry_run: bool
    yes: bool
    as_json: bool


def _do(
    settings: Settings, chosen: Chosen, how: _How, act: Act, correction: Correction | None = None
) -> None:
    decisions = decide(choose(Desk(settings), chosen, act), act, correction)
    if decisions and not how.dry_run:
        confirm(f"{counted(decisions)} will be {STATES[act]}. Go on?", how.yes)
        carry_out(settings, act, decisions, reason=how.reason, by=how.by or user())
    if how.as_json:
        done = [shown.message_json(d.case, d.message, d.state) for d in decisions]
        print_json({"dry_run": how.dry_run, "decisions": done})
    else:
        _tell(decisions, how)


def _tell(decisions: list[Decision], how: _How) -> None:
    console = Console(highlight=False)
    for decision in decisions:
        case, message = decision.case, decision.message
        if how.dry_run and message is not None:
            print_table(("", ""), shown.message_rows(case, message))
            continue
        verb = f"would be {decision.state}" if how.dry_run else decision.state
        sent = f", event {message.event_id} on {message.topic.name}" if message else ""
        console.print(f"{case.place} {case.raised['kind']}: {verb}{sent}", markup=False)
    if not decisions:
        console.print("no open exception is like that")


def _names(given: list[str] | None) -> tuple[str, ...]:
    return tuple(given or ())


def _settings(config: Path | None) -> Settings:
    return attach(load(config))


def _pairs(given: list[str] | None, option: str) -> dict[str, str]:
    pairs = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name:
            raise StockfoldError(f"{option} {text!r} is not name=value", remedy="Write name=value.")
        pairs[name] = value
    return pairs


def _read(path: Path | None) -> bytes | None:
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise StockfoldError(
            f"the body cannot be read: {error}", where=str(path), remedy="Name a JSON file."
        ) from error
