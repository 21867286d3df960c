"""Properties of availability that hold for any positions, policies and restarts (semantics: 8)."""

from __future__ import annotations

import itertools
from typing import Any
from unittest import mock

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support import policies as drawn
from tests.support.availability_harness import PARTITION, Harness

from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.reach import reach
from stockfold.availability.rules import compute
from stockfold.availability.surroundings import Places, Surroundings
from stockfold.contracts.topics import AVAILABILITY, POSITIONS
from stockfold_services.availability import processor as module

LOCATIONS = ("BERLIN", "PARIS", "ROME", "OSLO")
CHANNELS = ("woo", "shop")
SKUS = ("a", "b", "c")
UNITS = st.integers(-20, 40)

places = st.sampled_from(LOCATIONS)
eligible = st.none() | st.lists(places, min_size=1, unique=True).map(tuple)


@st.composite
def numbers(draw: st.DrawFn) -> LocationNumbers:
    on_hand, reserved, allocated = draw(UNITS), draw(st.integers(0, 9)), draw(st.integers(0, 9))
    return LocationNumbers(
        on_hand=on_hand,
        reserved=reserved,
        allocated=allocated,
        atp=on_hand - reserved - allocated,
    )


shelves = st.dictionaries(places, numbers())
policies = st.builds(
    Policy,
    channel=st.just("woo"),
    revision=st.just(1),
    locations=eligible,
    safety_stock=st.integers(0, 30),
    low_stock=st.integers(0, 10),
    per_location=st.booleans(),
)
any_policies = policies | drawn.policies(fence=drawn.fences)


def positions(shelf: dict[str, LocationNumbers]) -> SkuPositions:
    found = SkuPositions("a")
    for location, row in shelf.items():
        found.put(location, row, 1)
    return found


@given(policies, shelves)
def test_the_quantity_is_the_pool_less_safety_stock_and_never_below_zero(
    policy: Policy, shelf: dict[str, LocationNumbers]
) -> None:
    pool = sum(
        max(row.on_hand - row.reserved - row.allocated, 0)
        for location, row in shelf.items()
        if policy.locations is None or location in policy.locations
    )
    answer = compute(policy, positions(shelf))
    assert answer.quantity == max(pool - policy.safety_stock, 0)
    assert answer.steps[-1].quantity == answer.quantity
    assert (answer.status == "out_of_stock") == (answer.quantity == 0)


@given(policies, shelves, st.integers(0, 30))
def test_more_safety_stock_never_promises_more(
    policy: Policy, shelf: dict[str, LocationNumbers], more: int
) -> None:
    stricter = Policy("woo", 2, locations=policy.locations, safety_stock=policy.safety_stock + more)
    less, full = compute(stricter, positions(shelf)), compute(policy, positions(shelf))
    assert full.quantity - more <= less.quantity <= full.quantity


@given(policies, shelves, shelves)
def test_locations_outside_the_list_never_matter(
    policy: Policy, shelf: dict[str, LocationNumbers], other: dict[str, LocationNumbers]
) -> None:
    if policy.locations is None:
        return
    inside = {place: row for place, row in shelf.items() if place in policy.locations}
    outside = {place: row for place, row in other.items() if place not in policy.locations}
    mixed, alone = compute(policy, positions(inside | outside)), compute(policy, positions(inside))
    assert (mixed.visible, mixed.steps) == (alone.visible, alone.steps)


@given(policies, shelves)
def test_the_breakdown_adds_up_and_gives_no_location_more_than_it_has(
    policy: Policy, shelf: dict[str, LocationNumbers]
) -> None:
    answer = compute(policy, positions(shelf))
    if not policy.per_location:
        assert answer.locations == ()
        return
    assert sum(units for _, units in answer.locations) == answer.quantity
    assert all(0 <= units <= max(shelf[place].atp, 0) for place, units in answer.locations)
    assert [place for place, _ in answer.locations] == sorted(p for p, _ in answer.locations)


@given(policies, shelves, st.randoms(use_true_random=False))
def test_the_order_in_which_locations_are_told_changes_nothing(
    policy: Policy, shelf: dict[str, LocationNumbers], shuffle: Any
) -> None:
    rows = list(shelf.items())
    shuffle.shuffle(rows)
    one, other = compute(policy, positions(shelf)), compute(policy, positions(dict(rows)))
    assert (one.visible, one.steps) == (other.visible, other.steps)


@given(policies, policies, shelves)
def test_a_policy_change_touches_no_sku_out_of_its_reach(
    old: Policy, new: Policy, shelf: dict[str, LocationNumbers]
) -> None:
    if reach(old, new).touches(positions(shelf), ""):
        return
    assert compute(old, positions(shelf)).visible == compute(new, positions(shelf)).visible


class Availability(RuleBasedStateMachine):
    """Any sequence of positions, policies, aborts, compactions and restarts."""

    def __init__(self) -> None:
        super().__init__()
        self.bounds = mock.patch.multiple(module, LOOKS_PER_TICK_MAX=2, EVENTS_PER_TICK_MAX=2)
        self.bounds.start()

    def teardown(self) -> None:
        try:
            self.told_last_equals_computed_from_scratch()
        finally:
            self.bounds.stop()

    @initialize()
    def begin(self) -> None:
        self.harness = Harness()
        self.shelves: dict[str, SkuPositions] = {}
        self.policies: dict[str, Policy] = {}
        self.versions: dict[tuple[str, str], int] = {}
        self.categories: dict[str, str] = {}
        self.tags: dict[str, set[str]] = {}

    @rule(sku=st.sampled_from(SKUS), location=places, row=numbers())
    def a_position_changes(self, sku: str, location: str, row: LocationNumbers) -> None:
        self.harness.position(
            sku, location, row.on_hand, reserved=row.reserved, allocated=row.allocated
        )
        self.shelves.setdefault(sku, SkuPositions(sku)).put(location, row, 1)

    @rule(sku=st.sampled_from(SKUS), location=places)
    def a_position_is_taken_back(self, sku: str, location: str) -> None:
        known = self.shelves.get(sku)
        if known is None or len(known.locations) < 2:
            return
        self.harness.log.append(POSITIONS, PARTITION, f"{location}|{sku}".encode(), None)
        known.remove(location)

    @rule(channel=st.sampled_from(CHANNELS), wanted=any_policies, behind=st.integers(0, 2))
    def a_policy_is_published(self, channel: str, wanted: Policy, behind: int) -> None:
        old = self.policies.get(channel)
        newest = 0 if old is None else old.revision
        revision = max(newest + 1 - behind, 1)
        policy = msgspec.structs.replace(wanted, channel=channel, revision=revision)
        self.harness.policy(policy)
        if policy.revision > newest:
            self.policies[channel] = policy

    @rule(sku=st.sampled_from(SKUS), category=drawn.categories)
    def the_catalogue_says_a_category(self, sku: str, category: str) -> None:
        self.harness.item(sku, category)
        self.categories[sku] = category

    @rule(location=places, tags=st.sets(st.sampled_from(("store", "north"))))
    def a_location_gets_tags(self, location: str, tags: set[str]) -> None:
        self.harness.location(location, *sorted(tags))
        self.tags[location] = tags

    @rule()
    def the_ledger_folds_what_it_was_asked(self) -> None:
        self.harness.ledger_folds()

    @rule(records=st.integers(1, 3), abort=st.booleans())
    def the_loop_turns(self, records: int, abort: bool) -> None:
        self.harness.batch(records, abort=abort)

    @rule()
    def it_is_killed_and_starts_again(self) -> None:
        self.harness.start()

    @precondition(lambda self: self.harness.committed)
    @rule()
    def the_topics_are_compacted(self) -> None:
        self.harness.log.compact(POSITIONS, PARTITION)
        self.harness.log.compact(AVAILABILITY, PARTITION)

    @rule()
    def it_comes_to_rest(self) -> None:
        self.told_last_equals_computed_from_scratch()

    @invariant()
    def versions_rise_by_one_and_every_event_differs_from_the_last(self) -> None:
        for channel in CHANNELS:
            for sku in SKUS:
                told = self.harness.told(channel, sku)
                for before, after in itertools.pairwise(told):
                    assert after["version"] == before["version"] + 1
                    seen = ("quantity", "status", "locations", "lead_time_days")
                    assert [before[n] for n in seen] != [after[n] for n in seen]
                if told:
                    known = self.versions.get((channel, sku), 0)
                    assert told[-1]["version"] >= known
                    self.versions[(channel, sku)] = told[-1]["version"]

    def told_last_equals_computed_from_scratch(self) -> None:
        self.harness.settle()
        found: dict[str, set[str]] = {}
        for location, tags in self.tags.items():
            for tag in tags:
                found.setdefault(tag, set()).add(location)
        tagged = Places({tag: frozenset(names) for tag, names in found.items()})
        for channel, policy in self.policies.items():
            for sku, shelf in self.shelves.items():
                summary = self.harness.folded_summary(sku)
                if summary is not None:
                    shelf.put_summary(summary, summary.seq)
                around = Surroundings(self.categories.get(sku, ""))
                expected = compute(policy, shelf, around, tagged)
                last = self.harness.told(channel, sku)[-1]
                shares = tuple((s["location"], s["quantity"]) for s in last["locations"])
                assert (last["quantity"], last["status"], shares) == (
                    expected.quantity,
                    expected.status,
                    expected.locations,
                )


Availability.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestAvailability = Availability.TestCase
