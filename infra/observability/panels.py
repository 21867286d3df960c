"""What the Grafana dashboards are declared with, and their JSON. Queries name declared metrics.

``document`` makes Grafana's JSON of one: schema version 39 (Grafana 11 and later read it), time
series, stat and table panels, a data source to choose, no plugin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from infra.observability.rules import m

Unit = Literal["short", "s", "ops", "percentunit", "reqps", "dateTimeFromNow"]
COLUMNS = 24
SCHEMA_VERSION = 39
SOURCE = {"type": "prometheus", "uid": "${source}"}
RATE = "$__rate_interval"


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel: (legend, query) each. ``limit`` is a line above which it is bad."""

    title: str
    queries: tuple[tuple[str, str], ...]
    unit: Unit = "short"
    kind: Literal["timeseries", "stat"] = "timeseries"
    doc: str = ""
    limit: float | None = None
    width: int = 8


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One page of Grafana."""

    uid: str
    title: str
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]


def rate(name: str, by: str, **labels: str) -> str:
    """How many a second, by a label."""
    return f"sum by ({by}) (rate({m(name, **labels)}[{RATE}]))"


def hourly(name: str, by: str) -> str:
    """How many within an hour, by a label."""
    return f"sum by ({by}) (increase({m(name)}[1h]))"


def quantile(q: float, name: str, by: str, **labels: str) -> str:
    """A quantile of a histogram."""
    buckets = m(f"{name}_bucket", **labels)
    return f"histogram_quantile({q:g}, sum by ({by}, le) (rate({buckets}[{RATE}])))"


def worst(name: str, by: str = "", **labels: str) -> str:
    """The largest of a gauge over all processes."""
    return f"max by ({by}) ({m(name, **labels)})" if by else f"max({m(name, **labels)})"


def total(name: str, by: str = "", **labels: str) -> str:
    """The sum of a gauge over all processes."""
    return f"sum by ({by}) ({m(name, **labels)})" if by else f"sum({m(name, **labels)})"


def document(dashboard: Dashboard) -> dict[str, object]:
    """Grafana's JSON of a dashboard."""
    panels: list[dict[str, object]] = []
    y = 0
    for title, row in dashboard.rows:
        panels.append(
            {
                "id": len(panels) + 1,
                "type": "row",
                "title": title,
                "collapsed": False,
                "panels": [],
                "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
            }
        )
        y += 1
        x = height = 0
        for panel in row:
            if x + panel.width > COLUMNS:
                x, y = 0, y + height
            height = 4 if panel.kind == "stat" else 8
            place = {"x": x, "y": y, "w": panel.width, "h": height}
            panels.append(_panel(panel, len(panels) + 1, place))
            x += panel.width
        y += height
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["stockfold"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [
            {
                "type": "dashboards",
                "tags": ["stockfold"],
                "title": "stockfold",
                "asDropdown": False,
                "includeVars": True,
                "keepTime": True,
                "icon": "external link",
                "targetBlank": False,
                "tooltip": "",
                "url": "",
            }
        ],
        "templating": {
            "list": [
                {
                    "name": "source",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {"text": "", "value": ""},
                    "hide": 0,
                    "includeAll": False,
                    "multi": False,
                    "options": [],
                    "refresh": 1,
                    "regex": "",
                    "skipUrlSync": False,
                }
            ]
        },
        "panels": panels,
    }


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, object]:
    steps: list[dict[str, object]] = [{"color": "green", "value": None}]
    if panel.limit is not None:
        steps.append({"color": "red", "value": panel.limit})
    custom = {"thresholdsStyle": {"mode": "off" if panel.limit is None else "dashed"}}
    is_stat = panel.kind == "stat"
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.doc,
        "gridPos": place,
        "datasource": SOURCE,
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "expr": query,
                "legendFormat": legend or "__auto",
                "instant": is_stat,
                "range": not is_stat,
            }
            for index, (legend, query) in enumerate(panel.queries)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": panel.unit,
                "min": 0,
                "thresholds": {"mode": "absolute", "steps": steps},
                **({} if is_stat else {"custom": custom}),
            },
            "overrides": [],
        },
        "options": _STAT if is_stat else _SERIES,
    }


_STAT: dict[str, object] = {
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "graphMode": "area",
    "colorMode": "value",
    "justifyMode": "auto",
    "textMode": "auto",
    "wideLayout": True,
    "showPercentChange": False,
    "percentChangeColorMode": "standard",
    "orientation": "auto",
}
_SERIES: dict[str, object] = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
"""Every option that Grafana's schema requires, as Grafana would fill it in."""
