"""Whatever changes, no SKU out of its reach may be promised otherwise afterwards."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.policies import (
    DAY_US,
    NOW_US,
    PLACES,
    policies,
    positions,
    shelves,
    summaries,
    surroundings,
)

from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, Summary
from stockfold.availability.reach import reach
from stockfold.availability.rules import compute
from stockfold.availability.schedule import Times, deadline_us, edges, latest, touched
from stockfold.availability.surroundings import Surroundings

moments = st.sampled_from([0, NOW_US - DAY_US, NOW_US - 1, NOW_US, NOW_US + 1, NOW_US + DAY_US])
fields = st.sampled_from(Policy.__struct_fields__[2:])


@settings(max_examples=300, deadline=None)
@given(policies(), policies(), st.sets(fields, max_size=2), shelves, summaries, surroundings)
def test_a_policy_change_touches_no_sku_out_of_its_reach(
    old: Policy,
    other: Policy,
    changed: set[str],
    shelf: dict[str, LocationNumbers],
    summary: Summary,
    around: Surroundings,
) -> None:
    new = Policy(
        **{name: getattr(other if name in changed else old, name) for name in fields_of(old)}
    )
    known = positions(shelf, summary)
    found = reach(old, new, PLACES, moment_us=around.moment_us, silent=around.silent)
    if not found.touches(known, around.category):
        before = compute(old, known, around, PLACES)
        assert before.visible == compute(new, known, around, PLACES).visible


@settings(max_examples=300, deadline=None)
@given(policies(), shelves, summaries, surroundings, moments, moments)
def test_time_touches_no_sku_out_of_its_reach(
    policy: Policy,
    shelf: dict[str, LocationNumbers],
    summary: Summary,
    around: Surroundings,
    one: int,
    other: int,
) -> None:
    known = positions(shelf, summary)
    before, after = Times(min(one, other), {}), Times(max(one, other), around.silent)
    if not touched(policy, before, after).touches(known, around.category):
        answers = [
            compute(policy, known, Surroundings(around.category, *at(times)), PLACES)
            for times in (before, after)
        ]
        assert answers[0].visible == answers[1].visible


@settings(max_examples=300, deadline=None)
@given(policies(), shelves, summaries, surroundings, st.integers(1, 2 * DAY_US))
def test_between_two_edges_time_changes_no_promise(
    policy: Policy,
    shelf: dict[str, LocationNumbers],
    summary: Summary,
    around: Surroundings,
    later_us: int,
) -> None:
    now_us = NOW_US + later_us
    if latest(edges(policy, now_us, around.silent), NOW_US, now_us) is None:
        known = positions(shelf, summary)
        moved = Surroundings(around.category, now_us, around.silent)
        one, other = (compute(policy, known, when, PLACES) for when in (around, moved))
        assert one.visible == other.visible


def test_a_source_is_given_a_part_of_its_rhythm_more() -> None:
    assert deadline_us(1_000_000, 8) == 11_000_000


def fields_of(policy: Policy) -> tuple[str, ...]:
    return policy.__struct_fields__


def at(times: Times) -> tuple[int, object]:
    return times.moment_us, times.silent
