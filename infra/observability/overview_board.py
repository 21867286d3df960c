"""What to look at first: objectives, what is wrong now, flow, HTTP."""

from __future__ import annotations

from infra.observability.panels import Dashboard, Panel, Unit, hourly, quantile, rate, total, worst
from infra.observability.rules import m


def _stat(title: str, query: str, unit: Unit = "short", limit: float | None = None) -> Panel:
    return Panel(title, (("", query),), unit, "stat", limit=limit, width=4)


OVERVIEW = Dashboard(
    "stockfold-overview",
    "stockfold: overview",
    (
        (
            "Now",
            (
                _stat("SLO burn, 1 h", "max(stockfold:slo_burn:rate1h)", "short", 1),
                _stat("Channels frozen", total("stockfold_publisher_frozen"), limit=1),
                _stat("Negative places", worst("stockfold_stock_negative_positions"), limit=1),
                _stat("Oversold places", worst("stockfold_stock_oversold_positions"), limit=1),
                _stat("Open cases", total("stockfold_cases_open"), limit=1),
                _stat("Orders stuck", total("stockfold_orders_stuck"), limit=1),
            ),
        ),
        (
            "Objectives",
            (
                Panel(
                    "Error budget burn over an hour",
                    (("{{objective}}", "stockfold:slo_burn:rate1h"),),
                    doc="1 spends the budget of 30 days in 30 days; 14.4 pages.",
                    limit=14.4,
                ),
                Panel(
                    "Good, of all",
                    (
                        (
                            "{{objective}}",
                            (
                                f"{rate('stockfold_slo_good_total', 'objective')} / "
                                f"{rate('stockfold_slo_events_total', 'objective')}"
                            ),
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "Stock event to shop, p95",
                    (
                        (
                            "{{channel}}",
                            quantile(0.95, "stockfold_publisher_propagation_seconds", "channel"),
                        ),
                    ),
                    "s",
                ),
            ),
        ),
        (
            "Flow",
            (
                Panel(
                    "Records through the loops",
                    (("{{service}}", rate("stockfold_loop_events_total", "service")),),
                    "ops",
                ),
                Panel(
                    "Lag of consumer groups",
                    (
                        (
                            "{{group}}",
                            (
                                "sum by (group) (max by (group, topic) "
                                f"({m('stockfold_group_lag_records')}))"
                            ),
                        ),
                    ),
                    doc="As Kafka tells it: of services that are dead, too.",
                ),
                Panel(
                    "Exceptions by kind, an hour",
                    (
                        (
                            "{{kind}}",
                            hourly("stockfold_exceptions_total", "kind"),
                        ),
                    ),
                ),
            ),
        ),
        (
            "HTTP",
            (
                Panel(
                    "Requests",
                    (
                        (
                            "{{service}} {{status}}",
                            rate("stockfold_http_requests_total", "service, status"),
                        ),
                    ),
                    "reqps",
                ),
                Panel(
                    "Latency, p95",
                    (
                        (
                            "{{service}} {{route}}",
                            quantile(0.95, "stockfold_http_request_seconds", "service, route"),
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Webhooks",
                    (
                        (
                            "{{channel}} {{outcome}}",
                            rate("stockfold_gateway_webhooks_total", "channel, outcome"),
                        ),
                    ),
                    "reqps",
                ),
            ),
        ),
    ),
)
