"""``stockfold channel pause|resume|zero|restore|status``: what a channel shall do.

Written to a topic that its publisher follows: neither the ledger nor PostgreSQL is needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.connections import ConnectionState
from stockfold.domain.times import format_us
from stockfold.runtime import audit
from stockfold.runtime.channel_control import read_controls
from stockfold.runtime.channel_orders import Verb, control_errors, look, say
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.connections import read_connections
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import published_channel
from stockfold.runtime.settings import load
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

Name = Annotated[str, typer.Argument(help="The channel's name.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks later.")]


def pause(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing to a channel until it is resumed; what is wanted waits, the newest of each."""
    _say(config, name, "pause", reason, dry_run=dry_run, yes=yes, as_json=as_json)


def resume(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a channel show what is wanted: after a pause, a halt, zeroing or a restore."""
    _say(config, name, "resume", reason, dry_run=dry_run, yes=yes, as_json=as_json)


def zero(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show 0 for every listing of a channel, until it is resumed or restored."""
    _say(config, name, "zero", reason, dry_run=dry_run, yes=yes, as_json=as_json)


def restore(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give every listing back the quantity from before the connection, then send nothing."""
    _say(config, name, "restore", reason, dry_run=dry_run, yes=yes, as_json=as_json)


def status(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One channel alone.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What each channel shall do, who said so, and why."""
    settings = attach(load(config))
    if name:
        published_channel(settings, name)
    with control_errors(settings):
        book = read_controls(settings)
    told = read_connections(settings)
    rows: list[dict[str, Any]] = [
        {
            "mode": channel.publishing.mode,
            **msgspec.to_builtins(book.of(channel.name)),
            "publisher": _newest(told.get(channel.name, ())),
        }
        for channel in settings.channels
        if channel.is_published and name in ("", channel.name)
    ]
    if as_json:
        print_json(rows)
        return
    columns = ("channel", "mode", "state", "guard", "since", "by", "waiting", "trouble", "reason")
    print_table(columns, [_row(row) for row in rows])


def _newest(told: Sequence[ConnectionState]) -> dict[str, Any] | None:
    """What its publisher has told last; None of one that is silent."""
    if not told or told[-1].is_silent(SYSTEM_CLOCK.now_us()):
        return None
    return msgspec.structs.asdict(told[-1])


def _row(row: dict[str, Any]) -> tuple[object, ...]:
    publisher = row["publisher"] or {"waiting": "", "trouble": "nobody serves it"}
    return (
        row["channel"],
        row["mode"],
        row["state"],
        row["guard"] or "",
        format_us(row["at"]) if row["at"] else "",
        row["by"],
        publisher["waiting"],
        publisher["trouble"],
        row["reason"],
    )


def _say(
    config: Path | None,
    name: str,
    verb: Verb,
    reason: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    settings = attach(load(config))
    order = look(settings, name, verb, reason)
    before = order.before.state
    if not dry_run:
        confirm(order.question, yes)
        say(settings, order, audit.user())
    if as_json:
        told = {"channel": name, "before": before, "state": order.state, **order.counts}
        print_json({"dry_run": dry_run, **told})
        return
    is_now = f"channel {name} was {before}, is {order.state}"
    sentence = f"would ask: {order.question}" if dry_run else is_now
    Console(highlight=False).print(sentence, markup=False, soft_wrap=True)
