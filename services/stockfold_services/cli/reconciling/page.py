"""A report as one HTML page: no scripts, nothing loaded, fit for paper and for an attachment."""

from __future__ import annotations

from html import escape
from pathlib import Path

from stockfold_services.cli.reconciling.report import Cell, Report, Sheet, writing

ROWS_MAX = 5_000
"""Differences on a page: browsers slow down beyond it, and the CSV has them all."""

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--bad:#b3261e;--good:#1a7f37}
@media(prefers-color-scheme:dark){:root{--bad:#ff8a80;--good:#6fdd8b}}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:80rem;padding:1.25rem}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.sum{font-size:1.1rem;font-weight:600;margin:.4rem 0 1rem}.bad{color:var(--bad)}
.good{color:var(--good)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0;opacity:.85}
dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}
.wide{overflow-x:auto}
table{border-collapse:collapse}
th{position:sticky;top:0;background:Canvas;white-space:nowrap}
td,th{border-bottom:1px solid var(--line);padding:.3rem 1.25rem .3rem 0;text-align:left;
vertical-align:top}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.why{min-width:16rem;max-width:30rem}td.id{white-space:nowrap}
tbody tr:hover{background:#8881}
@media print{body{max-width:none;padding:0;font-size:11px}th{position:static}tr{break-inside:avoid}}
"""
_NAMES = ("sku", "location", "account", "kind", "listing")


def write_page(report: Report, path: Path) -> None:
    """Write the page. SettingsError when that cannot be done."""
    with writing(path) as file:
        file.write(page(report))


def page(report: Report) -> str:
    """The whole page."""
    mood = "good" if report.agrees else "bad"
    facts = "".join(f"<dt>{escape(n)}</dt><dd>{escape(v)}</dd>" for n, v in report.facts)
    groups = Sheet(
        ("kind", "count", "meaning"), [(g.kind, g.count, g.meaning) for g in report.groups]
    )
    parts = [
        f"<h1>{escape(report.title)}</h1>",
        f'<p class="sum {mood}">{escape(report.sentence)}</p><dl>{facts}</dl>',
        *(f"<p>{escape(note)}</p>" for note in report.notes),
        _section("By kind", groups),
        _section("Totals", report.totals),
        _differences(report.differences),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _differences(sheet: Sheet) -> str:
    shown = Sheet(sheet.columns, sheet.rows[:ROWS_MAX])
    more = len(sheet.rows) - len(shown.rows)
    rest = f"<p>and {more:,} more, which the CSV has</p>" if more > 0 else ""
    return _section(f"Differences ({len(sheet.rows):,})", shown) + rest


def _section(title: str, sheet: Sheet) -> str:
    if not sheet.rows:
        return ""
    numeric = [
        any(isinstance(row[at], int) for row in sheet.rows) for at in range(len(sheet.columns))
    ]
    head = "".join(
        f'<th class="n">{escape(name)}</th>' if numeric[at] else f"<th>{escape(name)}</th>"
        for at, name in enumerate(sheet.columns)
    )
    rows = "".join(
        "<tr>"
        + "".join(_cell(c, name) for c, name in zip(row, sheet.columns, strict=True))
        + "</tr>"
        for row in sheet.rows
    )
    return (
        f'<h2>{escape(title)}</h2><div class="wide"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _cell(cell: Cell, column: str) -> str:
    if isinstance(cell, int):
        mark = " bad" if column == "difference" and cell else ""
        sign = "+" if column == "difference" and cell else ""
        return f'<td class="n{mark}">{cell:{sign},}</td>'
    kind = "why" if column in ("why", "to do", "meaning") else "id" if column in _NAMES else ""
    told = "" if cell is None else escape(cell)
    return f'<td class="{kind}">{told}</td>' if kind else f"<td>{told}</td>"
