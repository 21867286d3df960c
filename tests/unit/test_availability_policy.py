"""What makes a policy fit, and what a change of it can touch."""

from __future__ import annotations

import pytest

from stockfold.availability.fitness import problems
from stockfold.availability.policy import Policy, same_rules
from stockfold.availability.reach import NOTHING, reach, widest


def test_a_fit_policy_has_no_problems() -> None:
    assert problems(Policy("woo", 1, locations=("A",), safety_stock=10**12)) == []


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (Policy("", 1), "empty"),
        (Policy("a|b", 1), "the sign |"),
        (Policy("woo", 0), "below 1"),
        (Policy("woo", 1, safety_stock=-1), "safety_stock -1"),
        (Policy("woo", 1, safety_stock=10**12 + 1), "safety_stock"),
        (Policy("woo", 1, low_stock=-5), "low_stock -5"),
        (Policy("woo", 1, locations=("A", "A")), "location A is named twice"),
        (Policy("woo", 1, locations=("A|B",)), "the sign |"),
    ],
)
def test_an_unfit_policy_says_why(policy: Policy, reason: str) -> None:
    assert any(reason in sentence for sentence in problems(policy))


def test_revision_and_order_of_locations_are_no_rules() -> None:
    assert same_rules(Policy("w", 1, locations=("A", "B")), Policy("w", 2, locations=("B", "A")))
    assert not same_rules(Policy("w", 1), Policy("w", 1, locations=("A",)))
    assert not same_rules(Policy("w", 1), Policy("w", 1, zone="Europe/Berlin"))


def test_a_new_policy_can_touch_every_sku() -> None:
    assert reach(None, Policy("w", 1)) is None


def test_other_numbers_can_touch_every_sku() -> None:
    assert reach(Policy("w", 1), Policy("w", 2, safety_stock=1)) is None
    assert reach(Policy("w", 1), Policy("w", 2, low_stock=1)) is None
    assert reach(Policy("w", 1), Policy("w", 2, per_location=True)) is None


def test_a_location_more_or_less_can_touch_only_skus_that_are_there() -> None:
    before, after = Policy("w", 1, locations=("A", "B")), Policy("w", 2, locations=("B", "C"))
    assert reach(before, after) == {"A", "C"}


def test_from_all_locations_to_some_can_touch_every_sku() -> None:
    assert reach(Policy("w", 1), Policy("w", 2, locations=("A",))) is None


def test_another_zone_touches_nothing() -> None:
    assert reach(Policy("w", 1), Policy("w", 2, zone="Europe/Berlin")) == NOTHING


def test_two_changes_touch_what_either_touches() -> None:
    assert widest(frozenset("A"), frozenset("B")) == {"A", "B"}
    assert widest(frozenset("A"), None) is None
