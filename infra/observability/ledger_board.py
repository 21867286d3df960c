"""The ledger and the other loops: throughput, lag, transactions, snapshots, the read model."""

from __future__ import annotations

from infra.observability.panels import RATE, Dashboard, Panel, hourly, quantile, rate, total, worst
from infra.observability.rules import m

LEDGER = Dashboard(
    "stockfold-ledger",
    "stockfold: ledger and loops",
    (
        (
            "Throughput",
            (
                Panel(
                    "Records",
                    (("{{service}}", rate("stockfold_loop_events_total", "service")),),
                    "ops",
                ),
                Panel(
                    "Deciding a batch, p95",
                    (("{{service}}", quantile(0.95, "stockfold_loop_batch_seconds", "service")),),
                    "s",
                ),
                Panel(
                    "Commit, p95",
                    (("{{service}}", quantile(0.95, "stockfold_loop_commit_seconds", "service")),),
                    "s",
                ),
            ),
        ),
        (
            "Lag",
            (
                Panel(
                    "Behind, in records",
                    (
                        (
                            "{{service}} {{topic}}",
                            worst("stockfold_loop_lag_records", "service, topic"),
                        ),
                    ),
                ),
                Panel(
                    "Broker to commit, p95",
                    (
                        (
                            "{{service}}",
                            quantile(0.95, "stockfold_loop_event_age_seconds", "service"),
                        ),
                    ),
                    "s",
                    limit=60,
                ),
                Panel(
                    "Partitions", (("{{service}}", total("stockfold_loop_partitions", "service")),)
                ),
            ),
        ),
        (
            "Trouble",
            (
                Panel(
                    "Transactions",
                    (
                        (
                            "{{service}} {{outcome}}",
                            rate("stockfold_loop_transactions_total", "service, outcome"),
                        ),
                    ),
                    "ops",
                ),
                Panel(
                    "Clients started anew, an hour",
                    (
                        (
                            "{{service}}",
                            hourly("stockfold_loop_restarts_total", "service"),
                        ),
                    ),
                ),
                Panel(
                    "Restore of a partition, p95",
                    (
                        (
                            "{{service}}",
                            quantile(0.95, "stockfold_loop_recovery_seconds", "service"),
                        ),
                    ),
                    "s",
                ),
            ),
        ),
        (
            "Memory and snapshots",
            (
                Panel("SKUs in memory", (("", total("stockfold_ledger_skus")),), width=6),
                Panel(
                    "Repeats",
                    (("", f"sum(rate({m('stockfold_ledger_repeats_total')}[{RATE}]))"),),
                    "ops",
                    width=6,
                ),
                Panel(
                    "Records behind the snapshot",
                    (("{{journal}}", worst("stockfold_snapshot_tail_records", "journal")),),
                    limit=200_000,
                    width=6,
                ),
                Panel(
                    "Age of snapshot and digest",
                    (("{{journal}}", worst("stockfold_snapshot_age_seconds", "journal")),),
                    "s",
                    limit=3_600,
                    width=6,
                ),
            ),
        ),
        (
            "Read model and time",
            (
                Panel(
                    "Age of the read model",
                    (("", worst("stockfold_read_model_age_seconds")),),
                    "s",
                    limit=120,
                ),
                Panel(
                    "Projector: behind",
                    (("{{topic}}", worst("stockfold_projector_lag_records", "topic")),),
                ),
                Panel(
                    "Projector: written",
                    (("{{topic}}", rate("stockfold_projector_records_total", "topic")),),
                    "ops",
                ),
                Panel(
                    "Sources: silent for",
                    (("{{source}}", worst("stockfold_source_silent_seconds", "source")),),
                    "s",
                ),
                Panel(
                    "Rebuilds",
                    (
                        ("building", worst("stockfold_rebuilds_building")),
                        ("done", worst("stockfold_rebuild_done_ratio")),
                    ),
                ),
                Panel(
                    "Listings to be looked at again",
                    (("", total("stockfold_availability_reevaluation_left")),),
                ),
                Panel(
                    "Availability told",
                    (("{{channel}}", rate("stockfold_availability_events_total", "channel")),),
                    "ops",
                ),
            ),
        ),
    ),
)
