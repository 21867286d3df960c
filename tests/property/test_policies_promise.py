"""What holds of any mixture of policies over any stock (semantics: Availability per channel)."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.policies import (
    CHANNELS,
    PLACES,
    basis_points,
    granted_by_hand,
    numbers,
    places,
    policies,
    positions,
    shelves,
    summaries,
    surroundings,
    units,
)

from stockfold.availability.policy import ALL, Policy, Safety
from stockfold.availability.positions import LocationNumbers, SkuPositions, Summary
from stockfold.availability.rules import Pipeline, compute
from stockfold.availability.surroundings import Surroundings

Shelf = dict[str, LocationNumbers]
mixtures = st.tuples(*(policies(channel, stock_only=True) for channel in CHANNELS))


def pool_of(shelf: Shelf) -> int:
    return sum(max(row.atp, 0) for row in shelf.values())


def claims_of(shelf: Shelf) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in shelf.values():
        for channel, reserved, allocated in row.claims:
            found[channel] = found.get(channel, 0) + reserved + allocated
    return found


@given(mixtures, shelves, summaries, surroundings)
def test_no_fenced_unit_is_promised_twice(
    mixture: tuple[Policy, ...], shelf: Shelf, summary: Summary, around: Surroundings
) -> None:
    """Σ fenced ≤ pool, and whatever one channel is promised, all the others' fences still fit."""
    known, pool = positions(shelf, summary), pool_of(shelf)
    fenced = granted_by_hand(summary.fences, claims_of(shelf), pool)
    assert sum(fenced.values()) <= pool
    for policy in mixture:
        promised = compute(policy, known, around, PLACES).quantity
        others = sum(n for channel, n in fenced.items() if channel != policy.channel)
        assert promised + others <= pool


@given(policies(), shelves, summaries, surroundings)
def test_the_steps_lead_to_the_number(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings
) -> None:
    answer = compute(policy, positions(shelf, summary), around, PLACES)
    assert answer.steps[0].what == "on_hand"
    assert answer.steps[-1].what == "published"
    assert answer.steps[-1].quantity == answer.quantity == max(answer.steps[-2].quantity, 0) or (
        len(answer.steps) == 1
    )
    assert all(step.detail for step in answer.steps)
    assert answer.quantity >= 0


def moved(shelf: Shelf, location: str, more: int) -> Shelf:
    row = shelf[location]
    risen = msgspec.structs.replace(row, on_hand=row.on_hand + more, atp=row.atp + more)
    return shelf | {location: risen}


@given(policies(), shelves, summaries, surroundings, places, st.integers(1, 20))
def test_more_stock_never_lowers_what_is_promised_from_stock(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings, place: str, more: int
) -> None:
    """True of percentages too: n - ceil(n·p) and floor(n·p) never fall when n rises.

    What is sold ahead is promised only while nothing is in stock: it ends with the first unit.
    """
    if place not in shelf:
        return
    before = compute(policy, positions(shelf, summary), around, PLACES)
    after = compute(policy, positions(moved(shelf, place, more), summary), around, PLACES)
    if before.status in {"backorder", "preorder"} and before.status != after.status:
        assert after.status in {"in_stock", "low_stock", "preorder"}
        return
    assert after.quantity >= before.quantity


@given(policies(), shelves, summaries, surroundings, units)
def test_more_safety_stock_never_promises_more(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings, more: int
) -> None:
    known = positions(shelf, summary)
    stricter = msgspec.structs.replace(policy, safety=(), safety_stock=more)
    plain = msgspec.structs.replace(policy, safety=())
    less, full = compute(stricter, known, around, PLACES), compute(plain, known, around, PLACES)
    if less.status not in {"backorder", "preorder"}:
        assert less.quantity <= full.quantity


@given(shelves, summaries, surroundings, basis_points)
def test_a_percentage_kept_and_the_same_share_given_never_make_more_than_all(
    shelf: Shelf, summary: Summary, around: Surroundings, part: int
) -> None:
    known = positions(shelf)
    kept = Policy("woo", 1, safety=(Safety(basis_points=part),))
    rest = Policy("woo", 1, share=ALL - part)
    assert compute(kept, known, around).quantity == compute(rest, known, around).quantity


@given(policies(), shelves, summaries, surroundings, st.randoms(use_true_random=False))
def test_the_order_in_which_locations_are_told_changes_nothing(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings, shuffle: Any
) -> None:
    rows = list(shelf.items())
    shuffle.shuffle(rows)
    pipeline = Pipeline(policy, PLACES)
    one = pipeline.compute(positions(shelf, summary), around)
    other = pipeline.compute(positions(dict(rows), summary), around)
    assert (one.visible, one.steps) == (other.visible, other.steps)


@given(policies(), shelves, summaries, surroundings, shelves)
def test_a_pipeline_remembers_nothing_of_other_skus(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings, other: Shelf
) -> None:
    used = Pipeline(policy, PLACES)
    used.compute(positions(other, sku="b"), msgspec.structs.replace(around, category="food"))
    known = positions(shelf, summary)
    one, fresh = used.compute(known, around), compute(policy, known, around, PLACES)
    assert (one.visible, one.steps) == (fresh.visible, fresh.steps)


@given(policies(), shelves, summaries, surroundings)
def test_the_breakdown_adds_up(
    policy: Policy, shelf: Shelf, summary: Summary, around: Surroundings
) -> None:
    answer = compute(policy, positions(shelf, summary), around, PLACES)
    if not policy.per_location:
        assert answer.locations == ()
    elif answer.status not in {"backorder", "preorder"}:
        assert sum(number for _, number in answer.locations) == answer.quantity
    assert all(number >= 0 for _, number in answer.locations)


@given(numbers(), summaries)
def test_gross_less_the_channels_own_orders_is_net(row: LocationNumbers, summary: Summary) -> None:
    known: SkuPositions = positions({"BERLIN": row}, summary)
    net = compute(Policy("woo", 1, ceiling=9), known)
    gross = compute(Policy("woo", 1, ceiling=9, basis="gross"), known)
    own = claims_of({"BERLIN": row}).get("woo", 0) + dict(summary.backordered).get("woo", 0)
    assert max(gross.quantity - own, 0) == net.quantity
    assert gross.status == net.status
