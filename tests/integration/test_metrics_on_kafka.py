"""What real services tell of themselves is what they did."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.conftest import NewEnvironment
from tests.support.kafka_io import Sender, wait_for, wait_for_records
from tests.support.metrics import scraped
from tests.support.running_ledger import ledger

from stockfold.contracts.topics import EXCEPTIONS, JOURNAL
from stockfold.runtime.embedded import ports
from stockfold.runtime.settings import Settings
from stockfold.runtime.telemetry.endpoint import telling

pytestmark = pytest.mark.integration

Read = Callable[..., float]


@contextmanager
def _scraping(settings: Settings) -> Iterator[Read]:
    """Reads what one sample has grown by since; gauges as they are with ``since=False``."""
    port = settings.metrics.port
    assert port is not None
    with telling(settings, "test", port):
        before = scraped(port)

        def read(name: str, *, since: bool = True, **labels: str) -> float:
            key = (name, frozenset(labels.items()))
            return scraped(port).get(key, 0.0) - (before.get(key, 0.0) if since else 0.0)

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

        wait_for("every transaction to end", lambda: _ends_agree(read))
        assert 1 <= read("stockfold_loop_transactions_total", **COMMITTED) <= 8


COMMITTED = {"service": "ledger", "outcome": "committed"}


def _ends_agree(read: Read) -> bool:
    """One is under way now and then: a batch is timed before its commit, and counted after it."""
    counts = {
        read(f"stockfold_loop_{each}_seconds_count", service="ledger")
        for each in ("batch", "commit")
    }
    return counts == {read("stockfold_loop_transactions_total", **COMMITTED)}


def test_the_ledger_tells_how_far_it_is_behind(settings: Settings) -> None:
    sender = Sender(settings)
    topic = "stockfold.receipts.v1"
    lag = {"service": "ledger", "topic": topic}
    with _scraping(settings) as read, ledger(settings):
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        wait_for_records(settings, JOURNAL, 2)
        key = ("stockfold_loop_lag_records", frozenset(lag.items()))
        wait_for("no lag", lambda: scraped(settings.metrics.port or 0).get(key) == 0)
        sender.event("GoodsReceived", sku="S", location="A", quantity=5)
        wait_for("the event", lambda: read("stockfold_loop_events_total", service="ledger") == 2)
        wait_for("no lag again", lambda: scraped(settings.metrics.port or 0).get(key) == 0)
