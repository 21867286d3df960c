"""What becomes of one order, by how its channel told it."""

from __future__ import annotations

from tests.support.orders_world import LOCATION, START_US, World, line

from stockfold.orders.facts import CaseAction, Reviewed
from stockfold.orders.words import Parcel, Terms

HOUR_S = 3_600
PARTIAL = Terms(allow_partial=True)
BACKORDER = Terms(allow_partial=True, allow_backorder=True)


def test_a_paid_order_is_reserved_line_by_line_for_good() -> None:
    world = World({"a": 5, "b": 5})
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 3))
    world.rest()
    assert world.statuses() == {"1": "confirmed"}
    assert (world.held("1", "a"), world.held("1", "b")) == (2, 3)
    world.pass_time(100 * HOUR_S)
    assert (world.held("1", "a"), world.held("1", "b")) == (2, 3)


def test_the_same_order_again_changes_nothing() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    asked = len(world.asked)
    world.tell("1", "processing", line("1", "a", 2))
    world.tell("1", "processing", line("1", "a", 2), revision=2)
    world.rest()
    assert len(world.asked) == asked


def test_an_older_revision_is_ignored() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2), revision=7)
    world.tell("1", "cancelled", line("1", "a", 2), revision=6)
    world.rest()
    assert world.held("1", "a") == 2


def test_an_unpaid_order_is_held_for_its_time_and_then_lapses() -> None:
    world = World({"a": 5})
    world.tell("1", "pending", line("1", "a", 2), hold_until_us=START_US + HOUR_S * 1_000_000)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("held", 2)
    world.pass_time(HOUR_S + 1)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("lapsed", 0)


def test_an_order_that_is_paid_in_time_is_kept_for_good() -> None:
    world = World({"a": 5, "b": 1})
    world.tell("1", "pending", line("1", "a", 2), line("2", "b", 1), accepted=False)
    world.rest()
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 1), revision=2)
    world.rest()
    world.pass_time(2 * HOUR_S)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a"), world.held("1", "b")) == (
        "confirmed",
        2,
        1,
    )


def test_an_order_that_is_paid_after_it_lapsed_is_asked_again() -> None:
    world = World({"a": 5})
    world.tell("1", "pending", line("1", "a", 2))
    world.rest()
    world.pass_time(2 * HOUR_S)
    world.rest()
    world.tell("1", "processing", line("1", "a", 2), revision=2)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("confirmed", 2)


def test_a_cancelled_order_releases_everything_and_may_be_reopened() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.tell("1", "cancelled", line("1", "a", 2), revision=2)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("released", 0)
    world.tell("1", "processing", line("1", "a", 3), revision=3)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("confirmed", 3)


def test_a_failed_order_releases_everything() -> None:
    world = World({"a": 5})
    world.tell("1", "pending", line("1", "a", 2))
    world.tell("1", "failed", line("1", "a", 2), revision=2)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("released", 0)


def test_a_completed_order_ships_once() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.tell("1", "completed", line("1", "a", 2), revision=2)
    world.rest()
    world.tell("1", "completed", line("1", "a", 2, shipped=2), revision=3)
    world.rest()
    assert (world.statuses()["1"], world.shipped("1", "a")) == ("fulfilled", 2)
    assert world.skus["a"].atp(LOCATION) == 3


def test_an_order_first_seen_when_it_is_completed_is_reserved_and_shipped() -> None:
    world = World({"a": 5})
    world.tell("1", "completed", line("1", "a", 2))
    world.rest()
    assert (world.statuses()["1"], world.shipped("1", "a")) == ("fulfilled", 2)


def test_a_partial_shipment_ships_its_part_and_keeps_the_rest() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 3), parcels=(Parcel("1", LOCATION, 1),))
    world.rest()
    assert (world.held("1", "a"), world.shipped("1", "a")) == (2, 1)
    assert world.statuses()["1"] == "confirmed"


def test_what_the_floor_has_shipped_is_not_shipped_again() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.floor(
        "StockShipped",
        "a",
        shipment="S-1",
        allocation=None,
        reservation=None,
        order="shop/1",
        line="1",
        location=LOCATION,
        quantity=2,
        document=None,
        document_line=None,
        unit=None,
    )
    world.rest()
    world.tell("1", "completed", line("1", "a", 2), revision=2)
    world.rest()
    assert (world.statuses()["1"], world.shipped("1", "a")) == ("fulfilled", 2)
    assert world.skus["a"].atp(LOCATION) == 3


def test_a_refund_without_restock_releases_nothing() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.tell("1", "refunded", line("1", "a", 2), revision=2)
    world.rest()
    assert world.held("1", "a") == 2


def test_a_partial_refund_with_restock_releases_its_part() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 3))
    world.rest()
    world.tell("1", "processing", line("1", "a", 3, restocked=1), revision=2)
    world.rest()
    assert (world.held("1", "a"), world.statuses()["1"]) == (2, "confirmed")


def test_a_refund_with_restock_of_what_had_shipped_is_a_return() -> None:
    world = World({"a": 5})
    world.tell("1", "completed", line("1", "a", 2))
    world.rest()
    world.tell("1", "refunded", line("1", "a", 2, restocked=2), revision=2)
    world.rest()
    world.tell("1", "refunded", line("1", "a", 2, restocked=2), revision=3)
    world.rest()
    assert [name for name, _ in world.asked].count("ReturnReceived") == 1
    assert world.skus["a"].atp(LOCATION) == 5


def test_an_edited_line_takes_more_or_gives_back() -> None:
    world = World({"a": 9})
    for revision, units in enumerate((2, 5, 1, 4), 1):
        world.tell("1", "processing", line("1", "a", units), revision=revision)
        world.rest()
        assert (world.held("1", "a"), world.statuses()["1"]) == (units, "confirmed")


def test_an_edit_that_cannot_be_served_keeps_what_the_order_had() -> None:
    world = World({"a": 3})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.tell("1", "processing", line("1", "a", 9), revision=2)
    world.rest()
    assert (world.held("1", "a"), world.statuses()["1"]) == (2, "partial")


def test_a_line_that_is_no_longer_listed_is_cancelled() -> None:
    world = World({"a": 5, "b": 5})
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 1))
    world.rest()
    world.tell("1", "processing", line("1", "a", 2), revision=2)
    world.rest()
    assert (world.held("1", "a"), world.held("1", "b")) == (2, 0)


def test_a_line_whose_item_was_exchanged_holds_the_new_one() -> None:
    world = World({"a": 5, "b": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    world.tell("1", "processing", line("1", "b", 2), revision=2)
    world.rest()
    assert (world.held("1", "a"), world.held("1", "b")) == (0, 2)


def test_an_order_that_must_be_whole_holds_nothing_when_a_line_fails() -> None:
    world = World({"a": 5, "b": 1})
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 3))
    world.rest()
    assert world.statuses() == {"1": "rejected"}
    assert (world.held("1", "a"), world.held("1", "b")) == (0, 0)
    assert world.orders["shop|1"].rounds == world.rules.attempts_max


def test_an_order_that_may_be_partial_holds_what_there_is() -> None:
    world = World({"a": 5, "b": 1})
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 3), terms=PARTIAL)
    world.rest()
    assert world.statuses() == {"1": "partial"}
    assert (world.held("1", "a"), world.held("1", "b")) == (2, 1)


def test_what_is_not_there_waits_and_is_confirmed_when_it_comes() -> None:
    world = World({"a": 1})
    world.tell("1", "processing", line("1", "a", 3), terms=BACKORDER)
    world.rest()
    assert (world.statuses()["1"], world.waiting("1", "a")) == ("backordered", 2)
    world.floor(
        "StockAdjusted",
        "a",
        location=LOCATION,
        bucket="on_hand",
        delta=5,
        reason="count",
        document=None,
        document_line=None,
        unit=None,
    )
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("confirmed", 3)


def test_a_kit_reserves_its_components_added_up() -> None:
    world = World({"a": 7, "b": 2})
    kit = line("1", "kit", 2, parts=(("a", 3), ("b", 1)), bill="v1")
    world.tell("1", "processing", kit, line("2", "a", 1))
    world.rest()
    assert (world.held("1", "a"), world.held("1", "b")) == (7, 2)
    assert world.statuses()["1"] == "confirmed"


def test_a_component_that_two_lines_need_is_not_there_twice() -> None:
    world = World({"a": 6, "b": 2})
    kit = line("1", "kit", 2, parts=(("a", 3), ("b", 1)), bill="v1")
    world.tell("1", "processing", kit, line("2", "a", 1))
    world.rest()
    assert world.statuses()["1"] == "rejected"
    assert (world.held("1", "a"), world.held("1", "b")) == (0, 0)


def test_a_bill_of_materials_is_frozen_when_the_order_is_placed() -> None:
    world = World({"a": 9, "b": 9})
    world.tell("1", "processing", line("1", "kit", 1, parts=(("a", 3),), bill="v1"))
    world.rest()
    world.tell("1", "processing", line("1", "kit", 2, parts=(("b", 1),), bill="v2"), revision=2)
    world.rest()
    assert (world.held("1", "a"), world.held("1", "b")) == (6, 0)


def test_a_review_that_refuses_releases_and_one_that_clears_reserves_again() -> None:
    world = World({"a": 5})
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    state = world.order("1")
    world.give(state, Reviewed(True, "fraud_suspected", START_US + 1))
    world.rest()
    assert (world.held("1", "a"), state.status, state.refused) == (
        0,
        "released",
        "fraud_suspected",
    )
    world.give(state, Reviewed(False, "", START_US + 2))
    world.rest()
    assert (world.held("1", "a"), state.status) == (2, "confirmed")


def test_a_silent_ledger_is_asked_again_and_nothing_stays_held_twice() -> None:
    world = World({"a": 2, "b": 2})
    world.tell("1", "processing", line("1", "a", 2), line("2", "b", 2))
    for _ in range(3):
        world.pass_time(200)  # Nobody hears anything: the ledger is away.
    assert world.statuses()["1"] in {"compensating", "retrying", "reserving"}
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a"), world.held("1", "b")) == (
        "confirmed",
        2,
        2,
    )


def test_a_sold_order_that_cannot_be_served_opens_one_case_with_an_owner() -> None:
    world = World({"a": 1})
    world.tell("1", "processing", line("1", "a", 3), terms=PARTIAL)
    world.rest()
    world.tell("1", "processing", line("1", "a", 3), line("2", "a", 0), revision=2, terms=PARTIAL)
    world.rest()
    (case,) = world.order("1").cases.values()
    assert (case.state, case.missing, case.owner, case.reason) == (
        "open",
        2,
        "stock-desk",
        "insufficient_stock",
    )


def test_an_order_that_the_channel_has_not_accepted_opens_no_case() -> None:
    world = World({"a": 1})
    world.tell("1", "processing", line("1", "a", 3), accepted=False)
    world.rest()
    assert (world.statuses()["1"], world.order("1").cases) == ("rejected", {})


def test_a_case_is_assigned_and_closes_by_itself_when_the_order_is_served() -> None:
    world = World({"a": 1})
    world.tell("1", "processing", line("1", "a", 3), terms=PARTIAL)
    world.rest()
    state = world.order("1")
    (name,) = state.cases
    world.give(state, CaseAction(name, "assign", "ada", "mine", "ops"))
    assert (state.cases[name].owner, state.cases[name].by) == ("ada", "ops")
    world.tell("1", "processing", line("1", "a", 1), revision=2, terms=PARTIAL)
    world.rest()
    assert (state.cases[name].state, state.cases[name].owner) == ("closed", "ada")


def test_a_case_that_was_closed_is_not_opened_again_for_the_same_lack() -> None:
    world = World({"a": 1})
    world.tell("1", "processing", line("1", "a", 3), terms=PARTIAL)
    world.rest()
    state = world.order("1")
    (name,) = state.cases
    world.give(state, CaseAction(name, "close", "", "substitute agreed", "ops"))
    world.tell("1", "on_hold", line("1", "a", 3), revision=2, terms=PARTIAL)
    world.rest()
    assert {case.state for case in state.cases.values()} == {"closed"}


def test_a_hold_that_the_shop_prolongs_lasts_longer() -> None:
    world = World({"a": 5})
    first, second = (START_US + hours * HOUR_S * 1_000_000 for hours in (1, 3))
    world.tell("1", "pending", line("1", "a", 2), hold_until_us=first)
    world.rest()
    world.tell("1", "pending", line("1", "a", 2), hold_until_us=second, revision=2)
    world.rest()
    world.pass_time(2 * HOUR_S)
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("held", 2)


def test_a_review_that_refuses_an_order_before_it_is_told_stops_it() -> None:
    world = World({"a": 5})
    world.give(world.order("1"), Reviewed(True, "fraud_suspected", START_US))
    world.tell("1", "processing", line("1", "a", 2))
    world.rest()
    assert (world.statuses()["1"], world.held("1", "a")) == ("released", 0)


def test_an_order_of_very_many_lines_is_reserved_whole() -> None:
    world = World({f"s{number}": 1 for number in range(100)})
    world.tell("1", "processing", *(line(str(n), f"s{n}", 1) for n in range(100)))
    world.rest()
    assert world.statuses()["1"] == "confirmed"
