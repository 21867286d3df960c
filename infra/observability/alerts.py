"""The alerts beside those of the objectives: services, backlogs, channels, stock."""

from __future__ import annotations

from infra.observability.rules import PAGE, TICKET, Alert, m


def _backlogs() -> list[Alert]:
    group = m("stockfold_group_lag_records")
    return [
        Alert(
            "Backlog",
            "ledger",
            f"max by (topic) ({m('stockfold_loop_lag_records', service='ledger')}) > 20000",
            "5m",
            PAGE,
            "The ledger is {{ $value | humanize }} records behind on {{ $labels.topic }}.",
        ),
        Alert(
            "Backlog",
            "late",
            "histogram_quantile(0.95, sum by (service, le) "
            f"(rate({m('stockfold_loop_event_age_seconds_bucket')}[5m]))) > 60",
            "10m",
            PAGE,
            "{{ $labels.service }} takes {{ $value | humanizeDuration }} to commit what comes in.",
        ),
        Alert(
            "Backlog",
            "group",
            f"max by (group, topic) ({group}) > 1000 and "
            f"min by (group, topic) (delta({group}[10m])) >= 0",
            "10m",
            PAGE,
            "{{ $labels.group }} is {{ $value | humanize }} records behind on {{ $labels.topic }} "
            "and does not catch up: it stands still, is dead, or has too much to do.",
        ),
        Alert(
            "Backlog",
            "publisher",
            f"max by (channel) ({m('stockfold_publisher_oldest_seconds')}) > 900 "
            "unless on (channel) "
            f'max by (channel) ({m("stockfold_publisher_control")}{{state!="running"}}) == 1',
            "5m",
            PAGE,
            "The oldest listing of {{ $labels.channel }} has waited for "
            "{{ $value | humanizeDuration }}.",
        ),
        Alert(
            "Backlog",
            "read model",
            f"max({m('stockfold_read_model_age_seconds')}) > 120 "
            f"or max({m('stockfold_projector_alive')}) == 0",
            "5m",
            TICKET,
            "What the api and the console show is old: the projector is behind or down.",
        ),
        Alert(
            "Backlog",
            "unseen",
            f"time() - max({m('stockfold_group_lag_seen_timestamp_seconds')}) > 300",
            "5m",
            TICKET,
            "For five minutes the api has not seen how far the consumer groups are: Kafka does not "
            "answer it.",
        ),
    ]


def _services() -> list[Alert]:
    transactions, exceptions = "stockfold_loop_transactions_total", "stockfold_exceptions_total"
    return [
        Alert(
            "ServiceDown",
            "scrape",
            'up{job="stockfold"} == 0',
            "2m",
            PAGE,
            "{{ $labels.instance }} does not answer.",
        ),
        Alert(
            "ServiceDown",
            "partitions",
            f"sum by (service) ({m('stockfold_loop_partitions')}) == 0",
            "2m",
            PAGE,
            "{{ $labels.service }} runs and serves no partition.",
        ),
        Alert(
            "ServiceUnsteady",
            "restarts",
            f"sum by (service) (increase({m('stockfold_loop_restarts_total')}[15m])) > 3",
            "0m",
            TICKET,
            "{{ $labels.service }} has started its clients anew {{ $value | humanize }} times "
            "within 15 minutes.",
        ),
        Alert(
            "ServiceUnsteady",
            "aborts",
            f"sum by (service) (rate({m(transactions, outcome='aborted')}[15m])) "
            f"/ sum by (service) (rate({m(transactions)}[15m])) > 0.05",
            "10m",
            TICKET,
            "{{ $value | humanizePercentage }} of the transactions of {{ $labels.service }} are "
            "aborted.",
        ),
        Alert(
            "ServiceUnsteady",
            "projector",
            f"increase({m('stockfold_projector_interruptions_total')}[15m]) > 3",
            "0m",
            TICKET,
            "The projector has lost Kafka or PostgreSQL {{ $value | humanize }} times.",
        ),
        Alert(
            "ServiceUnsteady",
            "http",
            "sum by (service) "
            f'(rate({m("stockfold_http_requests_total")}{{status=~"5.."}}[5m])) '
            f"/ sum by (service) (rate({m('stockfold_http_requests_total')}[5m])) > 0.05",
            "5m",
            PAGE,
            "{{ $labels.service }} answers {{ $value | humanizePercentage }} of its requests with "
            "an error of its own.",
        ),
        Alert(
            "SnapshotTail",
            "tail",
            f"max by (journal) ({m('stockfold_snapshot_tail_records')}) > 200000",
            "10m",
            TICKET,
            "{{ $value | humanize }} records of the {{ $labels.journal }} journal lie behind the "
            "newest snapshot of a partition.",
        ),
        Alert(
            "SnapshotTail",
            "age",
            f"max by (journal) ({m('stockfold_snapshot_age_seconds')}) > 3600",
            "10m",
            TICKET,
            "The newest snapshot and digest of a partition of the {{ $labels.journal }} journal "
            "are {{ $value | humanizeDuration }} old.",
        ),
        Alert(
            "DefectMet",
            "defect",
            f"sum by (service) (increase({m(exceptions, kind='defect')}[15m])) > 0",
            "0m",
            PAGE,
            "{{ $labels.service }} has met a defect of its own: its log has the traceback.",
        ),
        Alert(
            "ExceptionBurst",
            "burst",
            f"sum by (service, kind) (increase({m('stockfold_exceptions_total')}[15m])) > 100",
            "0m",
            TICKET,
            "{{ $value | humanize }} exceptions of kind {{ $labels.kind }} within 15 minutes.",
        ),
    ]


def _channels() -> list[Alert]:
    control = m("stockfold_publisher_control", state="halted")
    return [
        Alert(
            "ChannelFrozen",
            "frozen",
            f"max by (channel) ({m('stockfold_publisher_frozen')}) == 1",
            "0m",
            PAGE,
            "{{ $labels.channel }} has work and gets none done.",
        ),
        Alert(
            "ChannelHalted",
            "halted",
            f"max by (channel) ({control}) == 1",
            "0m",
            PAGE,
            "A guard has halted {{ $labels.channel }}: a person must look.",
        ),
        Alert(
            "ChannelRefused",
            "refused",
            f"max by (channel) ({m('stockfold_publisher_trouble', kind='refused')}) == 1",
            "5m",
            PAGE,
            "{{ $labels.channel }} does not accept our key, or what it may do.",
        ),
        Alert(
            "ChannelUnowned",
            "owner",
            f"max by (channel) ({m('stockfold_publisher_owner')}) == 0",
            "10m",
            PAGE,
            "No publisher is the proven owner of {{ $labels.channel }}: nothing is written to it.",
        ),
        Alert(
            "CanaryLate",
            "late",
            f"max by (channel) ({m('stockfold_canary_late')}) == 1",
            "0m",
            PAGE,
            "The canary of {{ $labels.channel }} has not reached the shop in time.",
        ),
        Alert(
            "WebhooksMissing",
            "silent",
            f"sum by (channel) (increase({m('stockfold_sweeper_orders_total')}[2h])) > 0 unless "
            "on (channel) sum by (channel) "
            f"(increase({m('stockfold_gateway_webhooks_total', outcome='taken')}[2h])) > 0",
            "10m",
            TICKET,
            "{{ $labels.channel }} has changed orders, and no webhook told of one for two hours.",
        ),
        Alert(
            "WebhooksMissing",
            "forged",
            f"sum by (channel) (increase({m('stockfold_gateway_webhooks_total', outcome='forged')}"
            "[15m])) > 10",
            "0m",
            TICKET,
            "{{ $value | humanize }} webhooks for {{ $labels.channel }} were not signed with its "
            "secret.",
        ),
        Alert(
            "WebhooksMissing",
            "sweep",
            f"time() - max by (channel) ({m('stockfold_sweeper_swept_timestamp_seconds')}) > 3600",
            "5m",
            PAGE,
            "{{ $labels.channel }} was not swept for {{ $value | humanizeDuration }}: what its "
            "webhooks missed is not known.",
        ),
    ]


def _stock() -> list[Alert]:
    silent, rhythm = m("stockfold_source_silent_seconds"), m("stockfold_source_rhythm_seconds")
    negative = m("stockfold_stock_negative_positions")
    return [
        Alert(
            "NegativeStock",
            "places",
            f"max({negative}) > 0",
            "15m",
            TICKET,
            "{{ $value | humanize }} places have less than nothing on hand.",
        ),
        Alert(
            "Oversell",
            "places",
            f"max({m('stockfold_stock_oversold_positions')}) > 0",
            "15m",
            TICKET,
            "At {{ $value | humanize }} places more is promised than lies there.",
        ),
        Alert(
            "Oversell",
            "cases",
            f"max({m('stockfold_cases_oldest_seconds')}) > 14400",
            "5m",
            TICKET,
            "A sold order that cannot be served has waited for {{ $value | humanizeDuration }} for "
            "a person.",
        ),
        Alert(
            "StaleSource",
            "silent",
            f"max by (source) ({silent}) > 1.25 * max by (source) ({rhythm})",
            "1m",
            PAGE,
            "{{ $labels.source }} was not heard for {{ $value | humanizeDuration }}, longer than "
            "its rhythm.",
        ),
        Alert(
            "StuckLifeCycle",
            "orders",
            f"sum({m('stockfold_orders_stuck')}) > 0",
            "10m",
            TICKET,
            "{{ $value | humanize }} orders have waited for more than ten minutes and do not come "
            "to rest.",
        ),
    ]


def all_alerts() -> list[Alert]:
    """Every one of them."""
    return [*_services(), *_backlogs(), *_channels(), *_stock()]
