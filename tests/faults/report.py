"""The outcomes, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tests.faults.outcome import Outcome


def shown(outcome: Outcome) -> RenderableType:
    """One scenario as it ends: a line, its notes, and whatever differs."""
    mark = "holds" if outcome.holds else "DIFFERS"
    lines: list[RenderableType] = [
        Text(f"{outcome.name:<14} {mark}  {outcome.seconds:5.1f} s  {outcome.events} events")
    ]
    lines += [Text(f"    {note}") for note in outcome.notes]
    lines += [Text(f"  ! {difference}") for difference in outcome.differences]
    return Group(*lines)


def times(outcomes: Sequence[Outcome]) -> dict[str, list[float]]:
    """Service → seconds from a kill until it served again."""
    found: dict[str, list[float]] = {}
    for outcome in outcomes:
        for service, seconds in outcome.serve_s:
            found.setdefault(service, []).append(seconds)
    return found


def summary(outcomes: Sequence[Outcome]) -> RenderableType:
    """The table of all scenarios, the time services took to serve again, and what differs."""
    table = Table(title="faults")
    for name in ("scenario", "seed", "events", "kills", "steps", "again p50", "max", "checks"):
        table.add_column(name, justify="left" if name == "scenario" else "right")
    table.add_column("result")
    for outcome in outcomes:
        seconds = [s for _, s in outcome.serve_s]
        steps = {kill.where for kill in outcome.kills} - {"at a random time"}
        table.add_row(
            outcome.name,
            str(outcome.seed),
            str(outcome.events),
            str(len(outcome.kills)),
            str(len(steps)),
            f"{median(seconds):.1f} s" if seconds else "",
            f"{max(seconds):.1f} s" if seconds else "",
            str(len(outcome.verdict)),
            "holds" if outcome.holds else f"{len(outcome.differences)} differences",
        )
    again = Table(title="time to serve again after kill -9")
    for name in ("service", "kills", "p50", "max"):
        again.add_column(name, justify="left" if name == "service" else "right")
    kills = Counter(kill.service for outcome in outcomes for kill in outcome.kills)
    for service, seconds in sorted(times(outcomes).items()):
        again.add_row(
            service, str(kills[service]), f"{median(seconds):.1f} s", f"{max(seconds):.1f} s"
        )
    tables = [table, again] if kills else [table]
    # Once more behind the tables: of a long log often only the end is kept.
    return Group(*tables, *(shown(outcome) for outcome in outcomes if not outcome.holds))
