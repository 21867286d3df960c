"""The policy compiler: ring-fences and limits reach the ledger once, and rule when it has them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.availability_harness import PARTITION, Harness

from stockfold.availability.policy import Backorder, Policy, ReservationTerms, RingFence
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import RESERVATIONS


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
