"""Facts in plain words."""

from __future__ import annotations

from tests.support.explained import entries, story
from tests.support.story import days, minutes

from stockfold.explain.describe import describe
from stockfold.explain.words import duration, listed, moment
from stockfold.ledger.entities import Change
from stockfold.ledger.facts import Fact


def test_every_kind_of_fact_is_told_in_words() -> None:
    told = story().expect("PO", "1", 10, eta=days(3)).receive("A", 5, inbound="PO", line="1")
    told.receive("B", 1, "damaged")
    line = {"order": "O", "line": "1"}
    told.tell(
        "ReserveStock",
        **line,
        reservation="R",
        channel="web",
        quantity=7,
        locations=["A"],
        allow_backorder=True,
        allow_partial=True,
    )
    told.tell("StockAllocated", **line, allocation="AL", location="A", quantity=2)
    told.tell("StockShipped", shipment="S", allocation="AL", location="A", quantity=1)
    told.tell("StockDeallocated", allocation="AL", to="free")
    told.tell("ReleaseReservation", reservation="R", quantity=1)
    told.tell("OrderLineCancelled", **line)
    told.dispatch("T", "A", "B", 2).arrive("T", "B", 1)
    told.tell("TransferClosed", transfer="T", remainder="lost")
    told.tell("ReturnAuthorized", **{"return": "RMA"}, quantity=1)
    told.tell("ReturnReceived", **{"return": "RMA"}, location="A", quantity=1)
    told.tell("ReturnDispositioned", **{"return": "RMA"}, location="A", quantity=1, to="scrapped")
    told.tell("StockAdjusted", location="A", bucket="on_hand", delta=-1, reason="damage")
    told.tell("StockStatusChanged", location="A", **{"from": "on_hand"}, to="damaged", quantity=1)
    told.at(minutes(5)).tell(
        "StockCounted", location="A", bucket="on_hand", counted=4, as_of=minutes(4)
    )
    told.tell("RingFenceSet", channel="web", quantity=2, priority=1, revision=1)
    told.tell("BackorderLimitSet", channel="web", quantity=9, revision=1)
    told.tell("ExtendReservation", reservation="R-unknown", expires_at=None)
    told.tell("InboundClosed", inbound="PO", line="1", revision=None)
    assert [(entry.fact.kind, describe(entry.fact)) for entry in entries(told)] == [
        ("InboundExpected", "what is expected with PO was told"),
        ("GoodsReceived", "5 units were received at A for PO"),
        ("GoodsReceived", "1 unit was received into the damaged stock at B"),
        (
            "ReservationPartiallyConfirmed",
            "5 units were reserved at A and 2 units put on backorder for order O, line 1",
        ),
        ("StockAllocated", "2 units were allocated at A for order O, line 1"),
        ("StockShipped", "1 unit was shipped from A for order O, line 1"),
        ("StockDeallocated", "a promise of 1 unit was given up for order O, line 1"),
        ("BackorderConfirmed", "1 unit was reserved at A for order O, line 1"),
        ("ReservationReleased", "a promise of 1 unit was released for order O, line 1"),
        ("OrderLineCancelled", "order O, line 1 was cancelled, which freed 4 units"),
        ("TransferDispatched", "2 units were sent off from A by transfer T"),
        ("TransferReceived", "1 unit was received at B by transfer T"),
        ("TransferClosed", "transfer T was closed, 1 unit lost"),
        ("ReturnAuthorized", "return RMA was allowed"),
        ("ReturnReceived", "1 unit was brought back into quality hold at A with return RMA"),
        ("ReturnDispositioned", "1 unit was scrapped from quality hold at A with return RMA"),
        ("StockAdjusted", "the shelf at A was adjusted by -1 (damage)"),
        ("StockStatusChanged", "1 unit was moved from the shelf at A to the damaged stock"),
        (
            "StockCounted",
            "the shelf at A was counted as of 1 Nov 2026 12:04 UTC; the number changed by +4",
        ),
        ("RingFenceSet", "2 units were set aside for channel web"),
        ("BackorderLimitSet", "channel web may accept backorders up to 9 units"),
        (
            "Parked",
            "the command ExtendReservation came before R-unknown was known, and waits for it",
        ),
        ("InboundClosed", "nothing more is expected of PO"),
    ]


def test_a_shipment_of_a_rejected_line_says_so() -> None:
    told = story()
    line = {"order": "O", "line": "1"}
    told.tell("ReserveStock", **line, reservation="R", channel="web", quantity=1, locations=["A"])
    told.tell("StockShipped", **line, shipment="S", location="A", quantity=1)
    rejected, shipped = (describe(entry.fact) for entry in entries(told))
    assert rejected == (
        "ReserveStock of reservation R was answered: 1 unit rejected (insufficient stock)"
    )
    assert shipped == (
        "1 unit was shipped from A for order O, line 1, although the line had been cancelled, "
        "expired or rejected"
    )


def test_times_are_told_as_people_tell_them() -> None:
    second = 1_000_000
    assert [duration(s * second) for s in (5, 300, 7500, 7200, 86_400 * 3)] == [
        "5 s",
        "5 min",
        "2 h 5 min",
        "2 h",
        "3 days",
    ]
    assert moment(minutes(0)) == "1 Nov 2026 12:00 UTC"
    assert [listed(list(names)) for names in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_a_command_that_waits_too_long_is_told_with_what_it_waits_for() -> None:
    waiting = Change(parked_too_long=("r:R-1", "/shop", "e-1"))
    assert describe(Fact("ParkedTooLong", [], waiting)) == (
        "a command has waited too long for R-1, which nobody has told yet"
    )
