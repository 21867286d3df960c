"""The list of metrics for ``infra/docs/metrics.md``, from their declarations."""

from __future__ import annotations

from pathlib import Path

from stockfold.runtime.telemetry import measures as _measures  # noqa: F401 - it declares them
from stockfold.runtime.telemetry.declare import DECLARED, LABELS

PATH = Path(__file__).parents[1] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: written by make docs -->\n", "<!-- end of metrics -->\n"


def table() -> str:
    """Every metric, in the order of its declaration, and what bounds each label."""
    rows = ["| metric | kind | labels | what |\n|---|---|---|---|\n"]
    for one in DECLARED.values():
        labels = ", ".join(f"`{label}`" for label in one.labels)
        rows.append(f"| `{one.name}` | {one.kind} | {labels} | {one.doc} |\n")
    bounds = ["\n| label | bounded by |\n|---|---|\n"]
    bounds += [f"| `{label}` | {what} |\n" for label, what in LABELS.items()]
    return "".join(rows + bounds)


def text() -> str:
    """The page with the list put in."""
    before, _, rest = PATH.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table() + END + after
