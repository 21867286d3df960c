"""``stockfold channel check``: whether a shop is fit to be written to, and what is to be done."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.channels.findings import Finding, Level
from stockfold.channels.woocommerce.catalog import Page
from stockfold.domain.errors import SettingsError, StockfoldError, UnavailableError
from stockfold.runtime import audit
from stockfold.runtime.channel_checks import record_check
from stockfold.runtime.channel_coverage import CoverageBook, listed_skus, read_coverage
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.settings import ChannelSettings, Settings, load
from stockfold.runtime.shop_check import Checked, check
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold_services.cli.channels import check_words
from stockfold_services.cli.channels.check_page import page_of
from stockfold_services.cli.output import AsJson, ConfigFile, print_json, print_table
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.questions.journal import sku_partitions

SHOWN_OF_EACH = 20
ORDER = (Level.ERROR, Level.WARNING, Level.NOTE)


def check_channel(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    probe: Annotated[
        bool,
        typer.Option(
            "--probe",
            help="Also send batches for a product that no shop has, to find the host's limits.",
        ),
    ] = False,
    every: Annotated[
        bool, typer.Option("--all", help=f"Show every finding, not {SHOWN_OF_EACH} of each kind.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write the report to this file, for a browser.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Look at a shop and its whole catalogue; nothing in it is changed. Exit code 1: not fit.

    What was found is put on record, for the console's page of the channel.
    """
    settings = load(config)
    channel = woocommerce_channel(
        settings, name, "Only of WooCommerce can all that is listed be read."
    )
    with Bars() as bars:
        skus, book, unknown = _ours(settings, channel, bars)
        waived = book.waivers(name)
        found = asyncio.run(_look(settings, channel, skus, waived, bars, probe=probe))
    if unknown is not None:
        found = msgspec.structs.replace(found, findings=(unknown, *found.findings))
    findings = sorted(found.findings, key=lambda finding: ORDER.index(finding.level))
    found = msgspec.structs.replace(found, findings=tuple(findings))
    admission = book.admission(name)
    if unknown is None:
        record_check(attach(settings), found, by=audit.user())
    if html is not None:
        _write(html, page_of(found, admission))
    if as_json:
        print_json(_told(found, book, name))
    else:
        print_table(("what", "found"), check_words.facts(found, admission))
        _print_findings(found.findings, every=every)
        Console(stderr=True, highlight=False).print(
            check_words.verdict(found), markup=False, soft_wrap=True
        )
    if not found.is_fit:
        raise typer.Exit(1)


def _ours(
    settings: Settings, channel: ChannelSettings, bars: Bars
) -> tuple[set[str], CoverageBook, Finding | None]:
    """Our listings and the waivers; a finding where nobody can tell them."""
    try:
        attached = attach(settings)
        partitions = sku_partitions(attached)
        bars.stage("our listings, by partition", partitions)
        skus: set[str] = set()
        for some in listed_skus(attached, channel.name, partitions):
            skus |= some
            bars.done(1)
        return skus, read_coverage(attached), None
    except (UnavailableError, SettingsError) as error:
        return set(), CoverageBook(), _unknown(error)


def _unknown(error: StockfoldError) -> Finding:
    return Finding(
        Level.ERROR,
        "listings_unknown",
        "stockfold",
        f"what we publish is not known, so the catalogue is held against nothing: {error.what}",
        f"{error.where}: {error.remedy}" if error.where else error.remedy,
    )


async def _look(
    settings: Settings,
    channel: ChannelSettings,
    skus: set[str],
    waived: Iterable[str],
    bars: Bars,
    *,
    probe: bool,
) -> Checked:
    stages: Counter[str] = Counter()

    def on_page(page: Page) -> None:
        if page.stage not in stages:
            bars.stage(f"the shop's {page.stage}", page.total or 0)
        bars.done(page.done - stages[page.stage])
        stages[page.stage] = page.done

    adapter = woocommerce(channel)
    async with Transport(channel, adapter, SYSTEM_CLOCK) as shop:
        return await check(
            settings,
            channel,
            shop,
            adapter.assurance,
            SYSTEM_CLOCK,
            skus=skus,
            waived=frozenset(waived),
            probe=probe,
            on_page=on_page,
        )


def _print_findings(findings: tuple[Finding, ...], *, every: bool) -> None:
    shown: Counter[str] = Counter()
    rows, left = [], Counter[str]()
    for finding in findings:
        shown[finding.code] += 1
        if not every and shown[finding.code] > SHOWN_OF_EACH:
            left[finding.code] += 1
            continue
        rows.append(check_words.row(finding))
    if rows:
        print_table(check_words.COLUMNS, rows)
    if left:
        told = ", ".join(f"{count:,} more {code}" for code, count in left.items())
        Console(stderr=True, highlight=False).print(
            f"not shown: {told}; see --all, --html or --json", markup=False, soft_wrap=True
        )


def _told(found: Checked, book: CoverageBook, name: str) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(found)
    admission = book.admission(name)
    return {
        "is_fit": found.is_fit,
        **told,
        "share": None if found.coverage is None else found.coverage.share,
        "admission": None if admission is None else msgspec.to_builtins(admission),
    }


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise SettingsError(
            f"the report was not written: {error.strerror}",
            where=str(path),
            remedy="Name a file in a folder that you may write to.",
        ) from error
