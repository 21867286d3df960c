"""How a shadow report reads, for a terminal and for a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from stockfold.channels.woocommerce.census import TO_DO
from stockfold.channels.woocommerce.scoring import Change, Difference, Unwritable
from stockfold.domain.times import from_us
from stockfold.runtime.shadow_reports import ShadowReport

WOULD = {
    Change.AGREES: "stay as they are",
    Change.TO_ZERO: "go to zero",
    Change.DOWN: "show less",
    Change.UP: "show more",
    Change.FROM_ZERO: "come back from zero",
    Change.MANAGED: "get their stock managed",
    Change.BACKORDERS: "keep their number and change their backorder rule",
}
"""What listings would do if the channel went live, in the order of what to look at first."""
WHY_NOT = {
    "sku_unknown": "are not in the shop",
    "sku_ambiguous": "have a SKU that several products of the shop share",
}
MINUS = "\N{MINUS SIGN}"
REFUSED = "belong to a product that cannot hold their stock"


def verdict(report: ShadowReport) -> str:
    """What going live now would do, in one sentence."""
    counts = report.score.counts
    if not report.score.listings:
        return f"Nothing is published to {report.channel} yet, so there is nothing to compare."
    if not report.mapped:
        return f"None of the {report.score.listings:,} listings can be written to the shop."
    told = f"{report.agreeing:,} of {report.mapped:,} listings ({percent(report.share)}) would "
    does = "wrote every number" if report.mode == "live" else "went live"
    sentence = f"If {report.channel} {does} now, {told}{WOULD[Change.AGREES]}"
    moved = [f"{counts[change]:,} would {WOULD[change]}" for change in WOULD if counts[change]]
    moved = [words for words in moved if WOULD[Change.AGREES] not in words]
    sentence = f"{sentence}; {', '.join(moved)}." if moved else f"{sentence}."
    left_out = unwritable(report)
    return f"{sentence} {left_out:,} more cannot be written." if left_out else sentence


def unwritable(report: ShadowReport) -> int:
    """How many listings nothing can be written to, without the waived ones."""
    return report.score.unmapped + report.score.ambiguous + report.score.refused


def percent(share: float) -> str:
    """A share, never rounded up to all of it."""
    return "100 %" if share == 1 else f"{min(share * 100, 99.9):.1f} %"


def facts(report: ShadowReport, zone: str) -> Iterator[tuple[str, str]]:
    """The figures, as (what, how many)."""
    found = report.score
    yield "shop", report.url
    yield "made", f"{moment(report.finished_at, zone)}, in mode {report.mode}"
    yield "listings", f"{found.listings:,}, of which {report.mapped:,} can be written"
    for change, would in WOULD.items():
        if change is Change.AGREES:
            yield f"would {would}", f"{report.agreeing:,} ({percent(report.share)})"
        elif found.counts[change]:
            yield f"would {would}", f"{found.counts[change]:,}"
    yield "units", f"{found.units_up:,} more on sale, {found.units_down:,} fewer"
    yield from _left_out(report)
    yield "in the shop", f"{found.products:,} products, {found.variations:,} variations"


def _left_out(report: ShadowReport) -> Iterator[tuple[str, str]]:
    found = report.score
    for words, count in (
        (WHY_NOT["sku_unknown"], found.unmapped),
        (WHY_NOT["sku_ambiguous"], found.ambiguous),
        (REFUSED, found.refused),
        ("are waived", found.waived),
    ):
        if count:
            yield words, f"{count:,}"
    if found.strangers:
        yield "the shop's, unknown to us", f"{found.strangers:,}"
    if found.without_sku:
        yield "the shop's, without a SKU", f"{found.without_sku:,}"


def moment(us: int, zone: str) -> str:
    """A time in the channel's own zone, for people."""
    return f"{_local(us, zone):%-d %b %Y %H:%M %Z}"


def _local(us: int, zone: str) -> datetime:
    return from_us(us).astimezone(ZoneInfo(zone))


def change_row(one: Difference) -> tuple[str, ...]:
    """A difference as SKU, product, shown, wanted, and the units between."""
    shows = "not managed" if one.shows is None else f"{one.shows:,}"
    between = one.wanted - (one.shows or 0)
    return (one.sku, one.name, shows, f"{one.wanted:,}", f"{between:+,}".replace("-", MINUS))


def of_change(report: ShadowReport, change: Change) -> list[Difference]:
    """The named differences of one change, the largest first."""
    return [one for one in report.score.differences if one.change is change]


def unwritable_row(one: Unwritable) -> tuple[str, str, str]:
    """A listing that cannot be written: SKU, why, and what to do."""
    return one.sku, one.detail, TO_DO.get(one.code, "")


TREND = ("when", "agree", "", "to zero", "less", "more", "from zero", "not in the shop", "mode")


def trend_rows(reports: Sequence[ShadowReport], zone: str) -> Iterator[tuple[str, ...]]:
    """The reports, the newest first."""
    for report in reversed(reports):
        counts = report.score.counts
        yield (
            moment(report.finished_at, zone),
            percent(report.share),
            f"{report.agreeing:,} of {report.mapped:,}",
            *(f"{counts[change]:,}" for change in _in_order()),
            f"{report.score.unmapped:,}",
            report.mode,
        )


def _in_order() -> Iterable[Change]:
    return (Change.TO_ZERO, Change.DOWN, Change.UP, Change.FROM_ZERO)
