"""The alert rules, declared here and written to ``rules.yaml`` for Prometheus.

Each alert is one of the table of runbooks (``stockfold.contracts.runbooks``), which gives it its
owner, its page and the first thing to do. Metrics are looked up in their declarations, so that none
can be renamed beneath a rule. ``severity``: ``page`` for what must be seen to now, ``ticket`` for
today.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stockfold.contracts.runbooks import Runbook, runbook_of
from stockfold.runtime.telemetry import measures as _measures  # noqa: F401 - it declares them
from stockfold.runtime.telemetry.declare import DECLARED

PAGE, TICKET = "page", "ticket"
BURN_WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
BURNS = (
    # (long window, short window, how many times too fast, for, severity): a budget of 30 days.
    ("1h", "5m", 14.4, "2m", PAGE),
    ("6h", "30m", 6.0, "15m", PAGE),
    ("1d", "2h", 3.0, "1h", TICKET),
    ("3d", "6h", 1.0, "3h", TICKET),
)
"""Of "Alerting on SLOs", The Site Reliability Workbook: 2 %, 5 %, 10 %, 10 % of the budget."""
EVENTS_MIN = 10
"""Of fewer in the long window nothing is said: one late order of two is no trend."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One rule. ``name`` is in the table of runbooks; ``part`` tells the rules of one apart."""

    name: str
    part: str
    expr: str
    wait: str
    severity: str
    summary: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """A rule that keeps a series."""

    name: str
    expr: str
    labels: dict[str, str] = field(default_factory=dict)


def m(name: str, **labels: str) -> str:
    """A selector of a declared metric, or of one of its series; KeyError for any other."""
    declared = next((d for d in DECLARED.values() if name in (d.name, *d.series)), None)
    if declared is None:
        raise KeyError(name)
    unknown = set(labels) - set(declared.labels)
    if unknown:
        raise KeyError(f"{name} has no label {unknown}")
    if not labels:
        return name
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def burn_rate(window: str) -> str:
    """How many times faster than allowed an objective's budget was spent within a window."""
    good, events = (
        f"sum by (objective) (rate({m(name)}[{window}]))"
        for name in (
            "stockfold_slo_good_total",
            "stockfold_slo_events_total",
        )
    )
    allowed = f"(1 - max by (objective) ({m('stockfold_slo_objective_ratio')}))"
    return f"(1 - {good} / {events}) / {allowed}"


def recorded() -> list[Recorded]:
    """The series that several alerts and the dashboards read."""
    return [
        Recorded(f"stockfold:slo_burn:rate{window}", burn_rate(window)) for window in BURN_WINDOWS
    ]


def slo_alerts() -> list[Alert]:
    """The error budgets: one alert for each pair of windows."""
    events = m("stockfold_slo_events_total")
    found = []
    for long, short, times, wait, severity in BURNS:
        enough = f"sum by (objective) (increase({events}[{long}])) >= {EVENTS_MIN}"
        expr = (
            f"stockfold:slo_burn:rate{long} > {times:g} "
            f"and stockfold:slo_burn:rate{short} > {times:g} and {enough}"
        )
        summary = (
            f"{{{{ $labels.objective }}}} spends its error budget {times:g} times too fast: "
            f"{{{{ $value | humanize }}}} times over {long}."
        )
        found.append(Alert("SloBurn", f"burn-{long}", expr, wait, severity, summary))
    return found


def page_of(alert: Alert) -> Runbook:
    """Its entry in the table of runbooks. KeyError when it has none."""
    runbook = runbook_of(alert.name, "alert")
    if runbook is None:
        raise KeyError(f"no runbook for the alert {alert.name}")
    return runbook
