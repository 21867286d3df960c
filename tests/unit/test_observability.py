"""Dashboards and alert rules name what there is, and say what PromQL and Grafana can read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from infra.observability import rules_tests
from infra.observability.__main__ import written
from infra.observability.dashboards import all_dashboards
from infra.observability.panels import document
from infra.observability.rules import m, page_of, recorded
from infra.observability.rules_file import alerts

from stockfold.contracts.runbooks import kinds_of
from stockfold.runtime.telemetry.declare import DECLARED, LABELS

ROOT = Path(__file__).parents[2]
SERIES = {name for declared in DECLARED.values() for name in declared.series}
RECORDED = {one.name for one in recorded()}
INTERVAL = "5m"


def _panels() -> Iterator[dict[str, Any]]:
    for dashboard in all_dashboards():
        yield from (p for p in document(dashboard)["panels"] if p["type"] != "row")


def _expressions() -> list[str]:
    found = [one.expr for one in recorded()] + [alert.expr for alert in alerts()]
    found += [case["expr"] for panel in _panels() for case in panel["targets"]]
    return [expr.replace("$__rate_interval", INTERVAL) for expr in found]


def _selectors(expression: Any) -> Iterator[Any]:
    """Every selector of a parsed expression, however deep."""
    if isinstance(expression, promql_parser.VectorSelector):
        yield expression
        return
    for name in ("expr", "lhs", "rhs", "args", "param", "vector_selector", "vs"):
        found = getattr(expression, name, None)
        for each in found if isinstance(found, list) else [found]:
            if each is not None:
                yield from _selectors(each)


@pytest.mark.parametrize("expression", _expressions())
def test_every_query_can_be_parsed_and_names_only_what_is_declared(expression: str) -> None:
    selectors = list(_selectors(promql_parser.parse(expression)))
    assert selectors
    for selector in selectors:
        if selector.name == "up" or selector.name in RECORDED:
            continue
        assert selector.name in SERIES, selector.name
        declared = next(d for d in DECLARED.values() if selector.name in d.series)
        for matcher in selector.matchers.matchers:
            assert matcher.name in declared.labels, f"{selector.name} has no {matcher.name}"


def test_every_metric_is_on_a_dashboard_or_in_a_rule() -> None:
    named = {
        word for expression in _expressions() for word in re.findall(r"stockfold_\w+", expression)
    }
    unseen = {
        declared.name
        for declared in DECLARED.values()
        if not named & {*declared.series, declared.name}
    }
    assert unseen == {
        "stockfold_build_info",
        "stockfold_projector_write_seconds",
        "stockfold_read_model_seen_timestamp_seconds",
        "stockfold_slo_within_seconds",
        "stockfold_snapshot_write_seconds",
        "stockfold_sweeper_webhooks_mended_total",
    }


def test_a_selector_of_what_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="stockfold_renamed"):
        m("stockfold_renamed")
    with pytest.raises(KeyError, match="sku"):
        m("stockfold_ledger_skus", sku="S")


def test_every_alert_has_an_owner_and_a_page_that_is_there() -> None:
    for alert in alerts():
        page = page_of(alert)
        assert (ROOT / page.path).is_file()
        assert page.repair
    assert {alert.name for alert in alerts()} == set(kinds_of("alert"))


def test_rules_of_one_alert_are_told_apart_and_say_what_they_saw() -> None:
    told = [(alert.name, alert.part) for alert in alerts()]
    assert len(told) == len(set(told))
    for alert in alerts():
        used = set(re.findall(r"\$labels\.(\w+)", alert.summary))
        assert used <= {*LABELS, "instance"}
        for label in used - {"instance"}:
            assert label in alert.expr or "stockfold:" in alert.expr, f"{alert.name}: {label}"


def test_every_rule_is_tried_both_ways() -> None:
    assert rules_tests.untested() == set()


def test_the_files_are_what_the_declarations_say() -> None:
    for path, text in written().items():
        assert path.read_text("utf-8") == text, f"{path.name} is out of date: make docs"
    there = {path.name for path in (ROOT / "infra/observability/grafana").iterdir()}
    assert there == {f"{dashboard.uid}.json" for dashboard in all_dashboards()}


def test_the_rules_are_as_prometheus_wants_them() -> None:
    text = (ROOT / "infra/observability/rules.yaml").read_text("utf-8")
    for group in yaml.safe_load(text)["groups"]:
        assert set(group) <= {"name", "interval", "rules"}
        for rule in group["rules"]:
            keys = {"alert", "expr", "for", "labels", "annotations"} if "alert" in rule else None
            assert set(rule) == (keys or {"record", "expr"})
            assert re.fullmatch(r"\d+[smhd]", rule.get("for", "0s"))
            for texts in rule.get("annotations", {}).values():
                assert texts.count("{{") == texts.count("}}")


@pytest.mark.parametrize("dashboard", all_dashboards(), ids=lambda dashboard: dashboard.uid)
def test_a_dashboard_is_as_grafana_wants_it(dashboard: Any) -> None:
    told = json.loads(json.dumps(document(dashboard)))
    ids = [panel["id"] for panel in told["panels"]]
    assert len(ids) == len(set(ids))
    assert re.fullmatch(r"[a-z0-9-]{1,40}", told["uid"])
    taken: set[tuple[int, int]] = set()
    for panel in told["panels"]:
        place = panel["gridPos"]
        assert 0 < place["w"] <= 24
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["type"] in {"timeseries", "stat"}
        refs = [target["refId"] for target in panel["targets"]]
        assert len(refs) == len(set(refs))
        assert all(t["datasource"]["uid"] == "${source}" for t in panel["targets"])
        for target in panel["targets"]:
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert legend <= set(LABELS)
            assert all(
                label in target["expr"] for label in legend if "stockfold:" not in target["expr"]
            )
