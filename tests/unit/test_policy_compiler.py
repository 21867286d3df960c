"""The policy compiler: ring-fences and limits reach the ledger once, and rule when it has them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.availability_harness import PARTITION, Harness

from stockfold.availability.policy import Backorder, Policy, ReservationTerms, RingFence
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import RESERVATIONS
from stockfold_services.availability.policies import OVERLAPS_TAKEN


@pytest.fixture
def harness() -> Harness:
    return Harness()


def asked(harness: Harness) -> list[tuple[Any, ...]]:
    """(SKU, channel, units, revision) of what the ledger was asked."""
    bodies = [decode(r.value())[1] for r in harness.log.records(RESERVATIONS, PARTITION)]
    return [(b["sku"], b["channel"], b["quantity"], b["revision"]) for b in bodies]


def quantities(harness: Harness, channel: str = "woo", sku: str = "a") -> list[int]:
    return [event["quantity"] for event in harness.told(channel, sku)]


def fenced(units: int, revision: int = 1, **others: Any) -> Policy:
    fences = (RingFence(units, sku="a"),) if units else ()
    return Policy("woo", revision, ring_fences=fences, **others)


def test_a_policy_without_fences_asks_nothing_of_the_ledger(harness: Harness) -> None:
    harness.policy(Policy("woo", 1))
    harness.position("a", "BERLIN", 10)
    harness.settle()
    assert asked(harness) == []


def test_only_skus_that_the_policy_names_are_fenced_and_once(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.position("b", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle()
    harness.position("a", "BERLIN", 12)
    harness.settle()
    assert asked(harness) == [("a", "woo", 4, 1)]


def test_a_sku_that_appears_later_is_fenced_then(harness: Harness) -> None:
    harness.policy(Policy("woo", 1, ring_fences=(RingFence(2, category="food"),)))
    harness.settle()
    harness.item("a", "food/coffee")
    harness.item("b", "toys")
    harness.settle()
    assert asked(harness) == [("a", "woo", 2, 1)]


def test_units_fenced_for_one_channel_are_not_told_to_another(harness: Harness) -> None:
    harness.policy(fenced(4))
    harness.policy(Policy("shop", 1))
    harness.position("a", "BERLIN", 10)
    harness.settle()
    assert quantities(harness) == [10]
    assert quantities(harness, "shop") == [10, 6]


def test_a_revision_is_applied_when_its_fences_are_folded(harness: Harness) -> None:
    harness.policy(Policy("woo", 1))
    harness.position("a", "BERLIN", 10)
    harness.settle()
    harness.policy(fenced(4, revision=2, share=0))
    harness.settle(ledger=False)
    assert quantities(harness) == [10]
    harness.settle()
    assert quantities(harness) == [10, 4]
    assert harness.told()[-1]["policy_revision"] == 2


def test_a_revision_without_the_fence_lifts_it(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle()
    harness.policy(fenced(0, revision=2))
    harness.settle()
    assert asked(harness) == [("a", "woo", 4, 1), ("a", "woo", 0, 2)]


def test_a_policy_that_says_nothing_of_fences_leaves_them(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle()
    harness.policy(Policy("woo", 2))
    harness.settle()
    assert asked(harness) == [("a", "woo", 4, 1)]


def test_killed_before_the_ledger_answers_it_asks_the_same_again(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle(ledger=False)
    harness.start()
    harness.settle(ledger=False)
    first, second = harness.log.records(RESERVATIONS, PARTITION)
    assert first.value() == second.value()
    ids = [dict(record.headers() or ())["ce_id"] for record in (first, second)]
    assert ids[0] == ids[1] == b"RingFenceSet/a/woo/1"


def test_killed_after_the_ledger_has_folded_it_asks_nothing_more(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle()
    harness.start()
    harness.settle()
    assert asked(harness) == [("a", "woo", 4, 1)]


def test_an_aborted_batch_asks_again(harness: Harness) -> None:
    harness.policy(fenced(4))
    harness.position("a", "BERLIN", 10)
    harness.batch(abort=True)
    assert asked(harness) == []
    harness.settle()
    assert asked(harness) == [("a", "woo", 4, 1)]


def test_another_category_moves_the_fence_under_a_higher_revision(harness: Harness) -> None:
    harness.policy(Policy("woo", 3, ring_fences=(RingFence(2, category="food"),)))
    harness.item("a", "food")
    harness.settle()
    harness.item("a", "toys")
    harness.settle()
    assert asked(harness) == [("a", "woo", 2, 3), ("a", "woo", 0, 4)]


def test_a_limit_is_told_for_every_sku_that_could_wait(harness: Harness) -> None:
    terms = ReservationTerms(allow_backorder=True)
    rules = (Backorder(5, sku="a"),)
    harness.policy(Policy("woo", 1, backorders=rules, reservations=terms))
    harness.position("a", "BERLIN", 0)
    harness.position("b", "BERLIN", 0)
    harness.settle()
    assert sorted(asked(harness)) == [("a", "woo", 5, 1), ("b", "woo", 0, 1)]
    # Two units of woo wait already.
    last = harness.told()[-1]
    assert (last["quantity"], last["status"]) == (3, "backorder")
    assert harness.told(sku="b")[-1]["status"] == "out_of_stock"


def test_new_tags_of_locations_change_what_is_eligible(harness: Harness) -> None:
    harness.location("BERLIN", "warehouse")
    harness.location("ROME", "store")
    harness.policy(Policy("woo", 1, tags=("store",)))
    harness.position("a", "BERLIN", 10)
    harness.position("a", "ROME", 3)
    harness.settle()
    harness.location("BERLIN", "warehouse", "store")
    harness.settle()
    harness.location("ROME")
    harness.settle()
    assert quantities(harness) == [3, 13, 10]
    harness.start()
    harness.settle()
    assert quantities(harness) == [3, 13, 10]


def shop_fences(units: int, revision: int = 1, **others: Any) -> Policy:
    return Policy("shop", revision, ring_fences=(RingFence(units, sku="a"),), **others)


@pytest.fixture
def fenced_harness(harness: Harness) -> Harness:
    """Ten units, of which woo has fenced four and shop three."""
    harness.position("a", "BERLIN", 10)
    harness.policy(fenced(4))
    harness.settle()
    harness.policy(shop_fences(3))
    harness.settle()
    return harness


def test_a_revision_that_fences_more_than_the_pool_is_refused_and_the_one_before_stays(
    fenced_harness: Harness,
) -> None:
    before = asked(fenced_harness)
    fenced_harness.policy(shop_fences(7, revision=2, ceiling=1))
    fenced_harness.settle()
    assert asked(fenced_harness) == before
    assert quantities(fenced_harness, "shop")[-1] == 6, "no ceiling: the revision before rules"
    (refused,) = fenced_harness.exceptions()
    assert (refused["kind"], refused["sku"]) == ("fences_above_pool", "a")
    assert (refused["topic"], refused["offset"]) == ("stockfold.channel-policies.v1", 2)
    assert refused["reason"] == (
        "revision 2 of shop is not applied to a: the ring-fences of a add up to 11 units "
        "(woo 4, shop 7), which is above its pool of 10"
    )


def test_it_is_applied_once_the_pool_has_its_fences(fenced_harness: Harness) -> None:
    fenced_harness.policy(shop_fences(7, revision=2, ceiling=1))
    fenced_harness.settle()
    fenced_harness.position("a", "BERLIN", 11)
    fenced_harness.settle()
    assert asked(fenced_harness)[-1] == ("a", "shop", 7, 2)
    assert quantities(fenced_harness, "shop")[-1] == 1
    assert len(fenced_harness.exceptions()) == 1


def test_after_a_restart_the_refusal_is_the_same_exception(fenced_harness: Harness) -> None:
    before = asked(fenced_harness)
    fenced_harness.policy(shop_fences(7, revision=2))
    fenced_harness.settle()
    fenced_harness.start()
    fenced_harness.settle()
    assert asked(fenced_harness) == before
    first, second = fenced_harness.exceptions()
    assert first["exception"] == second["exception"]


def test_overlaps_that_their_publisher_takes_are_granted_by_priority(
    fenced_harness: Harness,
) -> None:
    fenced_harness.policy(shop_fences(7, revision=2), OVERLAPS_TAKEN)
    fenced_harness.settle()
    assert asked(fenced_harness)[-1] == ("a", "shop", 7, 2)
    assert fenced_harness.exceptions() == []


def test_a_fence_that_falls_makes_room_for_one_that_rises(fenced_harness: Harness) -> None:
    fenced_harness.policy(shop_fences(7, revision=2))
    fenced_harness.policy(fenced(3, revision=2))
    fenced_harness.settle()
    assert set(asked(fenced_harness)[2:]) == {("a", "shop", 7, 2), ("a", "woo", 3, 2)}
    assert fenced_harness.exceptions() == []


def test_a_new_sku_is_fenced_before_it_has_the_stock(harness: Harness) -> None:
    harness.policy(fenced(4))
    harness.policy(shop_fences(3))
    harness.settle()
    harness.position("a", "BERLIN", 1)
    harness.settle()
    assert {row[1:3] for row in asked(harness)} == {("woo", 4), ("shop", 3)}
    assert harness.exceptions() == []
