"""``stockfold reconcile channel``: a shop read whole against what it shall show."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console

from stockfold.channels.woocommerce.catalog import Page
from stockfold.contracts.codec import Record
from stockfold.domain.errors import SettingsError
from stockfold.domain.times import format_us
from stockfold.explain.words import duration, moment
from stockfold.reconcile.listings import (
    MEANING,
    REPAIRABLE,
    ListingFinding,
    ListingKind,
)
from stockfold.runtime import audit, reconciliations
from stockfold.runtime.channel_control import read_controls
from stockfold.runtime.channel_coverage import read_coverage
from stockfold.runtime.channel_reconcile import ChannelReconciling, Reconciled, why_held
from stockfold.runtime.clock import SYSTEM_CLOCK
from stockfold.runtime.embedded.servers import attach
from stockfold.runtime.kafka_errors import kafka_errors
from stockfold.runtime.named_channel import woocommerce_channel
from stockfold.runtime.resends import Resend
from stockfold.runtime.settings import ChannelSettings, Settings, load
from stockfold.runtime.shop_http import Transport, woocommerce
from stockfold_services.cli.confirm import DryRun, Yes, confirm
from stockfold_services.cli.output import AsJson, ConfigFile, print_json
from stockfold_services.cli.progress import Bars
from stockfold_services.cli.reconciling.options import CsvFile, HtmlFile
from stockfold_services.cli.reconciling.page import write_page
from stockfold_services.cli.reconciling.report import (
    Cell,
    Group,
    Report,
    Sheet,
    print_report,
    write_csv,
)
from stockfold_services.publisher.admission import mode_in_force
from stockfold_services.publisher.mode import Mode

COLUMNS = ("sku", "listing", "kind", "shows", "shall", "difference", "why", "to do")
TOTALS = ("kind", "listings", "shows", "shall", "difference", "meaning")


def channel(
    name: Annotated[str, typer.Argument(help="The channel's name.")],
    repair: Annotated[
        bool, typer.Option("--repair", help="Have the publisher send them once more, when asked.")
    ] = False,
    kinds: Annotated[
        list[ListingKind] | None,
        typer.Option("--kind", help="Kinds that --repair sends. Default: drift, manual_edit."),
    ] = None,
    last: Annotated[
        bool, typer.Option("--last", help="Show the last one on record; the shop is not asked.")
    ] = False,
    every: Annotated[bool, typer.Option("--all", help="Report every listing.")] = False,
    csv: CsvFile = None,
    html: HtmlFile = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Read a shop's whole catalogue against what it shall show, at a pace that it hardly notices.

    Exit code 1 when anything differs that is not under way. Nothing is changed without --repair.
    """
    settings = load(config)
    shop = woocommerce_channel(
        settings, name, "Only of WooCommerce can all that is listed be read."
    )
    settings = attach(settings)
    chosen = _chosen(kinds)
    if last:
        _last(settings, name, as_json)
        return
    with kafka_errors(
        "the channel was not reconciled",
        where=f"Kafka at {settings.kafka.bootstrap}",
        remedy="Check the broker, and that `stockfold topics apply` has made every topic.",
    ):
        book = read_coverage(settings)
        mode = mode_in_force(shop, book.admission(name))
        held = why_held(read_controls(settings).of(name))
        with Bars() as bars:
            found = asyncio.run(_reconcile(settings, shop, mode, book.waivers(name), held, bars))
        told = _report(found, shop, mode, every=every)
        if csv is not None:
            write_csv(told.differences, csv)
        if html is not None:
            write_page(told, html)
        if not as_json:
            print_report(told)
        wanted = found.to_repair(chosen) if repair else []
        sent = _repair(settings, name, wanted, dry_run=dry_run, yes=yes) if repair else 0
        if not dry_run:
            reconciliations.record(settings, found, by=audit.user(), repaired=sent)
    if as_json:
        print_json({**_plain(found, every=every), "repaired": sent, "dry_run": dry_run})
    if len(found.differing) > sent:
        raise typer.Exit(1)


def _chosen(kinds: Sequence[ListingKind] | None) -> list[ListingKind]:
    wrong = [kind for kind in kinds or () if kind not in REPAIRABLE]
    if wrong:
        raise SettingsError(
            f"{wrong[0]} is not mended by sending it once more",
            where="--kind",
            remedy=f"One of {', '.join(REPAIRABLE)}.",
        )
    return list(kinds or (ListingKind.DRIFT, ListingKind.MANUAL_EDIT))


async def _reconcile(
    settings: Settings,
    shop: ChannelSettings,
    mode: Mode,
    waived: Collection[str],
    held: str,
    bars: Bars,
) -> Reconciled:
    stages: Counter[str] = Counter()

    def on_page(page: Page) -> None:
        if page.stage not in stages:
            bars.stage(f"the shop's {page.stage}", page.total or 0)
        bars.done(page.done - stages[page.stage])
        stages[page.stage] = page.done

    adapter = woocommerce(shop)
    async with Transport(shop, adapter, SYSTEM_CLOCK) as transport:
        return await ChannelReconciling(
            settings,
            shop,
            adapter,
            transport,
            SYSTEM_CLOCK,
            writes=mode.writes,
            waived=waived,
            held=held,
            by=audit.user(),
        ).run(on_page)


def _repair(
    settings: Settings, name: str, wanted: Sequence[Resend], *, dry_run: bool, yes: bool
) -> int:
    console = Console(stderr=True, highlight=False)
    if not wanted or dry_run:
        console.print(f"{len(wanted):,} listings would be sent once more", markup=False)
        return 0
    confirm(f"Have the publisher of {name} send {len(wanted):,} listings once more?", yes)
    sent = reconciliations.repair(settings, name, wanted, audit.user())
    console.print(
        f"{sent:,} listings are asked for; the publisher of {name} sends them", markup=False
    )
    return sent


def _report(found: Reconciled, shop: ChannelSettings, mode: Mode, *, every: bool) -> Report:
    differing = len(found.differing)
    judged = sum(count for kind, count in found.kinds.items() if kind != ListingKind.NOT_OURS)
    sentence = (
        f"{differing:,} of {judged:,} listings differ."
        if differing
        else f"None of {judged:,} listings differs."
    )
    shadowed = found.kinds.get(ListingKind.SHADOW, 0)
    note = (
        f"{shadowed:,} more are not written in this mode; `stockfold channel shadow "
        f"{found.channel}` tells what it would change."
    )
    return Report(
        title=f"Channel {found.channel}: what the shop shows against what it shall",
        sentence=sentence,
        agrees=not differing,
        facts=[
            ("shop", f"{shop.url}, {found.products:,} products and variations"),
            ("mode", str(mode)),
            ("read", _read(found.began_us, found.ended_us)),
            ("difference", "what the shop would have to show more"),
        ],
        groups=[],
        totals=Sheet(TOTALS, _totals([*found.findings, *found.agreeing])),
        differences=Sheet(COLUMNS, [_row(one) for one in _shown(found, every=every)]),
        notes=[note] if shadowed else [],
    )


def _shown(found: Reconciled, *, every: bool) -> list[ListingFinding]:
    """What differs or is under way; ``every`` other one too."""
    if every:
        return [*found.findings, *found.agreeing]
    under_way = [one for one in found.findings if one.kind is ListingKind.IN_FLIGHT]
    return [*found.differing, *under_way]


def _read(began_us: int, ended_us: int) -> str:
    return f"{moment(began_us)}, in {duration(ended_us - began_us)}"


def _totals(found: Sequence[ListingFinding]) -> list[Sequence[Cell]]:
    by_kind: dict[ListingKind, list[int]] = {}
    for one in found:
        sums = by_kind.setdefault(one.kind, [0, 0, 0, 0])
        for at, number in enumerate((1, one.shows, one.shall, one.difference)):
            sums[at] += number or 0
    return [
        (str(kind), *sums, MEANING[kind])
        for kind, sums in sorted(by_kind.items(), key=lambda pair: -pair[1][0])
    ]


def _row(one: ListingFinding) -> Sequence[Cell]:
    return (
        one.sku,
        one.listing,
        str(one.kind),
        one.shows,
        one.shall,
        one.difference,
        one.why,
        one.remedy,
    )


def _plain(found: Reconciled, *, every: bool) -> dict[str, Any]:
    return {
        "channel": found.channel,
        "began_at": format_us(found.began_us),
        "ended_at": format_us(found.ended_us),
        "products": found.products,
        "kinds": found.kinds,
        "differing": len(found.differing),
        "findings": [
            {**msgspec.to_builtins(one), "difference": one.difference}
            for one in _shown(found, every=every)
        ],
    }


def _last(settings: Settings, name: str, as_json: bool) -> None:
    before = reconciliations.last(settings, name)
    if before is None:
        raise SettingsError(
            f"channel {name} was never reconciled",
            where="stockfold.channel-reconciliations.v1",
            remedy=f"stockfold reconcile channel {name}",
        )
    told = {**before, **{n: format_us(before[n]) for n in ("began_at", "ended_at")}}
    if as_json:
        print_json(told)
    else:
        print_report(_of_record(before))
    if before["differences"]:
        raise typer.Exit(1)


def _of_record(before: Record) -> Report:
    rows = before["differences"]
    differed = len(rows) + before["more"]
    return Report(
        title=f"Channel {before['channel']}",
        sentence=f"{differed:,} listings differed; {before['repaired']:,} were sent once more."
        if differed
        else "No listing differed.",
        agrees=not rows,
        facts=[
            ("read", _read(before["began_at"], before["ended_at"])),
            ("by", before["by"]),
        ],
        groups=[
            Group(one["kind"], one["count"], MEANING[ListingKind(one["kind"])])
            for one in before["kinds"]
        ],
        totals=Sheet((), ()),
        differences=Sheet(
            COLUMNS[:5] + COLUMNS[6:7],
            [[row[n] for n in ("sku", "listing", "kind", "shows", "shall", "why")] for row in rows],
        ),
    )
