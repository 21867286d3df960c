"""Tests of the alert rules, written to ``rules_test_*.yaml`` and run by ``make test-alerts``.

Every rule is tried on series with which it must fire, and on series with which it must not. Values
are promtool's: ``0+5x60`` begins at 0 and grows by 5 each minute, sixty times.
"""

from __future__ import annotations

from dataclasses import dataclass

from infra.observability.rules import m
from infra.observability.rules_file import alerts

FIRING = "count(ALERTS{{alertname={name!r},part={part!r},alertstate='firing'}})"


Pair = tuple[str, str, dict[str, str], dict[str, str]]
"""Alert, part, series that fire it, series that do not."""


@dataclass(frozen=True, slots=True)
class Case:
    """Series and when to look at them; ``fires`` says how many alerts there must be then."""

    name: str
    part: str
    fires: int
    series: dict[str, str]
    at: str = "30m"
    step: str = "1m"
    """How often rules are evaluated, and how far the values of ``series`` are apart."""


def _slo(events: str, good: str) -> dict[str, str]:
    labels = {"objective": "inventory_propagation", "channel": "web"}
    return {
        m("stockfold_slo_objective_ratio", objective="inventory_propagation"): "0.99x500",
        m("stockfold_slo_events_total", **labels): events,
        m("stockfold_slo_good_total", **labels): good,
    }


def _burns() -> list[Case]:
    """At 99 %, 20 % bad burn 20 times too fast, 8 % 8 times, 4 % 4 times, 1.5 % 1.5 times."""
    found = []
    for part, bad, fine, at, step in (
        ("burn-1h", 80, 88, "90m", "1m"),
        ("burn-6h", 92, 95, "8h", "5m"),
        ("burn-1d", 96, 98, "27h", "10m"),
        ("burn-3d", 98.5, 99.5, "80h", "10m"),
    ):
        for good, fires in ((bad, 1), (fine, 0)):
            series = _slo("0+100x500", f"0+{good}x500")
            found.append(Case("SloBurn", part, fires, series, at, step))
    # All of three events late is no trend; and what is over does not fire for its long window.
    three = _slo("0 1 2 3x200", "0x203")
    over = _slo("0+100x500", "0+20x30 620+100x470")
    found.append(Case("SloBurn", "burn-1h", 0, three, "60m"))
    found.append(Case("SloBurn", "burn-1h", 0, over, "80m"))
    return found


def _loop(name: str, **labels: str) -> str:
    return m(name, service="ledger", **labels)


def _pairs() -> list[Pair]:
    """A case that fires a rule and one that does not, for each."""
    lag = _loop("stockfold_loop_lag_records", topic="stockfold.receipts.v1")
    group = m("stockfold_group_lag_records", group="availability", topic="stockfold.positions.v1")
    age = 'stockfold_loop_event_age_seconds_bucket{service="ledger",le='
    web = {"channel": "web"}
    oldest = m("stockfold_publisher_oldest_seconds", **web)
    halted = m("stockfold_publisher_control", state="halted", **web)
    paused = m("stockfold_publisher_control", state="paused", **web)
    aborted = _loop("stockfold_loop_transactions_total", outcome="aborted")
    committed = _loop("stockfold_loop_transactions_total", outcome="committed")
    swept = m("stockfold_sweeper_swept_timestamp_seconds", **web)
    sold = m("stockfold_sweeper_orders_total", **web)
    hook = m("stockfold_gateway_webhooks_total", outcome="taken", **web)
    forged = m("stockfold_gateway_webhooks_total", outcome="forged", **web)
    http = {"service": "api", "route": "/v1/status", "method": "GET"}
    ok = m("stockfold_http_requests_total", status="200", **http)
    broken = m("stockfold_http_requests_total", status="503", **http)
    exceptions = "stockfold_exceptions_total"
    defect = _loop(exceptions, kind="defect", folded="false")
    unknown = _loop(exceptions, kind="unknown_sku", folded="false")
    silent = m("stockfold_source_silent_seconds", source="/wms")
    rhythm = {m("stockfold_source_rhythm_seconds", source="/wms"): "3600x60"}
    seen = m("stockfold_group_lag_seen_timestamp_seconds")
    partitions = _loop("stockfold_loop_partitions")
    up = 'up{job="stockfold",instance="ledger:9464"}'

    def gauge(alert: str, part: str, series: str, bad: str, good: str) -> Pair:
        return alert, part, {series: f"{bad}x60"}, {series: f"{good}x60"}

    return [
        gauge("ServiceDown", "scrape", up, "0", "1"),
        gauge("ServiceDown", "partitions", partitions, "0", "8"),
        (
            "ServiceUnsteady",
            "restarts",
            {_loop("stockfold_loop_restarts_total"): "0+1x60"},
            {_loop("stockfold_loop_restarts_total"): "0x20 1x40"},
        ),
        (
            "ServiceUnsteady",
            "aborts",
            {aborted: "0+10x60", committed: "0+90x60"},
            {aborted: "0+1x60", committed: "0+99x60"},
        ),
        (
            "ServiceUnsteady",
            "projector",
            {m("stockfold_projector_interruptions_total"): "0+1x60"},
            {m("stockfold_projector_interruptions_total"): "0x20 1x40"},
        ),
        (
            "ServiceUnsteady",
            "http",
            {ok: "0+90x60", broken: "0+10x60"},
            {ok: "0+99x60", broken: "0+1x60"},
        ),
        gauge("Backlog", "ledger", lag, "50000", "900"),
        (
            "Backlog",
            "late",
            {age + '"30"}': "0+1x60", age + '"120"}': "0+10x60", age + '"+Inf"}': "0+10x60"},
            {age + '"30"}': "0+10x60", age + '"120"}': "0+10x60", age + '"+Inf"}': "0+10x60"},
        ),
        ("Backlog", "group", {group: "2000+50x60"}, {group: "9000-150x50 1500x10"}),
        gauge("Backlog", "publisher", oldest, "1200", "30"),
        (
            "Backlog",
            "publisher",
            {oldest: "1200x60", paused: "0x60"},
            {oldest: "1200x60", paused: "1x60"},
        ),
        gauge("Backlog", "read model", m("stockfold_read_model_age_seconds"), "400", "2"),
        gauge("Backlog", "read model", m("stockfold_projector_alive"), "0", "1"),
        ("Backlog", "unseen", {seen: "60x60"}, {seen: "0+60x60"}),
        gauge(
            "SnapshotTail",
            "tail",
            m("stockfold_snapshot_tail_records", journal="ledger"),
            "300000",
            "40000",
        ),
        gauge(
            "SnapshotTail",
            "age",
            m("stockfold_snapshot_age_seconds", journal="ledger"),
            "9000",
            "100",
        ),
        ("DefectMet", "defect", {defect: "0x25 1x35"}, {unknown: "0x25 1x35"}),
        ("ExceptionBurst", "burst", {unknown: "0+20x60"}, {unknown: "0+2x60"}),
        gauge("ChannelFrozen", "frozen", m("stockfold_publisher_frozen", **web), "1", "0"),
        gauge("ChannelHalted", "halted", halted, "1", "0"),
        gauge(
            "ChannelRefused",
            "refused",
            m("stockfold_publisher_trouble", kind="refused", **web),
            "1",
            "0",
        ),
        gauge("ChannelUnowned", "owner", m("stockfold_publisher_owner", **web), "0", "1"),
        gauge("CanaryLate", "late", m("stockfold_canary_late", **web), "1", "0"),
        (
            "WebhooksMissing",
            "silent",
            {sold: "0+1x60", hook: "7x60"},
            {sold: "0+1x60", hook: "0+1x60"},
        ),
        ("WebhooksMissing", "forged", {forged: "0+5x60"}, {forged: "0x20 1x40"}),
        ("WebhooksMissing", "sweep", {swept: "-4000x60"}, {swept: "0+60x60"}),
        gauge("NegativeStock", "places", m("stockfold_stock_negative_positions"), "2", "0"),
        gauge("Oversell", "places", m("stockfold_stock_oversold_positions"), "1", "0"),
        gauge("Oversell", "cases", m("stockfold_cases_oldest_seconds"), "20000", "900"),
        ("StaleSource", "silent", {silent: "5000x60", **rhythm}, {silent: "4000x60", **rhythm}),
        gauge("StuckLifeCycle", "orders", m("stockfold_orders_stuck"), "1", "0"),
    ]


def cases() -> list[Case]:
    """Every case: each rule fires in one at the least, and does not in another."""
    found = _burns()
    for name, part, bad, good in _pairs():
        found += [Case(name, part, 1, bad), Case(name, part, 0, good)]
    return found


def documents() -> dict[str, dict[str, object]]:
    """What the files of tests say, one for each step."""
    steps = list(dict.fromkeys(case.step for case in cases()))
    return {
        f"rules_test_{step}.yaml": {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": step,
            "tests": [_test(case) for case in cases() if case.step == step],
        }
        for step in steps
    }


def _test(case: Case) -> dict[str, object]:
    samples = [{"labels": "{}", "value": case.fires}] if case.fires else []
    told = "fires" if case.fires else "does not fire"
    return {
        "name": f"{case.name} ({case.part}) {told}",
        "interval": case.step,
        "input_series": [{"series": name, "values": v} for name, v in case.series.items()],
        "promql_expr_test": [
            {
                "expr": FIRING.format(name=case.name, part=case.part),
                "eval_time": case.at,
                "exp_samples": samples,
            }
        ],
    }


def untested() -> set[tuple[str, str]]:
    """Rules that no case fires, or that none leaves alone."""
    rules = {(alert.name, alert.part) for alert in alerts()}
    fired = {(case.name, case.part) for case in cases() if case.fires}
    left = {(case.name, case.part) for case in cases() if not case.fires}
    return rules - (fired & left)
