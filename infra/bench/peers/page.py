"""What a race of peers came to, as a table in Markdown and a picture."""

from __future__ import annotations

import html
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from stockfold.domain.errors import SettingsError

BEGIN, END = "<!-- measured -->\n", "<!-- end -->\n"
BAR, GAP, TOP, LEFT, RIGHT, WIDTH = 26, 10, 36, 245, 190, 885
CAPTION = "events a second (line: least to most), and µs of CPU an event, its own + the broker's"
COLUMNS = (
    "",
    "events/s, median",
    "least",
    "most",
    "CPU s for a million",
    "of the broker",
    "peak MiB",
    "of the ledger's pace",
)
Rows = Mapping[str, Sequence[Mapping[str, float]]]


NEAR = 0.03
"""Medians that are nearer are told as even."""


class Duel(NamedTuple):
    """Racers to be told beside each other, the fastest of each side, and what they share."""

    case: str
    ours: Sequence[str]
    theirs: Sequence[str]


class Figures(NamedTuple):
    """Of one racer: events a second, CPU seconds for a million, MiB, share of the reference."""

    name: str
    middle: float
    least: float
    most: float
    cpu_s: float
    broker_cpu_s: float
    peak_mb: float
    share: float


def figures(found: Rows, reference: str) -> list[Figures]:
    """Medians and what lies around them."""
    base = statistics.median(row["events_per_s"] for row in found[reference])
    told = []
    for name, runs in found.items():
        paces = sorted(run["events_per_s"] for run in runs)
        middle = statistics.median(paces)
        cpu_s, broker_cpu_s = (
            statistics.median(run[f"{whose}_cpu_s_per_million"] for run in runs)
            for whose in ("running", "broker")
        )
        peak_mb = max(run["memory_mb"] for run in runs)
        told.append(
            Figures(name, middle, paces[0], paces[-1], cpu_s, broker_cpu_s, peak_mb, middle / base)
        )
    return told


def rows(found: Rows, reference: str) -> list[list[str]]:
    """The figures as they are shown; a dash for memory that is not the racer's own."""
    return [
        [
            one.name,
            *(f"{figure:,.0f}" for figure in one[1:6]),
            f"{one.peak_mb:,.0f}" if one.peak_mb else "-",
            f"{one.share:.0%}",
        ]
        for one in figures(found, reference)
    ]


def told(found: Rows, duels: Sequence[Duel]) -> str:
    """A sentence about each pair that raced: who is ahead, by how much, and who spends less."""
    lines = []
    for case, *sides in duels:
        raced = [{name: found[name] for name in side if found.get(name)} for side in sides]
        if not all(raced):
            continue
        best = [max(figures(side, next(iter(side))), key=_pace) for side in raced]
        faster, slower = sorted(best, key=_pace, reverse=True)
        ahead = faster.middle / slower.middle - 1
        word = "as fast as" if ahead < NEAR else f"**{ahead:.0%} faster** than"
        lines.append(
            f"- {case}, “{faster.name}” is {word} “{slower.name}”: {faster.middle:,.0f} "
            f"against {slower.middle:,.0f} events a second, {_spent(faster):,.0f} against "
            f"{_spent(slower):,.0f} µs of CPU an event with the broker's."
        )
    return "\n".join(lines)


def _pace(one: Figures) -> float:
    return one.middle


def _spent(one: Figures) -> float:
    return one.cpu_s + one.broker_cpu_s


def table(found: Rows, reference: str) -> str:
    """As Markdown."""
    lines = ["| " + " | ".join(COLUMNS) + " |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    lines += ["| " + " | ".join(row) + " |" for row in rows(found, reference)]
    return "\n".join(lines) + "\n"


def picture(race: Rows, reference: str) -> str:
    """As SVG: a bar for each median, a line from the least to the most."""
    found = figures(race, reference)
    scale = (WIDTH - LEFT - RIGHT) / max(one.most for one in found)
    height = TOP + len(found) * (BAR + GAP)
    font = 'font-family="system-ui,sans-serif" font-size="14"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {font}>',
        f'<title>Events a second</title><rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{GAP}" y="22" fill="#4b5563">{html.escape(CAPTION)}</text>',
    ]
    for number, one in enumerate(found):
        y, color = TOP + number * (BAR + GAP), _color(one.name, reference)
        word_y, line_y = y + BAR // 2 + 5, y + BAR // 2
        least, middle, most = (LEFT + round(x * scale) for x in (one.least, one.middle, one.most))
        size, name = f'width="{middle - LEFT}" height="{BAR}"', html.escape(one.name)
        cpu_us = f"{one.cpu_s:,.0f} + {one.broker_cpu_s:,.0f} µs"
        cost = f'<tspan fill="#4b5563" dx="8">{cpu_us}</tspan>'
        parts += [
            f'<text x="{LEFT - 10}" y="{word_y}" text-anchor="end">{name}</text>',
            f'<rect x="{LEFT}" y="{y}" {size} fill="{color}"/>',
            f'<path d="M{least} {line_y}H{most}" stroke="#111827" stroke-width="2"/>',
            f'<text x="{most + 8}" y="{word_y}">{one.middle:,.0f} {cost}</text>',
        ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _color(name: str, reference: str) -> str:
    return "#c2410c" if name.startswith(reference) else "#4c7a9e"


def write(page: Path, image: Path, found: Rows, reference: str, how: str) -> None:
    """Put the table and ``how`` it came about between the page's marks, the picture beside it.

    SettingsError for a page without marks.
    """
    text = page.read_text()
    before, begun, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SettingsError(
            f"{page} has no place for the table", remedy=f"Put {BEGIN.strip()} and {END.strip()}."
        )
    page.write_text(f"{before}{BEGIN}\n{table(found, reference)}\n{how}\n\n{END}{after}")
    image.write_text(picture(found, reference))
