"""Dated ATP of the ledger (semantics.md, "Dated ATP"; ruling 21)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.histories import START_US
from tests.support.ledger_subject import LedgerSubject
from tests.support.model.dated import promises as promised_by_the_model
from tests.support.story import Story

from stockfold.domain.times import DAY_US
from stockfold.ledger.dated import Series, promises, series
from stockfold.ledger.outlook import outlook_of

TODAY = START_US // DAY_US


@pytest.fixture
def story() -> Story:
    return Story(LedgerSubject("SKU-1"))


def dated(story: Story, days: int = 7, location: str | None = None) -> Series:
    outlook = outlook_of(story.subject.state)
    return series(outlook, lambda us: us // DAY_US, TODAY, days, location)


def eta(day: int) -> int:
    return START_US + day * DAY_US


def expect(story: Story, line: str, units: int, at: int | None, place: str = "A") -> None:
    story.tell(
        "InboundExpected",
        inbound="PO",
        line=line,
        location=place,
        quantity=units,
        eta=at,
        confidence=100,
        revision=1,
    )


def reserve(story: Story, name: str, units: int, **terms: object) -> None:
    story.tell(
        "ReserveStock",
        reservation=name,
        order=name,
        line="1",
        channel="web",
        quantity=units,
        **{"locations": ["A"], **terms},
    )


def test_the_example_of_the_semantics() -> None:
    changes = {1: -3, 3: 10, 4: -15, 5: 1, 6: 3}
    assert promises(20, changes, 7) == (
        [20, 17, 17, 27, 12, 13, 16],
        [12, 12, 12, 12, 12, 13, 16],
    )
    del changes[4]
    assert promises(20, changes, 7)[1] == [17, 17, 17, 27, 27, 28, 31]


@given(st.integers(-50, 50), st.dictionaries(st.integers(0, 9), st.integers(-30, 30)))
def test_promises_are_those_of_the_model(on_hand: int, changes: dict[int, int]) -> None:
    assert promises(on_hand, changes, 10)[1] == promised_by_the_model(on_hand, changes, 10)


def test_expected_units_count_from_their_day(story: Story) -> None:
    story.receive("A", 5)
    expect(story, "1", 10, eta(2))
    assert dated(story).promises == (5, 5, 15, 15, 15, 15, 15)


def test_a_receipt_consumes_its_line_so_nothing_counts_twice(story: Story) -> None:
    expect(story, "1", 10, eta(2))
    story.tell(
        "GoodsReceived", inbound="PO", line="1", location="A", quantity=4, condition="on_hand"
    )
    assert dated(story).promises == (4, 4, 10, 10, 10, 10, 10)


def test_overdue_and_undated_supply_stand_beside_the_series(story: Story) -> None:
    expect(story, "1", 10, eta(-1))
    expect(story, "2", 3, None)
    found = dated(story)
    assert found.promises == (0,) * 7
    assert [(s.line, s.units) for s in found.overdue] == [("1", 10)]
    assert [(s.line, s.units) for s in found.undated] == [("2", 3)]


def test_units_in_transit_count_from_their_eta(story: Story) -> None:
    story.receive("B", 6)
    story.tell(
        "TransferDispatched",
        **{"from": "B", "to": "A"},
        transfer="T",
        quantity=6,
        eta=eta(3),
        bucket="on_hand",
    )
    assert dated(story, location="A").promises == (0, 0, 0, 6, 6, 6, 6)


def test_a_dated_reservation_is_demand_of_its_day_and_lowers_earlier_promises(
    story: Story,
) -> None:
    story.receive("A", 5)
    reserve(story, "R", 3, needed_on=TODAY + 4)
    expect(story, "1", 10, eta(5))
    found = dated(story)
    assert found.projection == (5, 5, 5, 5, 2, 12, 12)
    assert found.promises == (2, 2, 2, 2, 2, 12, 12)


def test_a_tied_backorder_is_demand_on_its_supply_lines_day_an_untied_one_today(
    story: Story,
) -> None:
    expect(story, "1", 10, eta(2))
    terms = {"allow_backorder": True}
    reserve(story, "R1", 4, supply_line={"inbound": "PO", "line": "1"}, **terms)
    assert dated(story).projection == (0, 0, 6, 6, 6, 6, 6)
    reserve(story, "R2", 1, **terms)
    assert dated(story).projection == (-1, -1, 5, 5, 5, 5, 5)


def test_the_first_day_of_a_sku_without_dates_is_on_hand_less_what_is_claimed(
    story: Story,
) -> None:
    story.receive("A", 9).receive("B", 2)
    reserve(story, "R", 3)
    assert dated(story).promises[0] == story.subject.state.pool() == 8
    assert dated(story, location="B").promises[0] == 2
