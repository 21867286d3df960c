"""The picture of a channel that converges, or does not: differences over time, as SVG."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from stockfold.channels.woocommerce.scoring import Change
from stockfold.runtime.shadow_reports import ShadowReport
from stockfold_services.cli.channels.shadow_words import moment, percent

WIDTH, HEIGHT = 1_000, 260
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 20, 40
LINES = (("differ", "#0b57d0"), ("to zero", "#b3261e"))


def drawn(reports: Sequence[ShadowReport], zone: str) -> str:
    """How many listings differ, and how many would go to zero, from the first report to the last.

    At least two reports.
    """
    first, last = reports[0].finished_at, reports[-1].finished_at
    series = [
        [report.mapped - report.agreeing for report in reports],
        [report.score.counts[Change.TO_ZERO] for report in reports],
    ]
    top = max(1, *(max(values) for values in series))
    across = (WIDTH - LEFT - RIGHT) / max(last - first, 1)
    down = (HEIGHT - TOP - BOTTOM) / top
    xs = [LEFT + (report.finished_at - first) * across for report in reports]
    parts = [*_axes(top), *_ends(reports, zone)]
    for (label, colour), values in zip(LINES, series, strict=True):
        ys = [HEIGHT - BOTTOM - value * down for value in values]
        parts.append(_line(list(zip(xs, ys, strict=True)), colour))
        parts.append(
            f'<text x="{LEFT + 12 + 130 * (colour != LINES[0][1])}" y="{TOP - 5}" '
            f'fill="{colour}" font-size="14">— {label}</text>'
        )
    began, ended = (percent(report.share) for report in (reports[0], reports[-1]))
    told = f"Listings that differ from the shop over time; {began} agreed first, {ended} now."
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(told)}" '
        f'font-family="system-ui,sans-serif">{"".join(parts)}</svg><p class="dim">{told}</p>'
    )


def _axes(top: int) -> Iterator[str]:
    for value in sorted({0, top // 2, top}):
        y = HEIGHT - BOTTOM - value * (HEIGHT - TOP - BOTTOM) / top
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#d8dee4"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 5:.1f}" text-anchor="end" fill="#57606a" '
        yield f'font-size="14">{value:,}</text>'


def _ends(reports: Sequence[ShadowReport], zone: str) -> Iterator[str]:
    for x, anchor, report in ((LEFT, "start", reports[0]), (WIDTH - RIGHT, "end", reports[-1])):
        yield f'<text x="{x}" y="{HEIGHT - 12}" text-anchor="{anchor}" fill="#57606a" '
        yield f'font-size="14">{escape(moment(report.finished_at, zone))}</text>'


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in points)
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
        f'<g fill="{colour}">{dots}</g>'
    )
