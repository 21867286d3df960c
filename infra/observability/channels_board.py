"""Channels, orders and what goes back to shops and the ERP."""

from __future__ import annotations

from infra.observability.panels import Dashboard, Panel, hourly, quantile, rate, total, worst
from infra.observability.rules import m

CHANNELS = Dashboard(
    "stockfold-channels",
    "stockfold: channels and orders",
    (
        (
            "Backlog",
            (
                Panel(
                    "Listings that wait",
                    (
                        ("{{channel}}", total("stockfold_publisher_backlog_listings", "channel")),
                        (
                            "{{channel}}, taken and not shown yet",
                            total("stockfold_publisher_accepted_listings", "channel"),
                        ),
                    ),
                ),
                Panel(
                    "Oldest",
                    (("{{channel}}", worst("stockfold_publisher_oldest_seconds", "channel")),),
                    "s",
                    limit=900,
                ),
                Panel(
                    "Event to shop",
                    (
                        (
                            "{{channel}} p50",
                            quantile(0.5, "stockfold_publisher_propagation_seconds", "channel"),
                        ),
                        (
                            "{{channel}} p99",
                            quantile(0.99, "stockfold_publisher_propagation_seconds", "channel"),
                        ),
                    ),
                    "s",
                ),
            ),
        ),
        (
            "Writing",
            (
                Panel(
                    "Outcomes",
                    (
                        (
                            "{{channel}} {{outcome}}",
                            rate("stockfold_publisher_outcomes_total", "channel, outcome"),
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Requests",
                    (
                        (
                            "{{channel}} {{purpose}} {{outcome}}",
                            rate("stockfold_publisher_requests_total", "channel, purpose, outcome"),
                        ),
                    ),
                    "reqps",
                ),
                Panel(
                    "Request, p95",
                    (
                        (
                            "{{channel}} {{purpose}}",
                            quantile(
                                0.95, "stockfold_publisher_request_seconds", "channel, purpose"
                            ),
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Listings written",
                    (
                        (
                            "{{channel}}",
                            rate("stockfold_publisher_written_listings_total", "channel"),
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Pace",
                    (
                        (
                            "{{channel}} under way",
                            total("stockfold_publisher_in_flight", "channel"),
                        ),
                        (
                            "{{channel}} allowed",
                            worst("stockfold_publisher_in_flight_limit", "channel"),
                        ),
                    ),
                ),
                Panel(
                    "Not as they shall be",
                    (
                        (
                            "{{channel}} {{outcome}}",
                            worst("stockfold_listings_not_applied", "channel, outcome"),
                        ),
                    ),
                ),
            ),
        ),
        (
            "State",
            (
                Panel(
                    "Trouble",
                    (
                        (
                            "{{channel}} {{kind}}",
                            worst("stockfold_publisher_trouble", "channel, kind"),
                        ),
                    ),
                    width=6,
                ),
                Panel(
                    "Frozen",
                    (("{{channel}}", worst("stockfold_publisher_frozen", "channel")),),
                    width=6,
                ),
                Panel(
                    "Control",
                    (
                        (
                            "{{channel}} {{state}}",
                            worst("stockfold_publisher_control", "channel, state"),
                        ),
                    ),
                    width=6,
                ),
                Panel(
                    "Halts by guards, a day",
                    (
                        (
                            "{{channel}} {{guard}}",
                            (
                                "sum by (channel, guard) "
                                f"(increase({m('stockfold_publisher_halts_total')}[1d]))"
                            ),
                        ),
                    ),
                    width=6,
                ),
                Panel(
                    "Canary",
                    (
                        ("{{channel}} p95", quantile(0.95, "stockfold_canary_seconds", "channel")),
                        ("{{channel}} late", worst("stockfold_canary_late", "channel")),
                    ),
                    "s",
                ),
                Panel("Owner", (("{{channel}}", total("stockfold_publisher_owner", "channel")),)),
            ),
        ),
        (
            "Orders",
            (
                Panel(
                    "Open, by state", (("{{status}}", total("stockfold_orders_open", "status")),)
                ),
                Panel(
                    "Told to at rest",
                    (
                        (
                            "{{channel}} p50",
                            quantile(0.5, "stockfold_orders_settle_seconds", "channel"),
                        ),
                        (
                            "{{channel}} p99",
                            quantile(0.99, "stockfold_orders_settle_seconds", "channel"),
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "Moves",
                    (("{{status}}", rate("stockfold_orders_moves_total", "status")),),
                    "ops",
                ),
                Panel(
                    "Cases, an hour",
                    (
                        (
                            "{{action}}",
                            hourly("stockfold_orders_cases_total", "action"),
                        ),
                    ),
                ),
                Panel(
                    "Sweeps: orders told",
                    (("{{channel}}", rate("stockfold_sweeper_orders_total", "channel")),),
                    "ops",
                ),
                Panel(
                    "Sweeps: shops that did not serve",
                    (
                        (
                            "{{channel}} {{kind}}",
                            rate("stockfold_sweeper_troubles_total", "channel, kind"),
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Parcels",
                    (
                        (
                            "{{channel}} {{outcome}}",
                            rate("stockfold_sweeper_parcels_total", "channel, outcome"),
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Parcel to shop, p95",
                    (
                        (
                            "{{channel}}",
                            quantile(0.95, "stockfold_sweeper_confirm_seconds", "channel"),
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "To the ERP",
                    (("{{outcome}}", rate("stockfold_erp_orders_total", "outcome")),),
                    "ops",
                ),
            ),
        ),
    ),
)
