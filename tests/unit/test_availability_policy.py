"""What makes a policy fit, and what a change of it can touch."""

from __future__ import annotations

import pytest

from stockfold.availability.fitness import problems
from stockfold.availability.policy import Policy, same_rules


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
