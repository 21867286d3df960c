"""``stockfold cases``: orders that were sold and cannot be served, and who looks after them."""

from __future__ import annotations

import getpass
from typing import Annotated, Any, Literal

import typer

from stockfold.contracts.codec import Record
from stockfold.contracts.topics import ORDER_CASES, ORDER_STATUS
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.order_acts import CaseChange, change_case
from stockfold.runtime.order_topics import latest
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Orders that were sold and cannot be served.", no_args_is_help=True)

CaseName = Annotated[str, typer.Argument(metavar="CASE", help="The case, as `list` names it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it stays with the case.")]
By = Annotated[str | None, typer.Option(help="Who does it. Default: the user of this machine.")]


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    owner: Annotated[str | None, typer.Option(help="Only of this owner.")] = None,
    channel: Annotated[str | None, typer.Option(help="Only of this channel.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Open cases, the oldest first."""
    found = [
        case
        for case in _cases(attach(load(config)))
        if (everything or case["state"] == "open")
        and owner in (None, case["owner"])
        and channel in (None, case["channel"])
    ]
    if as_json:
        print_json(found)
        return
    columns = ("case", "state", "owner", "sku", "missing", "reason", "opened_at")
    shown = [{**case, "opened_at": format_us(case["opened_at"])} for case in found]
    print_table(columns, [[case[column] for column in columns] for case in shown])


@app.command()
def show(case: CaseName, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """One case, and where its order stands."""
    settings = attach(load(config))
    found = _case(settings, case)
    key = f"{found['channel']}|{found['order']}"
    status = latest(settings, ORDER_STATUS, key).get(key)
    if as_json:
        print_json({"case": found, "order": status})
        return
    for name, value in found.items():
        typer.echo(f"{name:<10} {format_us(value) if name.endswith('_at') else value}")
    if status is not None:
        typer.echo(f"{'stands':<10} {status['status']} {status['reason']}".rstrip())
        rows = [
            (row["line"], row["sku"], row["quantity"], row["status"], row["reason"])
            for row in status["lines"]
        ]
        print_table(("line", "sku", "quantity", "status", "reason"), rows)


@app.command()
def assign(
    case: CaseName,
    owner: Annotated[str, typer.Argument(help="Who looks after it: a role or a login.")],
    reason: Reason = "",
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Give a case to another owner."""
    _change(config, case, "assign", owner, reason, by, dry_run=dry_run, yes=yes)


@app.command()
def close(
    case: CaseName,
    reason: Annotated[str, typer.Option("--reason", help="How it was settled.")],
    by: By = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
) -> None:
    """Close a case that was settled outside of stockfold; one that is served closes by itself."""
    _change(config, case, "close", "", reason, by, dry_run=dry_run, yes=yes)


def _change(
    config: Any,
    name: str,
    action: Literal["assign", "close"],
    owner: str,
    reason: str,
    by: str | None,
    *,
    dry_run: bool,
    yes: bool,
) -> None:
    settings = attach(load(config))
    case = _case(settings, name)
    if case["state"] == "closed":
        raise SettingsError(
            f"case {name} is closed", where="CASE", remedy="Look at `stockfold cases show` again."
        )
    change = CaseChange(case["channel"], case["order"], name, action, owner, reason)
    if dry_run:
        typer.echo(f"would {change.done}; its owner is {case['owner']}")
        return
    confirm(f"{change.done[0].upper()}{change.done[1:]}?", yes)
    change_case(settings, change, by or getpass.getuser())
    typer.echo(f"told: {change.done}")


def _case(settings: Settings, name: str) -> Record:
    found = next((case for case in _cases(settings) if case["case"] == name), None)
    if found is None:
        raise SettingsError(
            f"there is no case {name!r}", where="CASE", remedy="`stockfold cases list --all`."
        )
    return found


def _cases(settings: Settings) -> list[Record]:
    found = latest(settings, ORDER_CASES).values()
    return sorted(found, key=lambda case: (case["opened_at"], case["case"]))
