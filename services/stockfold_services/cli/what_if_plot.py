"""The picture of a simulated policy: units oversold and lost, over time and in all, by channel."""

from __future__ import annotations

import html
import importlib.util
import io
from itertools import accumulate
from pathlib import Path
from typing import Any

from stockfold.domain.errors import SettingsError
from stockfold.domain.times import from_us, parse_us
from stockfold_services.cli.what_if_report import HEADER, rows_of, sentences_of, sides_of

STYLES = {
    "happened": ("#111827", ":"),
    "in force": ("#4c7a9e", "--"),
    "simulated": ("#c2410c", "-"),
}
MEANT = (
    "Happened: what the channel was told, as recorded, and what the ledger made of its demand. In "
    "force: what the policies of then make of the same demand. Simulated: what the given policies "
    "do. Oversold are units that were shown and asked, and that no stock covered; lost are units "
    "that stock would have covered, and that were refused or not shown."
)
MEASURES = (("oversold_at", "units oversold"), ("lost_at", "units lost"))
CHANNELS_MAX = 12
FIRST = ' class="first"'
WORDS = 2
"""So many columns of the table are words, not figures."""

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
h1{{font-size:1.5rem}}table{{border-collapse:collapse;margin:1rem 0}}
td,th{{padding:.2rem .8rem;text-align:left}}tr.first td{{border-top:1px solid #9ca3af}}
p{{max-width:46rem}}
.n{{text-align:right}}svg{{max-width:100%;height:auto}}</style></head>
<body><h1>{title}</h1>{svg}{table}{notes}</body></html>
"""


def refuse_without_plots(path: Path) -> None:
    """SettingsError when this file cannot be written, before the work begins."""
    if path.suffix not in {".png", ".html"}:
        raise SettingsError(
            f"{path} is neither .png nor .html", remedy="Name the file with one of the two endings."
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise SettingsError(
            "plots need matplotlib, which is not installed",
            remedy="pip install 'stockfold[plots]', or leave --plot out.",
        )


def write_plot(path: Path, found: dict[str, Any]) -> None:
    """Write the picture of a report: a PNG, or one HTML file with nothing outside of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        path.write_bytes(_drawn(found, "png"))
        return
    svg = _drawn(found, "svg").decode()
    page = _PAGE.format(
        title=html.escape(_title(found)),
        svg=svg[svg.index("<svg") :],
        table=_table(found),
        notes="".join(f"<p>{html.escape(s)}</p>" for s in (MEANT, *sentences_of(found))),
    )
    path.write_text(page, encoding="utf-8")


def _title(found: dict[str, Any]) -> str:
    begins, ends = (f"{from_us(parse_us(found[n])):%-d %b %Y %H:%M}" for n in ("from", "to"))
    return f"Simulated policy, {begins} to {ends} UTC"


def _drawn(found: dict[str, Any], kind: str) -> bytes:
    from matplotlib import rc_context  # noqa: PLC0415  (as below)
    from matplotlib.dates import ConciseDateFormatter  # noqa: PLC0415  (as below)
    from matplotlib.figure import Figure  # noqa: PLC0415  (an extra: only who plots has it)

    rows = [row for row in found["channels"] if row["simulated"] is not None][:CHANNELS_MAX]
    begins, ends = (parse_us(found[name]) for name in ("from", "to"))
    figure = Figure(figsize=(11, 1.2 + 2.3 * max(len(rows), 1)), layout="constrained")
    if kind == "png":  # A page has it as its heading.
        figure.suptitle(_title(found))
    axes = figure.subplots(max(len(rows), 1), len(MEASURES), squeeze=False, sharex=True)
    for line, row in zip(axes, rows, strict=False):
        for axis, (measure, title) in zip(line, MEASURES, strict=True):
            for name, side in sides_of(row):
                colour, dashes = STYLES[name]
                sums = [0, *accumulate(side[measure])]
                step = (ends - begins) / (len(sums) - 1)
                times = [from_us(round(begins + step * n)) for n in range(len(sums))]
                axis.plot(times, sums, dashes, color=colour, label=f"{name}: {sums[-1]:,}")
            axis.set_title(f"{row['channel']}: {title}", loc="left", fontsize=10)
            axis.legend(loc="upper left", fontsize=8, frameon=False)
            highest = max(max(curve.get_ydata()) for curve in axis.get_lines())
            # A little below zero, so that a line that stays there is seen; above, the legend.
            axis.set_ylim(max(highest, 1) * -0.04, max(highest, 1) * 1.4)
            axis.margins(x=0.02)
            axis.xaxis.set_major_formatter(ConciseDateFormatter(axis.xaxis.get_major_locator()))
            axis.yaxis.get_major_locator().set_params(integer=True)
            axis.spines[["top", "right"]].set_visible(False)
            axis.tick_params(labelsize=8)
    out = io.BytesIO()
    # Without a date and with names that do not change, equal reports make equal files.
    with rc_context({"svg.hashsalt": "stockfold"}):
        metadata = {"Date": None} if kind == "svg" else {}
        figure.savefig(out, format=kind, dpi=120, metadata=metadata)
    return out.getvalue()


def _table(found: dict[str, Any]) -> str:
    head = "".join(f"<th{_align(n)}>{name}</th>" for n, name in enumerate(HEADER))
    body = []
    last: object = None
    for row in rows_of(found):
        is_first, last = row[0] != last, row[0]
        shown = row if is_first else ("", *row[1:])
        cells = "".join(f"<td{_align(n)}>{_text(value)}</td>" for n, value in enumerate(shown))
        body.append(f"<tr{FIRST if is_first else ''}>{cells}</tr>")
    return f"<table><tr>{head}</tr>{''.join(body)}</table>"


def _align(column: int) -> str:
    return "" if column < WORDS else ' class="n"'


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else html.escape(str(value))
