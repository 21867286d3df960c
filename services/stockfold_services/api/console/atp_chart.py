"""Dated ATP as a chart: SVG made here, so that it needs no script and no library. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 64, 12, 14, 30
TICKS = 4
LABELS_MAX = 6


class Day(NamedTuple):
    """One day: what will be there, what of it may be promised, and what is to arrive."""

    day: date
    projection: int
    promise: int
    arrives: int


class _Frame(NamedTuple):
    """Where values and days lie on the picture."""

    low: int
    high: int
    days: int

    def x(self, index: float) -> float:
        """Of the left edge of a day."""
        return LEFT + index * (WIDTH - LEFT - RIGHT) / self.days

    def y(self, value: float) -> float:
        """Of a value."""
        span = max(self.high - self.low, 1)
        return TOP + (self.high - value) * (HEIGHT - TOP - BOTTOM) / span


def atp_chart(days: Sequence[Day], title: str) -> Markup:
    """The chart of at least one day. Promises are filled, the projection is a line."""
    values = [0, *(d.projection for d in days), *(d.promise for d in days)]
    low, high, step = _scale(min(values), max(values))
    frame = _Frame(low, high, len(days))
    parts = [
        Markup('<svg class="atp-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            WIDTH, HEIGHT, title
        ),
        Markup("<title>{}</title>").format(title),
        *_grid(frame, step),
        *_dates(frame, days),
        _promised(frame, days),
        Markup('<path class="projection" d="{}"/>').format(
            _steps(frame, [d.projection for d in days])
        ),
        *_arrivals(frame, days),
        Markup("</svg>"),
    ]
    return Markup("").join(parts)


def _scale(least: int, most: int) -> tuple[int, int, int]:
    """Bounds on whole steps of 1, 2 or 5 times a power of ten, and the step."""
    span = max(most - least, 1)
    step = 1
    while step * TICKS < span:
        digits = str(step)
        step = step * 5 // 2 if digits[0] == "2" else step * 2
    low, high = least // step * step, -(-most // step) * step
    return low, max(high, low + step), step


def _grid(frame: _Frame, step: int) -> list[Markup]:
    found = []
    for value in range(frame.low, frame.high + 1, step):
        y = frame.y(value)
        found.append(
            Markup(
                '<line class="{}" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>'
                '<text class="value" x="{}" y="{:.1f}">{}</text>'
            ).format(
                "zero" if value == 0 else "grid",
                LEFT,
                WIDTH - RIGHT,
                y,
                y,
                LEFT - 6,
                y + 4,
                _short(value),
            )
        )
    return found


def _short(value: int) -> str:
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (10_000, "k")):
        if abs(value) >= size:
            unit = 1000 if letter == "k" else size
            return f"{value / unit:g}{letter}"
    return f"{value:,}"


def _dates(frame: _Frame, days: Sequence[Day]) -> list[Markup]:
    every = -(-len(days) // LABELS_MAX)
    return [
        Markup('<text class="date" x="{:.1f}" y="{}">{}</text>').format(
            frame.x(index + 0.5), HEIGHT - 8, f"{days[index].day:%-d %b}"
        )
        for index in range(0, len(days), every)
    ]


def _steps(frame: _Frame, values: Sequence[int]) -> str:
    found = [f"M{frame.x(0):.1f} {frame.y(values[0]):.1f}"]
    for index, value in enumerate(values):
        found.append(f"V{frame.y(value):.1f}H{frame.x(index + 1):.1f}")
    return "".join(found)


def _promised(frame: _Frame, days: Sequence[Day]) -> Markup:
    steps = _steps(frame, [d.promise for d in days])
    ground = f"{frame.y(0):.1f}"
    area = f"{steps}V{ground}H{frame.x(0):.1f}Z"
    return Markup('<path class="promise-area" d="{}"/><path class="promise" d="{}"/>').format(
        area, steps
    )


def _arrivals(frame: _Frame, days: Sequence[Day]) -> list[Markup]:
    found = []
    for index, one in enumerate(days):
        if one.arrives:
            x, y = frame.x(index), frame.y(one.projection)
            told = escape(f"{one.arrives:,} units arrive on {one.day:%-d %b}")
            found.append(
                Markup('<circle class="arrival" cx="{:.1f}" cy="{:.1f}" r="4">').format(x, y)
                + Markup("<title>{}</title></circle>").format(told)
            )
    return found
