"""The shadow report as one page of HTML, with nothing to load from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from stockfold.channels.woocommerce.scoring import LARGEST_OF_EACH, NAMED_MAX, Change
from stockfold.runtime.shadow_reports import ShadowReport
from stockfold_services.cli.channels import shadow_words as words
from stockfold_services.cli.channels.shadow_trend import drawn

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;"
    "color:#1b1f24}h1{font-size:1.6rem;margin:0}h2{font-size:1.2rem;margin:2.2rem 0 .4rem}"
    ".dim{color:#57606a;margin:.2rem 0}.verdict{font-size:1.15rem;max-width:52rem}"
    ".cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}"
    ".card{border:1px solid #d0d7de;border-radius:.5rem;padding:.6rem .9rem;min-width:6rem}"
    ".card b{display:block;font-size:1.6rem;line-height:1.25}.card span{color:#57606a}"
    ".good b{color:#1a7f37}.look b{color:#b3261e}"
    "table{border-collapse:collapse;width:100%;margin:.4rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .6rem;"
    "border-bottom:1px solid #d8dee4;overflow-wrap:anywhere}th{background:#f6f8fa}"
    ".wide{overflow-x:auto}td:first-child{min-width:6.5rem}td:nth-child(2){min-width:9rem}"
    ".n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}"
    "svg{max-width:100%;height:auto}p{max-width:52rem}"
    "@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr{break-inside:avoid}}"
)
COLUMNS = ("SKU", "product in the shop", "shows", "would show", "units")
FIGURES = frozenset(COLUMNS[2:])
MEANING = {
    Change.TO_ZERO: "Customers can buy these now and could not any more. Look here first: if the "
    "shelf is not empty, stockfold lacks the stock.",
    Change.DOWN: "The shop offers more than stockfold may promise.",
    Change.UP: "The shop offers less than stockfold may promise, or had sold more than it had.",
    Change.FROM_ZERO: "Sold out in the shop now; they would be on sale again.",
    Change.MANAGED: "The shop does not count these: they can be bought without limit. A write "
    "would make it count them.",
    Change.BACKORDERS: "The number is right; the rule for selling without stock would change.",
}
HOW = (
    "What agrees is compared once more with our numbers after the shop was read, so an order that "
    "came in between is no difference. Other small differences that come and go are orders on "
    "their way; those that stay are worth a look. Metadata of products is not compared. Nothing in "
    "the shop was changed for this report."
)


def page_of(reports: Sequence[ShadowReport], zone: str) -> str:
    """The page of the newest report, and of how it came to be."""
    newest = reports[-1]
    name = escape(newest.channel)
    minutes = (newest.finished_at - newest.started_at) / 60_000_000
    took = f", read in {minutes:.0f} minutes" if minutes >= 1 else ""
    title = "what would change if it went live" if newest.mode != "live" else "shop and numbers"
    compared = f"compared {words.moment(newest.finished_at, zone)}{took}"
    body = [
        f"<h1>{name}: {title}</h1>",
        f'<p class="dim">{escape(newest.url)}, {compared}, in mode {escape(newest.mode)}.</p>',
        f'<p class="verdict">{escape(words.verdict(newest))}</p>',
        _cards(newest),
        *_trend(reports, zone),
        *_differences(newest),
        *_unwritable(newest),
        *_strangers(newest),
        f"<h2>How to read this</h2><p>{escape(HOW)}</p>",
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Shadow report of {name}</title><style>{STYLE}</style>"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'
    )


def _cards(report: ShadowReport) -> str:
    found = report.score
    cards = [("good", words.percent(report.share), "agree")]
    cards += [
        ("look" if change is Change.TO_ZERO else "", f"{found.counts[change]:,}", label)
        for change, label in (
            (Change.TO_ZERO, "to zero"),
            (Change.DOWN, "less"),
            (Change.UP, "more"),
            (Change.FROM_ZERO, "from zero"),
            (Change.MANAGED, "not counted yet"),
        )
        if found.counts[change] or change is not Change.MANAGED
    ]
    left_out = words.unwritable(report)
    cards.append(("look" if left_out else "", f"{left_out:,}", "cannot be written"))
    return (
        '<div class="cards">'
        + "".join(
            f'<div class="card {kind if value != "0" else ""}"><b>{value}</b><span>{label}</span>'
            "</div>"
            for kind, value, label in cards
        )
        + "</div>"
    )


def _trend(reports: Sequence[ShadowReport], zone: str) -> Iterator[str]:
    if len(reports) < 2:
        return
    yield "<h2>Does it converge?</h2>"
    yield drawn(reports, zone)
    rows = list(words.trend_rows(reports, zone))
    table = _table(words.TREND, rows, figures=frozenset(words.TREND[1:-1]))
    yield f"<details><summary>{len(rows):,} comparisons</summary>{table}</details>"


def _differences(report: ShadowReport) -> Iterator[str]:
    for change, meaning in MEANING.items():
        count = report.score.counts[change]
        if not count:
            continue
        rows = [words.change_row(one) for one in words.of_change(report, change)]
        yield f"<h2>{count:,} would {words.WOULD[change]}</h2>"
        some = f" The {LARGEST_OF_EACH} largest:" if count > len(rows) else ""
        yield f'<p class="dim">{meaning}{some}</p>{_table(COLUMNS, rows, figures=FIGURES)}'


def _unwritable(report: ShadowReport) -> Iterator[str]:
    found = report.score
    count = words.unwritable(report)
    if not count:
        return
    told = [
        f"{number:,} {why}"
        for number, why in (
            (found.unmapped, words.WHY_NOT["sku_unknown"]),
            (found.ambiguous, words.WHY_NOT["sku_ambiguous"]),
            (found.refused, words.REFUSED),
        )
        if number
    ]
    rows = [words.unwritable_row(one) for one in found.unwritable]
    some = f" The first {NAMED_MAX} of each:" if count > len(rows) else ""
    yield f"<h2>{count:,} of our listings cannot be written</h2>"
    yield f'<p class="dim">{"; ".join(told)}.{some}</p>'
    yield _table(("SKU", "why", "what to do"), rows)


def _strangers(report: ShadowReport) -> Iterator[str]:
    found = report.score
    if found.without_sku:
        yield f"<h2>{found.without_sku:,} products or variations without a SKU</h2>"
        yield '<p class="dim">Nothing can be published to them. `stockfold channel check` names '
        yield "them.</p>"
    if not found.strangers:
        return
    yield f"<h2>{found.strangers:,} products or variations that we know nothing of</h2>"
    yield '<p class="dim">stockfold publishes no stock under their SKU and leaves them alone.'
    yield f" The first {NAMED_MAX}:" if found.strangers > len(found.stranger_names) else ""
    yield f"</p><p>{'<br>'.join(map(escape, found.stranger_names))}</p>"


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[str]],
    figures: frozenset[str] = frozenset(),
) -> str:
    kinds = [' class="n"' if column in figures else "" for column in columns]
    head = "".join(
        f'<th scope="col"{kind}>{escape(column)}</th>'
        for column, kind in zip(columns, kinds, strict=True)
    )
    lines = [
        "<tr>"
        + "".join(f"<td{kind}>{escape(c)}</td>" for c, kind in zip(cells, kinds, strict=True))
        + "</tr>"
        for cells in rows
    ]
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    return f'<div class="wide">{table}</div>'
