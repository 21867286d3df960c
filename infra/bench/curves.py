"""Curves over one axis, each in a panel of its own, as an SVG."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

WIDTH, PANEL, LEFT, TOP = 760, 150, 70, 40
FONT = 'font-family="sans-serif" font-size="12"'


class Curve(NamedTuple):
    """What it shows, and its points."""

    name: str
    points: Sequence[tuple[float, float]]


def picture(title: str, axis: str, curves: Sequence[Curve]) -> str:
    """The panels under each other; every one begins at zero."""
    height = TOP + PANEL * len(curves) + 30
    last = max((x for curve in curves for x, _ in curve.points), default=1.0) or 1.0
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="15">{escape(title)}</text>',
    ]
    for number, curve in enumerate(curves):
        parts += _panel(curve, TOP + PANEL * number, last)
    parts.append(
        f'<text x="{WIDTH - 20}" y="{height - 10}" text-anchor="end">{escape(axis)}, '
        f"0 to {last:.0f}</text>"
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(curve: Curve, top: int, last: float) -> list[str]:
    room, wide = PANEL - 40, WIDTH - LEFT - 20
    most = max((y for _, y in curve.points), default=0.0) or 1.0
    base = top + 20 + room
    line = " ".join(
        f"{LEFT + x / last * wide:.1f},{base - y / most * room:.1f}" for x, y in curve.points
    )
    return [
        f'<text x="{LEFT}" y="{top + 14}" fill="#555">{escape(curve.name)}</text>',
        f'<text x="{LEFT - 6}" y="{top + 28}" text-anchor="end">{most:,.0f}</text>',
        f'<text x="{LEFT - 6}" y="{base}" text-anchor="end">0</text>',
        f'<path d="M{LEFT} {top + 20}V{base}H{WIDTH - 20}" fill="none" stroke="#bbb"/>',
        f'<polyline points="{line}" fill="none" stroke="#2266aa" stroke-width="1.5"/>',
    ]
