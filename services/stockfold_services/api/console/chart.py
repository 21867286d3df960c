"""Small charts as inline SVG, drawn here. Pure; colours and widths come from the style sheet."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT, _ROOM = 120.0, 32.0, 2.0


def spark(values: Sequence[float], title: str) -> Markup:
    """A line of values over time, the oldest first, from zero; nothing for fewer than two."""
    if len(values) < 2:
        return Markup("")
    top = max(*values, 1e-9)
    step = _WIDTH / (len(values) - 1)
    points = [
        (i * step, _HEIGHT - _ROOM - max(value, 0) / top * (_HEIGHT - 2 * _ROOM))
        for i, value in enumerate(values)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return Markup(
        '<svg class="spark" viewBox="0 0 {w:.0f} {h:.0f}" preserveAspectRatio="none" role="img">'
        "<title>{title}</title>"
        '<polygon class="area" points="0,{h:.0f} {line} {w:.0f},{h:.0f}"/>'
        '<polyline class="line" points="{line}"/></svg>'
    ).format(w=_WIDTH, h=_HEIGHT, line=line, title=title)


def gauge(part: float, title: str, tone: str = "") -> Markup:
    """A bar that is filled to ``part``, of 0 to 1."""
    filled = min(max(part, 0.0), 1.0) * 100
    return Markup(
        '<svg class="gauge{tone}" viewBox="0 0 100 4" preserveAspectRatio="none" role="img">'
        '<title>{title}</title><rect class="ground" width="100" height="4"/>'
        '<rect class="fill" width="{filled:.1f}" height="4"/></svg>'
    ).format(tone=f" is-{tone}" if tone else "", filled=filled, title=title)
