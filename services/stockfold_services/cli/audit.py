"""``stockfold audit``: what people changed by commands."""

from __future__ import annotations

from typing import Annotated, Any

import orjson
import typer

from stockfold.domain.times import format_us
from stockfold.runtime.audit import Change, changes
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold.runtime.since import HELP, since_us
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

app = typer.Typer(help="Show what people changed by commands.", no_args_is_help=True)


@app.command("list")
def list_(
    command: Annotated[
        str | None, typer.Option(help="Only of this command, such as 'topics apply'.")
    ] = None,
    since: Annotated[str | None, typer.Option(help=HELP)] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 100,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """The changes, newest first: when, who, what, and how each ended."""
    floor_us = since_us(since) or 0
    found = [
        change
        for change in changes(attach(load(config)))
        if change.at_us >= floor_us and (command is None or command in change.command)
    ][:limit]
    if as_json:
        print_json([_told(change) for change in found])
        return
    columns = ("at", "by", "command", "subject", "outcome", "details")
    rows = [
        (
            format_us(change.at_us),
            change.by,
            change.command,
            change.subject,
            change.outcome,
            _details(change),
        )
        for change in found
    ]
    print_table(columns, rows)


def _told(change: Change) -> dict[str, Any]:
    return {
        "audit": change.audit,
        "at": format_us(change.at_us),
        "by": change.by,
        "command": change.command,
        "subject": change.subject,
        "details": change.details,
        "outcome": change.outcome,
        "ended_at": format_us(change.ended_us) if change.ended_us else None,
        "result": change.result,
    }


def _details(change: Change) -> str:
    told = [orjson.dumps(change.details).decode()]
    if change.result:
        told.append(orjson.dumps(change.result).decode())
    return " → ".join(told)
