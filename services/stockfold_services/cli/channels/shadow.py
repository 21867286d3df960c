"""``stockfold channel shadow``: what would change in a shop if its connection went live."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.channels import StockUpdate
from stockfold.channels.woocommerce.catalog import Page
from stockfold.domain.errors import SettingsError
from stockfold.runtime.channel_coverage import read_coverage
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.settings import ChannelSettings, Settings, load
from stockfold.runtime.shadow_reports import ShadowReport, compare_with_shop, keep, read_reports
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold.runtime.wanted_listings import wanted_listings
from stockfold_services.cli.channels import shadow_words as words
from stockfold_services.cli.channels.shadow_page import page_of
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.journal import sku_partitions

SHOWN_OF_EACH = 10
TREND_SHOWN = 12


def shadow(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    now: Annotated[
        bool,
        typer.Option("--now", help="Compare now, and keep the report, instead of the newest one."),
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the report to this file, for a browser.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """What would change in the shop if the channel went live; nothing in it is changed."""
    settings = load(config)
    channel = woocommerce_channel(
        settings, name, "Only of WooCommerce can all that is listed be read."
    )
    settings = attach(settings)
    if now:
        with Bars() as bars:
            keep(settings, asyncio.run(_compare(settings, channel, bars)))
    reports = read_reports(settings, name)
    if not reports:
        raise SettingsError(
            f"there is no shadow report of {name} yet",
            where=f"mode {channel.publishing.mode}",
            remedy="A publisher in mode shadow or canary makes the first within a minute of "
            "having numbers, then one every channels.publishing.report_every_s; --now makes one.",
        )
    if html is not None:
        _write(html, page_of(reports, channel.zone))
    if as_json:
        print_json(_told(reports))
    else:
        _print(reports, channel.zone)


async def _compare(settings: Settings, channel: ChannelSettings, bars: Bars) -> ShadowReport:
    stages: Counter[str] = Counter()

    def on_page(page: Page) -> None:
        if page.stage not in stages:
            bars.stage(f"the shop's {page.stage}", page.total or 0)
        bars.done(page.done - stages[page.stage])
        stages[page.stage] = page.done

    async def wanted() -> dict[str, StockUpdate]:
        return await asyncio.to_thread(_wanted, settings, channel.name, bars)

    adapter = woocommerce(channel)
    waived = read_coverage(settings).waivers(channel.name).keys()
    async with Transport(channel, adapter, SYSTEM_CLOCK) as shop:
        return await compare_with_shop(
            channel,
            channel.publishing.mode,
            adapter.to_show,
            shop,
            SYSTEM_CLOCK,
            await wanted(),
            wanted,
            waived=waived,
            on_page=on_page,
        )


def _wanted(settings: Settings, name: str, bars: Bars) -> dict[str, StockUpdate]:
    partitions = sku_partitions(settings)
    bars.stage("our numbers, by partition", partitions)
    found: dict[str, StockUpdate] = {}
    for some in wanted_listings(settings, name, partitions):
        found |= some
        bars.done(1)
    return found


def _print(reports: Sequence[ShadowReport], zone: str) -> None:
    newest = reports[-1]
    print_table(("what", "figures"), list(words.facts(newest, zone)))
    changed = [
        (f"would {would}", *words.change_row(one))
        for change, would in words.WOULD.items()
        for one in words.of_change(newest, change)[:SHOWN_OF_EACH]
    ]
    if changed:
        columns = ("largest differences", "SKU", "product", "shows", "wanted", "units")
        print_table(columns, changed)
    left = [words.unwritable_row(one) for one in newest.score.unwritable[:SHOWN_OF_EACH]]
    if left:
        print_table(("cannot be written", "why", "to do"), left)
    strangers = [(name,) for name in newest.score.stranger_names[:SHOWN_OF_EACH]]
    if strangers:
        print_table(("in the shop, unknown to us",), strangers)
    print_table(words.TREND, list(words.trend_rows(reports[-TREND_SHOWN:], zone)))
    Console(stderr=True, highlight=False).print(
        f"{words.verdict(newest)} At most {SHOWN_OF_EACH} of each are shown; --html and --json "
        "have more.",
        markup=False,
        soft_wrap=True,
    )


def _told(reports: Sequence[ShadowReport]) -> dict[str, Any]:
    newest = reports[-1]
    history = [
        {
            "finished_at": report.finished_at,
            "mode": report.mode,
            "share": report.share,
            "listings": report.score.listings,
            "counts": {change.value: count for change, count in report.score.counts.items()},
            "unmapped": report.score.unmapped,
        }
        for report in reports
    ]
    told: dict[str, Any] = msgspec.to_builtins(newest)
    return {"verdict": words.verdict(newest), "share": newest.share, **told, "history": history}


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(
            f"the report was not written: {error.strerror}",
            where=str(path),
            remedy="Name a file in a folder that you may write to.",
        ) from error
