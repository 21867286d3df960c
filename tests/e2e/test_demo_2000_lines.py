"""The whole of stockfold on 2,000 real order lines, with every number worked out twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from infra.demo.plan import Plan
from infra.demo.run import Report, started
from infra.demo.screen import Screen
from rich.console import Console
from tests.support.servers import server_folder

from stockfold.runtime.embedded import ports

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with server_folder() as path:
        yield path / "demo-data"


def run_demo(folder: Path) -> Report:
    plan = Plan(lines=2_000, data_dir=folder, api_port=ports.free_port())
    with started(plan, Screen(Console(quiet=True))) as demo:
        return demo.report()


@pytest.fixture(scope="module")
def first_run(folder: Path) -> Report:
    return run_demo(folder)


def differences(report: Report) -> dict[str, list[str]]:
    return {c.what: c.first for c in report.comparisons if c.differ}


def test_every_number_equals_the_one_worked_out_from_the_data_set(first_run: Report) -> None:
    assert differences(first_run) == {}
    compared = {c.what: c.compared for c in first_run.comparisons}
    assert compared["positions (SKU, location)"] > 2_000
    assert compared["order lines"] > 1_900
    assert compared["answers to reservations"] > 1_900
    assert compared["availability (channel, SKU)"] > 3_000
    assert compared["stock in the shops"] == compared["availability (channel, SKU)"]


def test_shortages_repeats_conflicts_late_and_disordered_events_all_occurred(
    first_run: Report,
) -> None:
    assert set(first_run.cases) == {
        "shortage",
        "repeated",
        "conflicting",
        "late",
        "out of order",
        "no sense",
    }
    assert min(first_run.cases.values()) > 0
    assert sum(first_run.cases.values()) > 0.01 * 2_000


def test_exceptions_of_every_kind_were_raised_as_often_as_expected(first_run: Report) -> None:
    assert set(first_run.exceptions) == {
        "line_cancelled",
        "older_than_horizon",
        "on_hand_negative",
        "payload_conflict",
        "quantity_out_of_range",
        "shipped_closed",
        "unknown_schema",
    }
    by_kind = next(c for c in first_run.comparisons if c.what == "exceptions, by kind")
    assert (by_kind.compared, by_kind.differ) == (len(first_run.exceptions), 0)


def test_a_second_run_on_the_same_folder_sends_nothing_and_changes_nothing(
    first_run: Report, folder: Path
) -> None:
    second_run = run_demo(folder)
    assert second_run.pace.events == 0
    assert second_run.events == first_run.events
    assert differences(second_run) == {}
