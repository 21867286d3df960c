"""Why a shop's listing shows what it shows."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.channels.orders import ChannelOrder, OrderLine, OrderStatus
from stockfold.reconcile.listings import (
    HARMLESS,
    Evidence,
    ListingKind,
    Seen,
    Standing,
    Unseen,
    Wanted,
    judge,
    unseen_units,
)

WANTED = Wanted("A", 3, 10)
APPLIED = Standing(3, "applied", "", 10, 100)


def evidence(shows: int | None = 10, **changed) -> Evidence:
    given_ = Evidence("A", [Seen("17", shows, "no", 200)], WANTED, WANTED, APPLIED)
    return msgspec.structs.replace(given_, **changed)


def kind(shows: int | None = 10, **changed) -> ListingKind:
    return judge(evidence(shows, **changed)).kind


def test_a_listing_that_shows_what_it_shall_agrees() -> None:
    assert kind(10) is ListingKind.AGREES


def test_below_zero_is_nothing_to_sell_as_zero_is() -> None:
    zero = Wanted("A", 3, 0)
    assert kind(-2, now=zero, before=zero) is ListingKind.AGREES


def test_less_than_was_written_is_drift_and_more_is_an_edit() -> None:
    found = judge(evidence(7))
    assert (found.kind, found.shows, found.shall, found.difference) == (ListingKind.DRIFT, 7, 10, 3)
    assert kind(12) is ListingKind.MANUAL_EDIT


def test_another_rule_for_backorders_than_was_written_is_an_edit() -> None:
    ruled = Wanted("A", 3, 10, "notify")
    found = judge(evidence(10, now=ruled, before=ruled))
    assert (found.kind, found.difference) == (ListingKind.MANUAL_EDIT, 0)
    assert "backorders are no, written was notify" in found.why


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"before": Wanted("A", 2, 8)}, "was told while the shop was read"),
        ({"before": None}, "was told while the shop was read"),
        ({"standing": None}, "version 3 is on its way"),
        ({"standing": Standing(2, "applied", "", 8, 100)}, "version 3 is on its way"),
        ({"standing": Standing(3, "", "", 8, 100)}, "version 3 is on its way"),
        ({"standing": Standing(3, "shadow")}, "it was shadowed"),
        ({"standing": Standing(3, "applied", "", 10, 201)}, "written after it was read"),
        ({"standing": Standing(3, "applied", "", 8, 100)}, "written without 2 units sold there"),
        ({"unseen": Unseen(sold=2)}, "2 units sold there are not known here yet"),
        ({"unseen": Unseen(sold=5)}, "2 units sold there are not known here yet"),
    ],
)
def test_what_is_under_way_explains_a_difference(changed: dict, why: str) -> None:
    found = judge(evidence(8, **changed))
    assert found.kind is ListingKind.IN_FLIGHT
    assert why in found.why


def test_what_is_on_its_way_for_more_than_an_hour_is_stuck() -> None:
    late = {"standing": None, "now_us": 3_601_000_000}
    found = judge(evidence(8, **late))
    assert (found.kind, "on its way for 60 min" in found.why) == (ListingKind.STUCK, True)
    assert kind(10, **late) is ListingKind.AGREES


def test_orders_explain_no_more_than_their_units() -> None:
    assert kind(7, unseen=Unseen(sold=2)) is ListingKind.DRIFT
    assert kind(12, unseen=Unseen(sold=9)) is ListingKind.MANUAL_EDIT
    assert kind(12, unseen=Unseen(put_back=2)) is ListingKind.IN_FLIGHT


def test_a_refused_write_says_what_the_shop_said() -> None:
    found = judge(evidence(7, standing=Standing(3, "rejected", "no_stock: plugin")))
    assert (found.kind, found.why) == (ListingKind.REFUSED, "rejected: no_stock: plugin")


def test_what_a_held_channel_shows_is_told_as_that() -> None:
    found = judge(evidence(0, held="the channel is paused by anna"))
    assert (found.kind, found.why) == (ListingKind.HELD, "the channel is paused by anna")
    assert kind(10, held="the channel is paused by anna") is ListingKind.AGREES


def test_what_the_mode_does_not_write_is_shadow() -> None:
    assert kind(7, written=False) is ListingKind.SHADOW


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("sku_unknown", ListingKind.UNMAPPED),
        ("sku_ambiguous", ListingKind.DUPLICATE_SKU),
        ("stock_of_parent", ListingKind.NOT_MANAGED),
    ],
)
def test_what_cannot_be_written_is_named_and_may_be_waived(
    code: str, expected: ListingKind
) -> None:
    assert kind(10, refusal=(code, "because"), seen=[]) is expected
    assert kind(10, refusal=(code, "because"), seen=[], waived=True) is ListingKind.WAIVED
    assert kind(None) is ListingKind.NOT_MANAGED


def test_what_nobody_publishes_is_the_shops_own() -> None:
    assert kind(10, now=None, before=None) is ListingKind.NOT_OURS


def order(number: str, revision: int, accepted: bool, *lines: tuple[str, int, int]) -> ChannelOrder:
    return ChannelOrder(
        channel="woo",
        order=number,
        revision=revision,
        occurred_at=0,
        created_at=0,
        status=OrderStatus.PROCESSING if accepted else OrderStatus.CANCELLED,
        accepted=accepted,
        lines=tuple(
            OrderLine(line=str(at), code=sku, product="", quantity=quantity, restocked=restocked)
            for at, (sku, quantity, restocked) in enumerate(lines)
        ),
    )


def test_orders_that_are_known_here_as_they_are_there_leave_nothing_open() -> None:
    assert unseen_units([order("1", 5, True, ("A", 2, 0))], {"1": 5}) == {}


def test_an_order_that_is_new_here_has_sold_what_it_did_not_put_back() -> None:
    told = [order("1", 5, True, ("A", 3, 1), ("B", 1, 0)), order("2", 5, True, ("A", 2, 0))]
    assert unseen_units(told, {}) == {"A": Unseen(4, 0), "B": Unseen(1, 0)}


def test_a_cancelled_order_that_is_older_here_may_have_put_its_units_back() -> None:
    told = [order("1", 9, False, ("A", 3, 0))]
    assert unseen_units(told, {"1": 5}) == {"A": Unseen(0, 3)}
    assert unseen_units(told, {}) == {"A": Unseen(0, 0)}


@given(
    shows=st.integers(-5, 20),
    shall=st.integers(0, 20),
    version=st.integers(1, 4),
    outcome=st.sampled_from(["", "applied", "rejected", "gave_up", "shadow"]),
    sold=st.integers(0, 5),
    applied_us=st.integers(0, 400),
)
def test_a_difference_counts_only_when_nothing_under_way_explains_it(
    shows: int, shall: int, version: int, outcome: str, sold: int, applied_us: int
) -> None:
    wanted = Wanted("A", 3, shall)
    standing = Standing(version, outcome, "", None, applied_us)
    found = judge(
        evidence(shows, before=wanted, now=wanted, standing=standing, unseen=Unseen(sold))
    )
    missing = shall - max(shows, 0)
    if found.kind not in HARMLESS:
        assert missing != 0
        assert version >= 3
        assert outcome in ("applied", "rejected", "gave_up")
        assert not 0 < missing <= sold
        assert applied_us <= 200
    if missing == 0:
        assert found.kind is ListingKind.AGREES
