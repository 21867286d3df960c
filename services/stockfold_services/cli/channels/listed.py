"""``stockfold channel list``: every connection, its mode, and how near it is to the shop."""

from __future__ import annotations

import asyncio

import msgspec

from stockfold.runtime.channel_modes import ChannelMode, channel_modes
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.settings import load
from stockfold.runtime.shadow_reports import ShadowReport, newest_reports
from stockfold_services.cli.channels.shadow_words import moment, percent
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table

COLUMNS = ("channel", "kind", "mode", "in force", "served", "state", "compared with the shop", "")


def list_channels(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Every channel: the mode that its settings ask for, and the one that is in force."""
    settings = attach(load(config))
    zones = {channel.name: channel.zone for channel in settings.channels}
    found = asyncio.run(channel_modes(settings))
    reports = newest_reports(settings)
    rows = [(one, reports.get(one.channel)) for one in found]
    if as_json:
        print_json([_told(one, report) for one, report in rows])
        return
    print_table(
        COLUMNS,
        [
            (
                one.channel,
                one.kind,
                f"{one.mode} ({one.canary_skus:,} SKUs)" if one.canary_skus else one.mode,
                one.in_force or "",
                "yes" if one.is_served else "no",
                one.state,
                _compared(report, zones[one.channel]),
                one.note,
            )
            for one, report in rows
        ],
    )


def _compared(report: ShadowReport | None, zone: str) -> str:
    if report is None:
        return ""
    return f"{percent(report.share)} agreed, {moment(report.finished_at, zone)}"


def _told(one: ChannelMode, report: ShadowReport | None) -> dict[str, object]:
    compared = None
    if report is not None:
        compared = {"at": report.finished_at, "share": report.share, "mode": report.mode}
    return {**msgspec.structs.asdict(one), "compared": compared}
