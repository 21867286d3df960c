"""The topology as SVG: how services hand on to each other, and who writes and reads each topic.

Pure, and drawn from the declaration alone; colours come from the style sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from markupsafe import Markup

from stockfold.contracts.topology import FLOWS, OUTSIDE, SERVICES, Flow
from stockfold_services.api.console.words import plural, short

OURS = tuple(name for name, _ in SERVICES)
COLUMNS = ("ERP and WMS", "people", *OURS)
"""Everybody who writes or reads topics, in the order in which they are drawn."""

_STAGES = (
    ("ERP and WMS", "shops"),
    ("gateway", "sweeper", "erp", "checkout"),
    ("orders",),
    ("ledger",),
    ("availability", "snapshotter"),
    ("publisher", "projector", "monitor"),
    ("shops ", "api"),
)
_LINKS = (
    ("ERP and WMS", "gateway", "events over HTTP"),
    ("erp", "ERP and WMS", "orders, as the ERP takes them"),
    ("shops", "gateway", "webhooks"),
    ("shops", "sweeper", "changed orders, asked for"),
    ("publisher", "shops ", "stock levels"),
    ("projector", "api", "tables in PostgreSQL"),
)
"""What is handed on other than by topics. Shops are drawn twice: they sell, and they are told."""

_LABEL, _COLUMN, _ROW, _HEAD = 190, 60, 24, 96
_NODE_W, _NODE_H, _STEP_X, _STEP_Y, _TALL = 112, 42, 158, 74, 4


class _Box(NamedTuple):
    name: str
    stage: int
    x: float
    y: float


def wiring(on: str = "") -> Markup:
    """Every topic as a wire between those who write it and those who read it.

    ``on`` names a column whose wires stand out.
    """
    rows: list[Markup] = []
    y, group = _HEAD, ""
    for flow in FLOWS:
        if flow.group != group:
            group = flow.group
            y += _ROW
            rows.append(_text(0, y, group, "group"))
            y += _ROW
        rows.append(_wire(flow, y, on))
        y += _ROW
    width, height = _LABEL + len(COLUMNS) * _COLUMN + 30, y
    return _svg(width, height, "Who writes and who reads each topic", [*_posts(height, on), *rows])


def _x(name: str) -> float:
    return _LABEL + (COLUMNS.index(name) + 0.5) * _COLUMN


def _posts(height: float, on: str) -> Iterator[Markup]:
    for name in COLUMNS:
        x = _x(name)
        tone = "loud" if name == on else ""
        yield Markup(
            '<line class="post" x1="{x}" y1="{top}" x2="{x}" y2="{height}"/>'
            '<a href="/console/topology?of={name}"><text class="{tone}" x="{x}" y="{y}" '
            'transform="rotate(-42 {x} {y})">{name}</text></a>'
        ).format(x=x, top=_HEAD, height=height, name=name, tone=tone, y=_HEAD - 10)


def _wire(flow: Flow, y: float, on: str) -> Markup:
    taking_part = [name for name in COLUMNS if name in (*flow.writers, *flow.readers)]
    state = "" if not on else "is-on" if on in taking_part else "is-off"
    ends = [_x(name) for name in taking_part]
    dots = Markup("").join(_dot(flow, name, y) for name in taking_part)
    return Markup(
        '<g class="{state}"><title>{doc}</title>'
        '<a href="/contracts#{topic}"><text x="0" y="{base}">{name}</text></a>'
        '<line class="wire" x1="{left}" y1="{y}" x2="{right}" y2="{y}"/>{dots}</g>'
    ).format(
        state=state,
        doc=told(flow),
        topic=flow.topic.name,
        base=y + 4,
        name=short(flow.topic.name),
        left=min(ends),
        right=max(ends),
        y=y,
        dots=dots,
    )


def _dot(flow: Flow, name: str, y: float) -> Markup:
    writes, reads = name in flow.writers, name in flow.readers
    kind = "both" if writes and reads else "writes" if writes else "reads"
    return Markup('<circle class="{}" cx="{}" cy="{}" r="5"/>').format(kind, _x(name), y)


def told(flow: Flow) -> str:
    """A flow in a sentence."""
    return (
        f"{short(flow.topic.name)}: {flow.topic.doc} Written by {', '.join(flow.writers)}; "
        f"read by {', '.join(flow.readers)}."
    )


def stages(behind: Mapping[str, int], on: str = "") -> Markup:
    """The services in the order in which stock flows, joined where one reads what another writes.

    ``behind`` are the records that a service has not read yet.
    """
    boxes = {box.name: box for box in _boxes()}
    edges = [_edge(boxes[a], boxes[b], names, on) for (a, b), names in _pairs(set(boxes)).items()]
    nodes = [_node(box, behind.get(box.name), on) for box in boxes.values()]
    width = len(_STAGES) * _STEP_X - (_STEP_X - _NODE_W) + 4
    return _svg(width, _TALL * _STEP_Y + 16, "How services hand on to each other", [*edges, *nodes])


def _boxes() -> Iterator[_Box]:
    for stage, names in enumerate(_STAGES):
        top = (_TALL - len(names)) * _STEP_Y / 2 + 2
        for i, name in enumerate(names):
            yield _Box(name, stage, 2 + stage * _STEP_X, top + i * _STEP_Y)


def _pairs(drawn: set[str]) -> dict[tuple[str, str], list[str]]:
    """What each box hands to another."""
    found: dict[tuple[str, str], list[str]] = {}
    for flow in FLOWS:
        for writer in flow.writers:
            for reader in flow.readers:
                if writer != reader and {writer, reader} <= drawn:
                    found.setdefault((writer, reader), []).append(short(flow.topic.name))
    for giver, taker, what in _LINKS:
        found.setdefault((giver, taker), []).append(what)
    return found


def _edge(a: _Box, b: _Box, names: Sequence[str], on: str) -> Markup:
    """Forwards from the right side to the left side; backwards underneath, dashed."""
    back = b.stage <= a.stage
    lit = on and on in (a.name.strip(), b.name.strip())
    if back:
        x1, y1 = a.x + _NODE_W / 2, a.y + _NODE_H
        x2, y2 = b.x + _NODE_W / 2, b.y + _NODE_H
        low = max(y1, y2) + 30 + 6 * abs(a.stage - b.stage)
        path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {low:.0f} {x2:.0f} {low:.0f} {x2:.0f} {y2 + 3:.0f}"
    else:
        x1, y1 = a.x + _NODE_W, a.y + _NODE_H / 2
        x2, y2 = b.x - 3, b.y + _NODE_H / 2
        bend = (x2 - x1) / 2
        path = (
            f"M{x1:.0f} {y1:.0f}C{x1 + bend:.0f} {y1:.0f} "
            f"{x2 - bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
        )
    return Markup(
        '<path class="edge{}{}" d="{}" marker-end="url(#tip)"><title>{}</title></path>'
    ).format(
        " back" if back else "",
        " is-on" if lit else "",
        path,
        f"{a.name.strip()} to {b.name.strip()}: {', '.join(names)}",
    )


def _node(box: _Box, behind: int | None, on: str) -> Markup:
    name = box.name.strip()
    ours = name not in OUTSIDE
    note = "" if behind is None else "nothing waits" if not behind else plural(behind, "record")
    x, y = box.x + _NODE_W / 2, box.y + (18 if note else 26)
    shape = Markup(
        '<g class="{tone}{lit}"><rect class="node" x="{left}" y="{top}" width="{w}" height="{h}" '
        'rx="8"/><text class="loud" x="{x}" y="{y}" text-anchor="middle">{name}</text>{note}</g>'
    ).format(
        tone="is-ours" if ours else "",
        lit=" is-on" if on == name else "",
        left=box.x,
        top=box.y,
        w=_NODE_W,
        h=_NODE_H,
        x=x,
        y=y,
        name=name,
        note=_text(x, y + 15, note, "quiet", "middle") if note else "",
    )
    if not ours:
        return shape
    return Markup('<a href="/console/topology?of={}">{}</a>').format(name, shape)


def _text(x: float, y: float, text: str, kind: str, anchor: str = "start") -> Markup:
    return Markup('<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>').format(
        kind, x, y, anchor, text
    )


def _svg(width: float, height: float, title: str, parts: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg viewBox="0 0 {w:.0f} {h:.0f}" role="img" aria-label="{title}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="6" '
        'markerHeight="6" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        "{parts}</svg>"
    ).format(w=width, h=height, title=title, parts=Markup("").join(parts))
