"""What the orders service tells of its orders."""

from __future__ import annotations

from pathlib import Path

from tests.support.metrics import Since, value
from tests.support.orders_process import OrdersProcess

ASKED = {"objective": "order_ingestion", "channel": "other"}
TEN_MINUTES_S = 600


def test_an_order_that_comes_to_rest_is_timed_once(tmp_path: Path) -> None:
    process, since = OrdersProcess(tmp_path), Since()
    process.tell("1")
    process.tell("1")
    assert since.grown("stockfold_orders_moves_total", status="confirmed") == 1
    assert since.grown("stockfold_orders_settle_seconds_count", channel="other") == 1
    assert since.grown("stockfold_slo_events_total", **ASKED) == 1
    assert since.grown("stockfold_slo_good_total", **ASKED) == 1


def test_an_order_is_late_when_the_ledger_answers_late(tmp_path: Path) -> None:
    process, since = OrdersProcess(tmp_path), Since()
    serve = process.serve
    process.serve = lambda: None  # type: ignore[method-assign]
    process.tell("1")
    process.now_us += 45 * 1_000_000
    assert since.grown("stockfold_slo_events_total", **ASKED) == 0
    process.serve = serve  # type: ignore[method-assign]
    process.serve()
    assert since.grown("stockfold_slo_events_total", **ASKED) == 1
    assert since.grown("stockfold_slo_good_total", **ASKED) == 0
    assert since.grown("stockfold_orders_settle_seconds_sum", channel="other") == 45


def test_an_order_that_waited_through_a_restart_counts_from_when_it_was_asked(
    tmp_path: Path,
) -> None:
    process, since = OrdersProcess(tmp_path), Since()
    serve = process.serve
    process.serve = lambda: None  # type: ignore[method-assign]
    process.tell("1")
    process.restart()
    process.now_us += 20 * 1_000_000
    process.serve = serve  # type: ignore[method-assign]
    process.serve()
    assert since.grown("stockfold_orders_settle_seconds_sum", channel="other") == 20


def test_orders_are_counted_by_state_and_those_that_are_stuck_too(tmp_path: Path) -> None:
    process = OrdersProcess(tmp_path, answer_s=10 * TEN_MINUTES_S)
    process.tell("1")
    process.serve = lambda: None  # type: ignore[method-assign]
    process.tell("2")
    process.wait(6)
    assert value("stockfold_orders_open", status="confirmed") == 1
    assert value("stockfold_orders_open", status="reserving") == 1
    assert value("stockfold_orders_stuck") == 0
    process.wait(TEN_MINUTES_S)
    assert value("stockfold_orders_stuck") == 1


def test_a_case_is_counted_when_it_is_opened(tmp_path: Path) -> None:
    process, since = OrdersProcess(tmp_path, attempts_max=1), Since()
    process.has_stock = False
    process.tell("1")
    assert since.grown("stockfold_orders_moves_total", status="rejected") == 1
    assert since.grown("stockfold_orders_cases_total", action="opened") == 1
