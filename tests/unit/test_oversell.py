"""Oversell forensics: what caused a deficit, what came late, who holds the units."""

from __future__ import annotations

from tests.support.explained import SKU, entries, story
from tests.support.story import Story, minutes

from stockfold.explain.oversell import Deficit, deficits
from stockfold.explain.shortage import shortage


def found(told: Story, **how) -> list[Deficit]:
    return deficits(SKU, entries(told), **how)


def reserve(told: Story, order: str, quantity: int, location: str = "A") -> Story:
    return told.tell(
        "ReserveStock",
        reservation=f"R-{order}",
        order=order,
        line="1",
        channel="web",
        quantity=quantity,
        locations=[location],
    )


def allocate(told: Story, order: str, quantity: int) -> Story:
    return told.tell(
        "StockAllocated",
        allocation=f"AL-{order}",
        order=order,
        line="1",
        location="A",
        quantity=quantity,
        source="erp",
    )


def ship(told: Story, quantity: int, **more) -> Story:
    return told.tell("StockShipped", shipment="S", location="A", quantity=quantity, **more)


def test_a_healthy_sku_has_no_deficit() -> None:
    assert found(reserve(story().receive("A", 5), "1", 5)) == []


def test_a_shipment_told_late_let_units_be_promised_that_had_left() -> None:
    told = reserve(story().receive("A", 5).at(minutes(20)), "1", 4)
    ship(told.at(minutes(40)), 3, occurred=minutes(10), source="3pl")
    (deficit,) = found(told)
    assert (deficit.cause, deficit.units, deficit.kinds) == ("late_event", 2, ("short",))
    assert (deficit.began.kind, deficit.began.seq) == ("StockShipped", 3)
    (late,) = deficit.late
    assert (late.fact.source, late.late_ms, late.units) == ("3pl", 30 * 60_000, -3)
    assert [(c.order, c.reserved, c.over) for c in deficit.claims] == [("1", 4, 2)]
    assert deficit.sentence == (
        "3 units were shipped from A; that was so at 1 Nov 2026 12:10 UTC but was told by 3pl only "
        "30 min later. In between 2 units were promised at A that were no longer there: 2 to "
        "order 1, line 1"
    )
    assert "keep a safety stock of 2 units" in deficit.prevention


def test_a_count_told_late_is_a_late_event_as_of_its_own_time() -> None:
    told = reserve(story().receive("A", 5).at(minutes(20)), "1", 4).at(minutes(50))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=1, as_of=minutes(10))
    (deficit,) = found(told)
    assert (deficit.cause, deficit.late[0].late_ms) == ("late_event", 40 * 60_000)
    assert deficit.claims[0].over == 3


def test_promises_given_before_the_late_event_happened_are_not_blamed_on_it() -> None:
    told = reserve(story().receive("A", 5), "1", 4).at(minutes(30))
    told.tell(
        "StockAdjusted",
        location="A",
        bucket="on_hand",
        delta=-3,
        reason="damage",
        occurred=minutes(10),
    )
    (deficit,) = found(told)
    assert (deficit.cause, deficit.late, deficit.claims[0].over) == ("stock_shrank", (), 0)
    assert "A safety stock of 2 units at A would have covered it" in deficit.prevention


def test_an_allocation_without_stock_is_told_by_its_source() -> None:
    told = allocate(reserve(story().receive("A", 5), "1", 2), "2", 6)
    (deficit,) = found(told)
    assert (deficit.cause, deficit.units) == ("allocated_without_stock", 3)
    assert deficit.kinds == ("short", "oversold")
    assert "when 3 units could be promised there" in deficit.sentence
    assert deficit.prevention.startswith("Let erp allocate what was reserved before")
    assert [(c.order, c.channel, c.allocated) for c in deficit.claims] == [
        ("2", "", 6),
        ("1", "web", 0),
    ]


def test_a_shipment_nobody_had_a_promise_for_takes_what_was_promised() -> None:
    told = ship(reserve(story().receive("A", 5), "1", 4), 3)
    (deficit,) = found(told)
    assert (deficit.cause, deficit.units) == ("shipped_without_promise", 2)


def test_more_shipped_than_was_ever_received_is_a_missing_receipt() -> None:
    (deficit,) = found(ship(story().receive("A", 1), 3))
    assert (deficit.cause, deficit.kinds) == ("missing_receipt", ("short", "on_hand_negative"))


def test_a_transfer_that_takes_promised_units_is_named() -> None:
    told = reserve(story().receive("A", 5), "1", 4)
    told.tell(
        "TransferDispatched",
        **{"from": "A", "to": "B"},
        transfer="T",
        quantity=3,
        bucket="on_hand",
    )
    (deficit,) = found(told)
    assert deficit.cause == "sent_away"


def test_a_receipt_told_late_made_a_deficit_that_was_none_and_is_over() -> None:
    told = ship(story().at(minutes(10)), 2)
    told.at(minutes(30)).receive("A", 5)
    told.tell(
        "GoodsReceived",
        location="A",
        quantity=4,
        condition="on_hand",
        occurred=minutes(5),
        source="erp",
    )
    assert found(told) == []
    (deficit,) = found(told, past=True)
    assert (deficit.cause, deficit.units, deficit.worst) == ("late_receipt", 0, 2)
    assert deficit.ended is not None
    assert deficit.ended.kind == "GoodsReceived"
    assert deficit.sentence.startswith("nothing was missing at A, it only looked so")


def test_each_location_has_its_own_deficit_the_newest_first() -> None:
    told = ship(story().receive("B", 9), 1)
    told.tell("StockShipped", shipment="S2", location="C", quantity=2)
    assert [deficit.location for deficit in found(told)] == ["C", "A"]
    assert [deficit.location for deficit in found(told, location="A")] == ["A"]


def test_a_position_is_short_by_its_numbers_alone() -> None:
    assert shortage("s", "A", 5, 2, 3) is None
    short = shortage("s", "A", 1, 2, 3)
    assert short is not None
    assert (short.units, short.kinds) == (4, ("short", "oversold"))
