"""``stockfold channel versions``: what runs at the other end of each channel."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.domain.days import iso_day
from stockfold.domain.times import format_us
from stockfold.runtime import audit
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import channel_named
from stockfold.runtime.remote_versions import (
    RemoteVersions,
    ask,
    checked,
    is_changed,
    keep,
    must_halt,
    read_versions,
    told_changes,
)
from stockfold.runtime.settings import ChannelSettings, Settings, load
from stockfold.runtime.shop_http import Transport, access_of, can_be_asked
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

COLUMNS = ("channel", "part", "version", "until", "seen at", "changed", "checks")
SHOWN_MAX = 10


def versions(
    name: Annotated[str | None, typer.Argument(help="Only of this channel.")] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Ask the shop now, and do its checks if it has changed.")
    ] = False,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What each shop runs on, as it was last seen: asked daily by the sweeper. Exit code 1: unfit.

    With --now the shop is asked, a change is told as a notice, and the channel's contract checks
    are done again; --dry-run tells what that would find, and remembers nothing.
    """
    settings = load(config)
    chosen = settings.channels if name is None else [channel_named(settings, name)]
    attached = attach(settings)
    known = read_versions(attached)
    found = [known[channel.name] for channel in chosen if channel.name in known]
    if now:
        found = [
            _ask(attached, channel, known.get(channel.name), dry_run=dry_run, yes=yes)
            for channel in chosen
            if can_be_asked(channel)
        ]
    if as_json:
        print_json([_told(one) for one in found])
    else:
        print_table(COLUMNS, [row for one in found for row in _rows(one)])
        for one in found:
            _print_findings(one)
    if any(one.check == "unfit" for one in found):
        raise typer.Exit(1)


def _ask(
    settings: Settings,
    channel: ChannelSettings,
    before: RemoteVersions | None,
    *,
    dry_run: bool,
    yes: bool,
) -> RemoteVersions:
    by = audit.user()
    now = asyncio.run(_look(settings, channel, before, by))
    if dry_run:
        return msgspec.structs.replace(now, halted=now.halted or must_halt(channel, now))
    if is_changed(before, now):
        then = ", and the channel halts" if must_halt(channel, now) else ""
        changed = told_changes(now.changes)
        confirm(f"{channel.name}: {changed}; its checks are {now.check}{then}. Note it?", yes)
    details = {"parts": msgspec.to_builtins(now.parts), "check": now.check}
    with audit.audited(
        settings, command="channel versions", subject=channel.name, details=details
    ) as result:
        kept = keep(settings, channel, before, now)
        result["halted"] = kept.halted
    return kept


async def _look(
    settings: Settings, channel: ChannelSettings, before: RemoteVersions | None, by: str
) -> RemoteVersions:
    async with Transport(channel, access_of(channel), SYSTEM_CLOCK) as shop:
        return await checked(settings, channel, shop, await ask(channel, shop, before, by))


def _told(one: RemoteVersions) -> dict[str, Any]:
    parts = [{**msgspec.to_builtins(part), "ends_on": iso_day(part.ends_on)} for part in one.parts]
    times = {
        name: None if at is None else format_us(at)
        for name, at in (
            ("seen_at", one.seen_at),
            ("changed_at", one.changed_at),
            ("checked_at", one.checked_at),
        )
    }
    return {**msgspec.to_builtins(one), "parts": parts, **times}


def _rows(one: RemoteVersions) -> list[tuple[object, ...]]:
    changed = {change.part: f"from {change.before}" for change in one.changes}
    checks = f"{one.check}{', halted' if one.halted else ''}"
    seen = format_us(one.seen_at)[:19] + "Z"
    if not one.parts:
        return [(one.channel, "", "", "", seen, "", one.detail)]
    return [
        (
            one.channel,
            part.part,
            part.version,
            iso_day(part.ends_on) or "",
            seen,
            changed.get(part.part, ""),
            checks,
        )
        for part in one.parts
    ]


def _print_findings(one: RemoteVersions) -> None:
    console = Console(stderr=True, highlight=False)
    for finding in one.findings[:SHOWN_MAX]:
        console.print(
            f"{one.channel}, {finding.level} {finding.code}: {finding.detail}. {finding.to_do}",
            markup=False,
            soft_wrap=True,
        )
    if len(one.findings) > SHOWN_MAX:
        console.print(f"and more: stockfold channel check {one.channel}", markup=False)
