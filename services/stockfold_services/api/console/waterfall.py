"""A journey as a waterfall: one bar a step, on one line of time. SVG made here, pure."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from stockfold.domain.times import to_us
from stockfold.runtime.journey import Step, lasted

WIDTH, ROW, TOP = 640, 22, 24
LEFT, RIGHT = 128, 8
BAR, BAR_WIDTH_MIN = 12, 3
TICKS = 4
BARS_MAX = 120


def waterfall(steps: Sequence[Step], title: str) -> Markup:
    """The chart of at least one step, in their order."""
    shown = steps[:BARS_MAX]
    begin = min(to_us(step.at) for step in shown)
    span = max(max(to_us(step.until) for step in shown) - begin, 1)

    def x(us: int) -> float:
        return LEFT + (us - begin) * (WIDTH - LEFT - RIGHT - BAR_WIDTH_MIN) / span

    height = TOP + ROW * len(shown)
    parts = [
        Markup('<svg class="waterfall" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(
            WIDTH, height, title
        ),
        Markup("<title>{}</title>").format(title),
    ]
    for tick in range(TICKS + 1):
        at = begin + span * tick // TICKS
        anchor = "start" if tick == 0 else "end" if tick == TICKS else "middle"
        parts.append(
            Markup(
                '<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
                '<text class="tick" x="{0:.1f}" y="14" text-anchor="{3}">{4}</text>'
            ).format(x(at), TOP - 4, height, anchor, lasted(at - begin) if tick else "0")
        )
    for index, step in enumerate(shown):
        left, right = x(to_us(step.at)), x(to_us(step.until))
        top = TOP + ROW * index
        parts.append(
            Markup(
                '<g class="step is-{}{}"><title>{}</title><text x="0" y="{}">{}</text>'
                '<rect x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"/></g>'
            ).format(
                step.stage,
                "" if step.ok else " is-bad",
                f"{step.title}, after {lasted(to_us(step.at) - begin)}",
                top + BAR,
                step.stage,
                left,
                top + 2,
                max(right - left, BAR_WIDTH_MIN),
                BAR,
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])
