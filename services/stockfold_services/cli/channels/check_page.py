"""The check of a channel as one page of HTML, with nothing to load from elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from stockfold.domain.times import format_us
from stockfold.runtime.channel_coverage import Admission
from stockfold.runtime.shop_check import Checked
from stockfold_services.cli.channels import check_words

STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;"
    "color:#1b1f24}table{border-collapse:collapse;width:100%;margin:1rem 0}"
    "th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #d8dee4;"
    "overflow-wrap:break-word}th{background:#f6f8fa}"
    ".error td:nth-child(2),.warning td:nth-child(2),.note td:nth-child(2){white-space:nowrap}"
    ".error td:first-child{color:#b3261e;font-weight:600}"
    ".warning td:first-child{color:#8a5300;font-weight:600}"
)


def page_of(found: Checked, admission: Admission | None) -> str:
    """The page."""
    name = escape(found.channel)
    facts = [((), row) for row in check_words.facts(found, admission)]
    findings = [((f.level.value,), check_words.row(f)) for f in found.findings]
    body = [
        f"<h1>Check of channel {name}</h1>",
        f"<p>{escape(check_words.verdict(found))}. {_minute(found.checked_at_us)}.</p>",
        _table(("what", "found"), facts),
        f"<h2>{len(findings):,} findings</h2>",
        _table(check_words.COLUMNS, findings) if findings else "",
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Check of {name}</title><style>{STYLE}</style>"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'
    )


def _minute(us: int) -> str:
    return f"{format_us(us)[:16].replace('T', ' ')} UTC"


def _table(columns: Sequence[str], rows: Iterable[tuple[Sequence[str], Sequence[str]]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    lines = [
        f'<tr class="{" ".join(classes)}">'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for classes, cells in rows
    ]
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
