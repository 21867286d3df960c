"""A SKU at a time: as it was known then, and as that time is known now."""

from __future__ import annotations

from tests.support.explained import SKU, entries, story
from tests.support.story import Story, minutes

from stockfold.domain.times import from_us
from stockfold.explain.as_of import AsOf, as_of
from stockfold.explain.listings import Delivered, Published, listings_at


def asked(told: Story, at: int, known: int | None = None) -> AsOf:
    return as_of(SKU, entries(told), at, told.now_us if known is None else known)


def on_hand(found: AsOf) -> tuple[int, int]:
    """(known then, known later) at A."""
    then, later = (
        next((p.on_hand for p in picture.positions if p.location == "A"), 0)
        for picture in (found.known_then, found.known_later)
    )
    return then, later


def ship(told: Story, quantity: int, occurred: int, **named) -> Story:
    return told.tell(
        "StockShipped", shipment="S", location="A", quantity=quantity, occurred=occurred, **named
    )


def test_a_late_shipment_was_not_known_then_and_is_known_now() -> None:
    told = ship(story().receive("A", 8).at(minutes(30)), 3, minutes(10))
    found = asked(told, minutes(20))
    assert on_hand(found) == (8, 5)
    assert [(f.kind, f.late_ms) for f in found.learned] == [("StockShipped", 20 * 60_000)]
    assert on_hand(asked(told, minutes(5))) == (8, 8)
    assert on_hand(asked(told, minutes(30))) == (5, 5)


def test_the_later_knowledge_can_itself_be_of_the_past() -> None:
    told = ship(story().receive("A", 8).at(minutes(30)), 3, minutes(10))
    ship(told.at(minutes(60)), 1, minutes(10))
    assert on_hand(asked(told, minutes(20))) == (8, 4)
    assert on_hand(asked(told, minutes(20), known=minutes(40))) == (8, 5)


def test_a_count_takes_effect_at_its_own_time() -> None:
    told = story().receive("A", 10).at(minutes(30))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=7, as_of=minutes(20))
    assert on_hand(asked(told, minutes(19))) == (10, 10)
    assert on_hand(asked(told, minutes(20))) == (10, 7)


def test_a_movement_that_the_count_had_seen_moves_when_it_occurred_and_is_corrected_there() -> None:
    told = story().receive("A", 10).at(minutes(30))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=7, as_of=minutes(20))
    ship(told.at(minutes(40)), 2, minutes(10))
    assert on_hand(asked(told, minutes(15))) == (10, 8)
    assert on_hand(asked(told, minutes(20))) == (10, 7)
    assert on_hand(asked(told, minutes(40))) == (7, 7)


def test_an_adjustment_that_the_count_had_seen_is_told_apart_from_its_correction() -> None:
    told = story().receive("A", 10).at(minutes(30))
    told.tell("StockCounted", location="A", bucket="on_hand", counted=7, as_of=minutes(20))
    told.tell(
        "StockAdjusted",
        location="A",
        bucket="on_hand",
        delta=-2,
        reason="damage",
        occurred=minutes(10),
    )
    assert on_hand(asked(told, minutes(15))) == (10, 8)
    assert on_hand(asked(told, minutes(20))) == (10, 7)


def test_a_promise_holds_from_when_it_was_given_until_the_goods_left() -> None:
    told = story().receive("A", 8).at(minutes(10))
    told.tell(
        "ReserveStock",
        reservation="R",
        order="O",
        line="1",
        channel="web",
        quantity=3,
        locations=["A"],
        occurred=minutes(1),
    )
    ship(told.at(minutes(60)), 3, minutes(30), reservation="R")
    reserved = {
        minute: asked(told, minutes(minute)).known_later.positions[0].reserved
        for minute in (5, 10, 29, 30)
    }
    assert reserved == {5: 0, 10: 3, 29: 3, 30: 0}
    assert asked(told, minutes(40)).known_then.positions[0].reserved == 3
    early = ship(told.at(minutes(70)), 1, minutes(2))
    assert asked(early, minutes(5)).known_later.atp == 7


def test_before_the_first_fact_nothing_was_known() -> None:
    told = story().at(minutes(10)).receive("A", 8)
    found = asked(told, minutes(5))
    assert (found.known_then.positions, found.known_then.last_seq) == ((), 0)
    assert found.known_later.positions == ()


def version(number: int, quantity: int, minute: float, channel: str = "web") -> Published:
    at = from_us(minutes(minute))
    return Published(channel, number, quantity, "in_stock", 1, number, at)


def delivery(number: int, quantity: int, minute: float, outcome: str = "applied") -> Delivered:
    return Delivered("web", number, quantity, outcome, "", from_us(minutes(minute)))


def test_a_channel_holds_what_it_took_last_which_may_lag_behind_what_it_was_told() -> None:
    published = [version(1, 5, 0), version(2, 3, 10), version(3, 0, 20)]
    delivered = [delivery(1, 5, 1), delivery(2, 3, 14), delivery(3, 0, 21)]
    (listing,) = listings_at(published, delivered, minutes(12))
    assert listing.published == version(2, 3, 10)
    assert listing.held == delivery(1, 5, 1)
    assert listing.sure
    assert listing.sentence == (
        "web was told 3 (version 2, 1 Nov 12:10 UTC); it held 5 since 1 Nov 12:01 UTC"
    )


def test_a_version_that_the_channel_refused_is_named() -> None:
    delivered = [delivery(1, 5, 1), delivery(2, 3, 11, "rejected")]
    (listing,) = listings_at([version(1, 5, 0), version(2, 3, 10)], delivered, minutes(12))
    assert (listing.held, listing.failed) == tuple(delivered)
    assert listing.sentence.endswith("and had not taken version 2 (rejected)")


def test_versions_that_are_no_longer_kept_are_admitted() -> None:
    (gap,) = listings_at([version(1, 5, 0), version(4, 2, 30)], [], minutes(12))
    assert not gap.sure
    assert gap.published == version(1, 5, 0)
    (later,) = listings_at([version(4, 2, 30)], [], minutes(12))
    assert (later.published, later.sure) == (None, False)
    (fresh,) = listings_at([version(1, 2, 30)], [], minutes(12))
    assert (fresh.published, fresh.sure) == (None, True)
