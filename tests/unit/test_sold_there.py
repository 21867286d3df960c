"""Units that a shop has sold and that an availability does not know of, rule by rule."""

from __future__ import annotations

import pytest

from stockfold.channels import Observed
from stockfold.channels.orders import ChannelOrder, OrderLine, OrderStatus
from stockfold_services.publisher.read_policy import ReadPolicy
from stockfold_services.publisher.sales import Claim, ShopOrder, SoldLine, shop_order
from stockfold_services.publisher.sold_there import KIT_SETTLED_S, OLD_S, RECHECK_S, SoldThere


def sold(units: int = 3, revision: int = 1, order: str = "7", sku: str = "A") -> ShopOrder:
    lines = (SoldLine("1", sku, units),) if units else ()
    return ShopOrder(order, revision, 10, lines)


def claim(seq: int, units: int = 3, order: str = "7", sku: str = "A", line: str = "1") -> Claim:
    return Claim(order, line, sku, seq, units)


def never(sku: str) -> bool:
    del sku
    return False


def test_an_order_is_taken_away_until_a_version_was_computed_with_its_claim() -> None:
    there = SoldThere()
    assert there.noticed(sold(3), 0.0) == {"A"}
    assert there.unseen("A", 4) == 3
    there.claimed(claim(seq=5), 1.0)
    assert there.unseen("A", 4) == 3
    assert there.unseen("A", 5) == 0


def test_it_does_not_matter_which_comes_first() -> None:
    there = SoldThere()
    there.claimed(claim(seq=5), 0.0)
    there.noticed(sold(3), 1.0)
    assert there.unseen("A", 4) == 3
    assert there.unseen("A", 5) == 0


def test_of_an_order_that_grew_the_difference_is_taken_away() -> None:
    there = SoldThere()
    there.claimed(claim(seq=5), 0.0)
    there.noticed(sold(3), 1.0)
    there.noticed(sold(5, revision=2), 2.0)
    assert there.unseen("A", 5) == 2
    there.claimed(claim(seq=6, units=2, line="1~2"), 3.0)
    assert there.unseen("A", 6) == 0


def test_an_order_that_was_given_up_there_is_not_taken_away() -> None:
    there = SoldThere()
    there.noticed(sold(3), 0.0)
    assert there.noticed(sold(0, revision=2), 1.0) == {"A"}
    assert there.unseen("A", 1) == 0
    assert there.noticed(sold(3, revision=1), 2.0) == set(), "older than what is known"


def test_a_claim_that_was_released_counts_no_more() -> None:
    there = SoldThere()
    there.claimed(claim(seq=5), 0.0)
    there.claimed(claim(seq=8, units=0), 1.0)
    there.noticed(sold(3, revision=9), 2.0)
    assert there.unseen("A", 6) == 0
    there.noticed(sold(3, revision=10), 3.0)
    assert there.unseen("A", 8) == 3


def test_a_pass_ends_what_no_version_shows() -> None:
    there = SoldThere()
    there.noticed(sold(3), 0.0)
    assert there.open_pass() is None, "nothing was claimed yet"
    there.claimed(claim(seq=9), 1.0)
    number = there.open_pass()
    assert number is not None
    assert there.unseen("A", 2) == 3
    assert there.passed(number) == {"A"}
    assert there.unseen("A", 2) == 0
    assert there.open_pass() is None


def test_a_claim_that_comes_during_a_pass_waits_for_the_next() -> None:
    there = SoldThere()
    there.noticed(sold(3), 0.0)
    there.claimed(claim(seq=9, units=1), 1.0)
    number = there.open_pass()
    assert number is not None
    there.claimed(claim(seq=10, units=3), 2.0)
    there.passed(number)
    assert there.unseen("A", 2) == 2


def test_a_kit_is_here_when_all_its_parts_have_been_for_a_while() -> None:
    there = SoldThere()
    there.noticed(sold(1, sku="KIT"), 0.0)
    there.claimed(claim(seq=4, units=2, sku="PART"), 1.0)
    number = there.open_pass()
    assert number is not None
    there.passed(number)
    there.settle(1.0 + KIT_SETTLED_S - 1)
    assert there.unseen("KIT", 0) == 1
    assert there.settle(1.0 + KIT_SETTLED_S) == {"KIT"}
    assert there.unseen("KIT", 0) == 0


def test_an_order_from_before_the_cut_off_or_long_known_is_not_taken_away() -> None:
    there = SoldThere(orders_since_us=100)
    assert there.noticed(sold(3), 0.0) == set()
    old = SoldThere(known_from_us=100)
    old.noticed(sold(3), 0.0)
    assert old.unseen("A", 1) == 3
    old.settle(OLD_S)
    assert old.unseen("A", 1) == 0
    assert old.given_up == []


def test_an_order_that_never_reaches_us_is_given_up_and_told() -> None:
    there = SoldThere(give_up_s=1_000)
    there.noticed(sold(3), 0.0)
    there.settle(999)
    assert there.unseen("A", 1) == 3
    there.settle(1_000)
    assert there.unseen("A", 1) == 0
    assert there.given_up == ["7"]


def test_the_echo_of_a_write_is_no_sale() -> None:
    there = SoldThere()
    there.sending(["A"], 0.0)
    there.observed(Observed("A", 4, written=4), 1.0)
    there.observed(Observed("A", 4), 2.0, asked_s=2.0)
    there.weigh("A", 2.0)
    assert there.unseen("A", 1) == 0


def test_what_no_order_explains_stays_away_for_a_while() -> None:
    there = SoldThere(unexplained_s=120)
    there.sending(["A"], 0.0)
    there.observed(Observed("A", 10, written=10), 1.0)
    there.asking(["A"])
    there.observed(Observed("A", 7), 2.0, asked_s=2.0)
    there.weigh("A", 2.0)
    assert there.unseen("A", 1) == 3
    there.noticed(sold(2), 3.0)
    assert there.unseen("A", 1) == 1 + 2, "an order explains two of them"
    assert there.settle(121.0) == set()
    assert there.settle(122.0) == {"A"}
    assert there.unseen("A", 1) == 2


def test_a_listing_that_sold_is_looked_at_again_unless_somebody_has() -> None:
    there = SoldThere()
    there.noticed(sold(3), 0.0)
    there.claimed(claim(seq=5), 0.0)
    assert there.unseen("A", 5) == 0
    assert there.to_recheck(RECHECK_S - 1, never) == []
    assert there.to_recheck(RECHECK_S, lambda sku: sku == "A") == []
    assert there.to_recheck(RECHECK_S, never) == ["A"]
    assert there.to_recheck(RECHECK_S, never) == []
    there.noticed(sold(4, revision=2), 10.0)
    there.claimed(claim(seq=6, units=4), 10.0)
    assert there.unseen("A", 6) == 0
    there.observed(Observed("A", 1), 12.0, asked_s=11.0)
    assert there.to_recheck(60.0, never) == []


def test_accepted_units_that_no_refund_put_back_are_sold() -> None:
    lines = (
        OrderLine(line="1", code="A", product="10", quantity=3, refunded=1, restocked=1),
        OrderLine(line="2", code="", product="11", quantity=3),
        OrderLine(line="3", code="B", product="12", quantity=0, problem="no number"),
    )
    order = ChannelOrder(
        channel="woo",
        order="7",
        revision=5,
        occurred_at=2,
        created_at=1,
        status=OrderStatus.PROCESSING,
        accepted=True,
        lines=lines,
    )
    assert shop_order(order) == ShopOrder("7", 5, 1, (SoldLine("1", "A", 2),))


@pytest.mark.parametrize(
    ("sales_s", "now_s", "reads"),
    [((), 100.0, False), ((0.0,), 100.0, True), ((0.0,), 1_000.0, False)],
)
def test_what_sold_lately_is_read_first(
    sales_s: tuple[float, ...], now_s: float, *, reads: bool
) -> None:
    there = SoldThere()
    there.observed(Observed("A", 5), 0.0)
    for number, at_s in enumerate(sales_s):
        there.noticed(sold(1, order=str(number)), at_s)
    assert ReadPolicy().reads(there, "A", now_s) is reads


def test_what_sells_fast_or_was_not_seen_for_long_is_read_first() -> None:
    there, policy = SoldThere(), ReadPolicy()
    assert policy.reads(there, "A", 0.0), "never seen"
    there.observed(Observed("A", 5), 0.0)
    for number in range(3):
        there.noticed(sold(1, order=str(number)), float(number))
    assert policy.reads(there, "A", 1_500.0)
    there.observed(Observed("B", 5), 0.0)
    assert not policy.reads(there, "B", 1_500.0)
    assert policy.reads(there, "B", 3_600.0)
