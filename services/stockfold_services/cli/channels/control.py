"""``stockfold channel pause|resume|zero|restore|status``: what a channel shall do.

Written to a topic that its publisher follows: neither the ledger nor PostgreSQL is needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.contracts.topics import AVAILABILITY
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.runtime import audit
from stockfold.runtime.channel_control import (
    Control,
    State,
    publish_control,
    read_baselines,
    read_controls,
    said,
)
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka import partitions_of
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.settings import Settings, load
from stockfold_services.cli.channels.control_counts import not_shown_yet
from stockfold_services.cli.channels.named import woocommerce_channel
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.kafka_errors import kafka_errors
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

REASON_CHARACTERS_MAX = 500
ONLY = "Only WooCommerce is published to."

Name = Annotated[str, typer.Argument(help="The channel's name.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever looks later.")]
Counts = dict[str, int]


def pause(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing to a channel until it is resumed; what is wanted waits, the newest of each."""
    settings = attach(load(config))
    _say(settings, name, "paused", reason, lambda _: {}, "Send nothing to {name}?",
         dry_run=dry_run, yes=yes, as_json=as_json)  # fmt: skip


def resume(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Let a channel show what is wanted: after a pause, a halt, zeroing or a restore."""
    settings = attach(load(config))
    _say(settings, name, "running", reason, lambda control: _waiting(settings, control),
         "Send {waiting:,} of {listings:,} listings to {name}, whose newest version it may not "
         "show?", dry_run=dry_run, yes=yes, as_json=as_json)  # fmt: skip


def zero(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show 0 for every listing of a channel, until it is resumed or restored."""
    settings = attach(load(config))
    _say(settings, name, "zeroed", reason, lambda control: _waiting(settings, control),
         "Show 0 for all {listings:,} listings of {name}?",
         dry_run=dry_run, yes=yes, as_json=as_json)  # fmt: skip


def restore(
    name: Name,
    reason: Reason = "",
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Give every listing back the quantity from before the connection, then send nothing."""
    settings = attach(load(config))
    _say(settings, name, "restored", reason, lambda control: _before(settings, control),
         "Give {restored:,} listings of {name} back what they showed before the connection "
         "({unmanaged:,} without managed stock), and then send nothing?",
         dry_run=dry_run, yes=yes, as_json=as_json)  # fmt: skip


def status(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="One channel alone.")] = "",
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What each channel shall do, who said so, and why."""
    settings = attach(load(config))
    if name:
        woocommerce_channel(settings, name, ONLY)
    with _kafka(settings):
        book = read_controls(settings)
    rows: list[dict[str, Any]] = [
        {"mode": channel.publishing.mode, **msgspec.to_builtins(book.of(channel.name))}
        for channel in settings.channels
        if channel.kind == "woocommerce" and name in ("", channel.name)
    ]
    if as_json:
        print_json(rows)
        return
    print_table(
        ("channel", "mode", "state", "guard", "since", "by", "reason"),
        [
            (
                row["channel"],
                row["mode"],
                row["state"],
                row["guard"] or "",
                format_us(row["at"]) if row["at"] else "",
                row["by"],
                row["reason"],
            )
            for row in rows
        ],
    )


def _say(
    settings: Settings,
    name: str,
    state: State,
    reason: str,
    counted: Callable[[Control], Counts],
    question: str,
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> None:
    woocommerce_channel(settings, name, ONLY)
    if len(reason) > REASON_CHARACTERS_MAX:
        raise SettingsError(
            "the reason is too long",
            where="--reason",
            remedy=f"Say it in {REASON_CHARACTERS_MAX} characters.",
        )
    with _kafka(settings):
        before = read_controls(settings).of(name)
        counts = counted(before)
    asked = question.format(name=name, **counts)
    if not dry_run:
        confirm(asked, yes)
        approved_to = _ends(settings) if state == "running" else ()
        control = said(before, state, reason, audit.user(), approved_to)
        details = {"before": before.state, "reason": reason, **counts}
        with audit.audited(
            settings, command=f"channel {_VERBS[state]}", subject=name, details=details
        ):
            publish_control(settings, control)
    if as_json:
        print_json({"dry_run": dry_run, "channel": name, "before": before.state, "state": state,
                    **counts})  # fmt: skip
        return
    told = f"would ask: {asked}" if dry_run else f"channel {name} was {before.state}, is {state}"
    Console(highlight=False).print(told, markup=False, soft_wrap=True)


_VERBS: dict[State, str] = {
    "running": "resume",
    "paused": "pause",
    "zeroed": "zero",
    "restored": "restore",
}


def _waiting(settings: Settings, control: Control) -> Counts:
    channel = woocommerce_channel(settings, control.channel, ONLY)
    listings, waiting = not_shown_yet(settings, channel, control)
    return {"listings": listings, "waiting": waiting}


def _before(settings: Settings, control: Control) -> Counts:
    baselines = list(read_baselines(settings, control))
    unmanaged = sum(not baseline.managed for baseline in baselines)
    return {"restored": len(baselines), "unmanaged": unmanaged}


def _ends(settings: Settings) -> list[int]:
    """By partition, the end of the availability that a person has looked at."""
    with _kafka(settings):
        reader = PartitionReader(settings)
        numbers = range(partitions_of(settings, AVAILABILITY))
        return [reader.settled_end(AVAILABILITY, number) for number in numbers]


def _kafka(settings: Settings) -> Any:
    return kafka_errors(
        "what the channel shall do is as it was",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, then say it again.",
    )
