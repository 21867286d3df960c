"""Finished orders leave memory by a journalled fact, and are never reserved or shipped again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.support.orders_process import DAY_US, SECOND_US, OrdersProcess

from stockfold.orders.facts import Asked, Forgotten, Shipped

DAY_S = DAY_US // SECOND_US
KEPT_S = 60 * DAY_S


@pytest.fixture
def process(tmp_path: Path) -> OrdersProcess:
    return OrdersProcess(tmp_path)


def ship(process: OrdersProcess, order: str, revision: int = 1, **more: Any) -> None:
    process.tell(order, "completed", units=2, revision=revision, **more)


def moved(process: OrdersProcess) -> list[tuple[str, int]]:
    """(order, units) of whatever was asked or shipped."""
    return [(o, f.units) for o, _, f in process.facts() if isinstance(f, Asked | Shipped)]


def test_an_order_that_is_over_is_kept_for_its_time_and_then_forgotten(
    process: OrdersProcess,
) -> None:
    ship(process, "1")
    process.tell("2")
    assert process.wait(KEPT_S - 1) == 0
    assert len(process.memory) == 2
    process.wait(1)
    assert len(process.memory) == 1
    assert [o for o, _, f in process.facts() if isinstance(f, Forgotten)] == ["1"]
    assert process.wait(10 * KEPT_S) == 0, "an open order stays for ever"
    assert [state.order_id for state in process.memory.open] == ["2"]


def test_within_its_time_the_same_again_changes_nothing_and_news_are_followed(
    process: OrdersProcess,
) -> None:
    ship(process, "1")
    before = process.facts()
    process.wait(KEPT_S - DAY_S)
    ship(process, "1")
    ship(process, "1", revision=0)
    assert process.facts() == before
    process.tell("1", "completed", units=3, revision=2)
    assert moved(process) == [("1", 2), ("1", 2), ("1", 3), ("1", 1)]
    assert process.wait(DAY_S) == 0, "its time begins anew"


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"revision": 0}, False),
        ({"revision": 1}, False),
        ({"revision": 1, "units": 5}, False),
        ({"revision": 9}, False),
        ({"revision": 9, "units": 5}, True),
        ({"revision": 9, "status": "refunded"}, True),
        ({"revision": 9, "status": "processing"}, True),
    ],
)
@pytest.mark.parametrize("restarted", ["", "journal", "snapshot"])
def test_a_forgotten_order_is_never_reserved_again(
    process: OrdersProcess, change: dict[str, Any], refused: bool, restarted: str
) -> None:
    ship(process, "1")
    process.wait(KEPT_S)
    if restarted == "snapshot":
        process.snapshot()
    if restarted:
        process.restart()
    before = process.facts()
    process.tell("1", **{"status": "completed", "units": 2, **change})
    assert process.facts() == before
    assert process.exceptions() == (["order_forgotten"] if refused else [])
    assert len(process.memory) == 0


def test_a_review_or_an_answer_about_a_forgotten_order_changes_nothing(
    process: OrdersProcess,
) -> None:
    ship(process, "1")
    process.wait(KEPT_S)
    before = process.facts()
    process.review("1")
    process.answer("1", "1", shipped=2)
    assert process.facts() == before
    assert process.exceptions() == []


def test_an_order_with_an_open_case_or_a_missing_mapping_is_not_over(
    process: OrdersProcess,
) -> None:
    process.tell("unmapped", lines=[{"line": "1", "code": "", "quantity": 1}])
    process.has_stock = False
    process.tell("oversold")
    process.tell("unpaid", accepted=False)
    for _ in range(5):
        process.wait(120)
    process.wait(2 * KEPT_S)
    assert [o for o, _, f in process.facts() if isinstance(f, Forgotten)] == ["unpaid"]
    assert {state.order_id for state in process.memory.open} == {"unmapped", "oversold"}
    process.tell("oversold", "cancelled", revision=2)
    process.wait(KEPT_S)
    assert {state.order_id for state in process.memory.open} == {"unmapped"}


def test_a_review_of_an_order_that_never_came_is_forgotten_too(process: OrdersProcess) -> None:
    process.review("9")
    process.wait(KEPT_S)
    assert len(process.memory) == 0
    process.tell("9", revision=0)
    assert process.exceptions() == ["order_forgotten"]


def test_many_orders_are_forgotten_in_bounded_steps(process: OrdersProcess) -> None:
    for number in range(600):
        process.tell(str(number), "cancelled")
    process.now_us += KEPT_S * SECOND_US
    process.processor.tick(process.log, process.now_us)  # type: ignore[arg-type]
    assert len(process.memory) == 100
    process.wait(0)
    assert len(process.memory) == 0
    assert len(process.memory.forgotten) == 600
