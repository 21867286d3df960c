"""What the latency benchmark came to, as a table in Markdown and a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.bench.peers.page import BEGIN, END

from stockfold.domain.errors import SettingsError

PROMISED_MS = 150
PANEL, LEFT, GAP, STEP = 220, 70, 50, 150
LINES = (("p50_ms", "p50", "#4c7a9e"), ("p95_ms", "p95", "#8a6d3b"), ("p99_ms", "p99", "#c2410c"))
COLUMNS = {
    "batch_ms": "batch time, ms",
    "events_per_s_offered": "events/s offered",
    "p50_ms": "p50, ms",
    "p95_ms": "p95",
    "p99_ms": "p99",
    "most_ms": "most",
    "waits_p50_ms": "until taken, p50",
    "decided_p50_ms": "until produced",
    "committed_p50_ms": "until seen",
    "ledger_cpu_us": "ledger, CPU µs an event",
    "broker_cpu_us": "broker",
    "backlog_events_per_s": "backlog, events/s",
    "backlog_cpu_us": "ledger there, CPU µs an event",
}
Row = Mapping[str, float]


def table(rows: Sequence[Row]) -> str:
    """As Markdown; what was not measured is left out."""
    names = [name for name in COLUMNS if name in rows[0]]
    lines = ["| " + " | ".join(COLUMNS[name] for name in names) + " |", "|---:" * len(names) + "|"]
    lines += ["| " + " | ".join(f"{row[name]:,.0f}" for name in names) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def picture(rows: Sequence[Row]) -> str:
    """As SVG: percentiles by batch time above, the pace through a backlog below."""
    width, height = LEFT + STEP * len(rows) + 60, 2 * PANEL + 2 * GAP
    font = 'font-family="system-ui,sans-serif" font-size="14"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {font}>',
        "<title>Latency at a steady rate, and pace in a backlog, by batch time</title>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        *_latency(rows, GAP),
        *_pace(rows, PANEL + GAP + 20),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _latency(rows: Sequence[Row], top: int) -> list[str]:
    most = max(PROMISED_MS * 1.2, *(row["p99_ms"] for row in rows))
    scale, bottom = (PANEL - GAP) / most, top + PANEL - GAP
    right = LEFT + STEP * len(rows)
    promised_y = bottom - PROMISED_MS * scale
    parts = [
        f'<text x="10" y="{top - 25}">ms from produce to committed position</text>',
        f'<path d="M{LEFT} {promised_y:.0f}H{right}" stroke="#111827" stroke-dasharray="4 4"/>',
        f'<text x="{LEFT - 8}" y="{promised_y + 5:.0f}" text-anchor="end">{PROMISED_MS}</text>',
    ]
    for name, label, color in LINES:
        points = [(_x(i), bottom - row[name] * scale) for i, row in enumerate(rows)]
        path = "L".join(f"{x} {y:.0f}" for x, y in points)
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        for (x, y), row in zip(points, rows, strict=True):
            parts.append(
                f'<circle cx="{x}" cy="{y:.0f}" r="4" fill="{color}"/>'
                f'<text x="{x + 8}" y="{y + 5:.0f}" fill="{color}">{label} {row[name]:.0f}</text>'
            )
    return parts


def _pace(rows: Sequence[Row], top: int) -> list[str]:
    bottom = top + PANEL - GAP
    parts = [f'<text x="10" y="{top}">events/s through a backlog</text>'] if rows else []
    paces = [row.get("backlog_events_per_s", 0.0) for row in rows]
    scale = (PANEL - 2 * GAP) / max(1.0, *paces)
    for number, (row, pace) in enumerate(zip(rows, paces, strict=True)):
        x, high = _x(number), pace * scale
        size = f'width="60" height="{high:.0f}"'
        parts += [
            f'<rect x="{x - 30}" y="{bottom - high:.0f}" {size} fill="#4c7a9e"/>',
            f'<text x="{x}" y="{bottom - high - 6:.0f}" text-anchor="middle">{pace:,.0f}</text>',
            f'<text x="{x}" y="{bottom + 20}" text-anchor="middle">{row["batch_ms"]:.0f} ms</text>',
        ]
    return parts


def _x(number: int) -> int:
    return LEFT + STEP * number + STEP // 2


def write(page: Path, rows: Sequence[Row]) -> None:
    """Put the table between the page's marks, and the picture beside it.

    SettingsError for a page without marks.
    """
    before, begun, rest = page.read_text().partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not begun or not ended:
        raise SettingsError(
            f"{page} has no place for the table", remedy=f"Put {BEGIN.strip()} and {END.strip()}."
        )
    page.write_text(f"{before}{BEGIN}\n{table(rows)}\n{END}{after}")
    page.with_suffix(".svg").write_text(picture(rows))
