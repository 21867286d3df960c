"""``rules.yaml``: the recorded series and every alert."""

from __future__ import annotations

from infra.observability.alerts import all_alerts
from infra.observability.rules import Alert, page_of, recorded, slo_alerts

CONSOLE = "{{ $externalLabels.console }}"
"""The address of the api, as ``global.external_labels`` of Prometheus says it."""


def alerts() -> list[Alert]:
    """Every alert."""
    return [*slo_alerts(), *all_alerts()]


def document() -> dict[str, object]:
    """What ``rules.yaml`` says: one group, for within one the alerts follow what they read."""
    rules: list[dict[str, object]] = [{"record": one.name, "expr": one.expr} for one in recorded()]
    for alert in alerts():
        page = page_of(alert)
        rules.append(
            {
                "alert": alert.name,
                "expr": alert.expr,
                "for": alert.wait,
                "labels": {"severity": alert.severity, "owner": page.owner, "part": alert.part},
                "annotations": {
                    "summary": alert.summary,
                    "first": page.repair,
                    "runbook": page.path,
                    "runbook_url": f"{CONSOLE}/console/runbooks/{page.page}",
                },
            }
        )
    return {"groups": [{"name": "stockfold", "interval": "30s", "rules": rules}]}
