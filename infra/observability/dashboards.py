"""The Grafana dashboards, written to ``grafana/``."""

from __future__ import annotations

from infra.observability.channels_board import CHANNELS
from infra.observability.ledger_board import LEDGER
from infra.observability.overview_board import OVERVIEW
from infra.observability.panels import Dashboard


def all_dashboards() -> tuple[Dashboard, ...]:
    """Every dashboard."""
    return OVERVIEW, LEDGER, CHANNELS
