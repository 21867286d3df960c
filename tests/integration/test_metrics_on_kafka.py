"""What real services tell of themselves is what they did."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, wait_for, wait_for_records
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import EXCEPTIONS, JOURNAL
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.endpoint import telling

pytestmark = pytest.mark.integration

Read = Callable[..., float]


def _scraped(port: int) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@contextmanager
def _scraping(settings: Settings) -> Iterator[Read]:
    """Reads what one sample has grown by since; gauges as they are with ``since=False``."""
    port = settings.metrics.port
    assert port is not None
    with telling(settings, "test", port):
        before = _scraped(port)

        def read(name: str, *, since: bool = True, **labels: str) -> float:
            key = (name, frozenset(labels.items()))
            return _scraped(port).get(key, 0.0) - (before.get(key, 0.0) if since else 0.0)

        yield read


@pytest.fixture
def settings(new_environment: NewEnvironment) -> Settings:
    return new_environment(metrics={"port": ports.free_port()})


def test_the_ledger_tells_events_repeats_refusals_and_findings(settings: Settings) -> None:
    sender = Sender(settings)
    with _scraping(settings) as read, ledger(settings):
        for number in range(5):
            sender.event("GoodsReceived", sku=f"S{number}", location="A", quantity=5)
        sender.event("GoodsReceived", sku="S0", location="A", quantity=5, event_id="e-1")
        sender.event("GoodsReceived", sku="S0", location="A", quantity=6, event_id="e-1")
        sender.event("StockAdjusted", sku="S1", location="A", delta=-9, reason="lost")
        wait_for_records(settings, EXCEPTIONS, 2)
        wait_for("the counts", lambda: read("stockfold_loop_events_total", service="ledger") == 8)

        refused = {"service": "ledger", "kind": "payload_conflict", "folded": "false"}
        negative = {"service": "ledger", "kind": "on_hand_negative", "folded": "true"}
        assert read("stockfold_exceptions_total", **refused) == 1
        assert read("stockfold_exceptions_total", **negative) == 1
        assert read("stockfold_ledger_repeats_total") == 1
        assert read("stockfold_ledger_skus", since=False) == 5
        assert read("stockfold_loop_partitions", since=False, service="ledger") == 2
        assert read("stockfold_loop_recovery_seconds_count", service="ledger") == 2

        transactions = {"service": "ledger", "outcome": "committed"}
        committed = read("stockfold_loop_transactions_total", **transactions)
        assert 1 <= committed <= 8
        for each in ("batch", "commit"):
            count = read(f"stockfold_loop_{each}_seconds_count", service="ledger")
            assert count == committed
        assert read("stockfold_loop_event_age_seconds_count", service="ledger") == committed


def test_the_ledger_tells_how_far_it_is_behind(settings: Settings) -> None:
    sender = Sender(settings)
    topic = "stockfold.receipts.v1"
    lag = {"service": "ledger", "topic": topic}
    with _scraping(settings) as read, ledger(settings):
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        wait_for_records(settings, JOURNAL, 2)
        wait_for("no lag", lambda: read("stockfold_loop_partitions", since=False, service="ledger"))
        wait_for(
            "a look at the ends",
            lambda: any(
                name == "stockfold_loop_lag_records" and dict(labels) == lag
                for name, labels in _scraped(settings.metrics.port or 0)
            ),
        )
        assert read("stockfold_loop_lag_records", since=False, **lag) == 0
