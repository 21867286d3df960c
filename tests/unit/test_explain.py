"""A SKU explained: in words, fact by fact, and by its conservation."""

from __future__ import annotations

from tests.support.explained import SKU, entries, story
from tests.support.story import Story, days, minutes

from stockfold.explain.explanation import Explanation, explain


def explained(told: Story, location: str | None = None, **how) -> Explanation:
    return explain(SKU, entries(told), told.now_us, location, **how)


def reserve(told: Story, order: str, quantity: int, location: str = "A") -> Story:
    return told.tell(
        "ReserveStock",
        reservation=f"R-{order}",
        order=order,
        line="1",
        channel="web",
        quantity=quantity,
        locations=[location],
        allow_backorder=True,
    )


def test_a_healthy_sku_is_told_in_one_paragraph() -> None:
    told = reserve(story().receive("A", 8).receive("B", 2), "17", 3)
    assert explained(told).paragraph == (
        "SKU SKU-1: 10 units are on hand (8 at A and 2 at B). "
        "3 are promised: 3 to order 17, line 1 (web). "
        "So 7 units can be promised now: 10 on hand less 3 promised. "
        "No delivery is announced. "
        "The last change was on 1 Nov 2026 12:00 UTC: 3 units were reserved at A for order 17, "
        "line 1, told by wms. "
        "Nothing is wrong with it."
    )


def test_one_location_speaks_of_itself_alone() -> None:
    told = reserve(story().receive("A", 8).receive("B", 2), "17", 3)
    assert explained(told, "B").paragraph == (
        "SKU SKU-1 at B: 2 units are on hand. "
        "Nothing is promised to anyone. "
        "So 2 units can be promised now. "
        "No delivery is announced. "
        "The last change was on 1 Nov 2026 12:00 UTC: 2 units were received at B, told by wms. "
        "Nothing is wrong with it."
    )


def test_what_is_wrong_is_said_with_its_place_and_number() -> None:
    told = story().expect("PO-7", "1", 20, eta=minutes(60)).receive("A", 1)
    told.tell("StockAllocated", allocation="AL", order="9", line="1", location="A", quantity=4)
    told.tell("StockShipped", shipment="S", location="B", quantity=2)
    told.tell("ReleaseReservation", reservation="R-unknown")
    told.at(days(3))
    found = explained(told)
    assert [(t.kind, t.location, t.units) for t in found.troubles] == [
        ("oversold", "A", 3),
        ("on_hand_negative", "B", 2),
        ("inbound_overdue", "A", 20),
        ("parked", "", 0),
    ]
    assert (
        "A is oversold: 3 units are allocated to orders that the shelf does not hold"
        in found.paragraph
    )
    assert (
        "20 units were due at A on 1 Nov 2026 with PO-7, line 1, and did not come"
        in found.paragraph
    )
    assert "5 at A" not in found.paragraph
    assert "So nothing can be promised now; 3 at A and 2 at B are missing" in found.paragraph


def test_more_orders_than_a_paragraph_can_name_are_summed_up() -> None:
    told = story().receive("A", 50)
    for order in range(6):
        reserve(told, f"o{order}", order + 1)
    assert "6 to order o5, line 1 (web), 5 to order o4, line 1 (web), 4 to order o3, line 1 " in (
        explained(told).paragraph
    )
    assert "and 6 to 3 other order lines." in explained(told).paragraph


def test_each_number_is_the_sum_of_its_facts_and_names_their_place() -> None:
    told = reserve(story().receive("A", 8), "17", 3)
    told.at(minutes(30)).tell(
        "StockShipped",
        shipment="S",
        reservation="R-17",
        location="A",
        quantity=2,
        occurred=minutes(10),
    )
    found = {number.number: number for number in explained(told, "A").numbers}
    steps = [(s.fact.seq, s.fact.kind, s.delta, s.value) for s in found["on_hand"].steps]
    assert steps == [(1, "GoodsReceived", 8, 8), (3, "StockShipped", -2, 6)]
    assert [(s.delta, s.value) for s in found["reserved"].steps] == [(3, 3), (-2, 1)]
    assert [(s.delta, s.value) for s in found["atp"].steps] == [(8, 8), (-3, 5)]
    shipped = found["on_hand"].steps[-1].fact
    assert (shipped.journal.partition, shipped.journal.offset) == (3, 102)
    assert (shipped.source, shipped.event_id, shipped.late_ms) == ("wms", "event-3", 20 * 60_000)
    assert shipped.what == "2 units were shipped from A for order 17, line 1"


def test_a_long_history_is_summed_up_before_its_last_facts() -> None:
    told = story()
    for _ in range(5):
        told.receive("A", 2)
    (number,) = explained(told, numbers=["on_hand"], last=2).numbers
    assert (number.value, number.opening, number.earlier) == (10, 6, 3)
    assert [step.value for step in number.steps] == [8, 10]
    (whole,) = explained(told, numbers=["on_hand"], last=None).numbers
    assert (whole.opening, whole.earlier, len(whole.steps)) == (0, 0, 5)


def test_the_proof_puts_the_numbers_into_the_equation() -> None:
    told = story().receive("A", 10)
    told.tell("StockAdjusted", location="A", bucket="on_hand", delta=-1, reason="damage")
    told.tell("StockShipped", shipment="S", location="A", quantity=4)
    proof = explained(told).proof
    assert proof.holds
    assert proof.sentence == (
        "10 received - 1 adjusted = 9; 5 on hand + 0 held + 0 damaged + 0 in transit + 4 shipped "
        "+ 0 lost + 0 scrapped = 9"
    )


def test_the_proof_fails_when_a_fact_is_missing() -> None:
    history = entries(story().receive("A", 10).receive("A", 1))
    assert not explain(SKU, history[1:], minutes(0)).proof.holds


def test_a_movement_that_a_count_had_seen_says_why_it_changes_nothing() -> None:
    told = story().receive("A", 10).at(minutes(10))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=8, as_of=minutes(5))
    told.tell("StockShipped", shipment="S", location="A", quantity=2, occurred=minutes(4))
    (number,) = explained(told, "A", numbers=["on_hand"]).numbers
    assert [(step.delta, step.value) for step in number.steps] == [(10, 10), (-2, 8), (0, 8)]
    assert "the last count of the shelf had it already" in number.steps[-1].fact.what
