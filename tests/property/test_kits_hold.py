"""Kits equal a brute-force oracle; over any changes, aborts and restarts the last told is right."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support.availability_harness import Harness
from tests.support.kit_oracle import is_circular, kits_built

from stockfold.availability.kits import Parts, buildable, combine, limits
from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.rules import compute
from stockfold.contracts.topics import (
    AVAILABILITY,
    CATALOG,
    COMPONENT_AVAILABILITY,
    KIT_COMPONENTS,
    POSITIONS,
)
from stockfold.domain.bills import Bill, find_cycle, grow
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component

KITS = ("A", "B", "C")
LEAVES = ("x", "y", "z")
SKUS = (*KITS, *LEAVES)
CHANNELS = ("woo", "shop")
PARTITIONS = 3

Bills = dict[str, dict[str, int]]


@st.composite
def layered(draw: st.DrawFn) -> Bills:
    """Bills without a circle: a kit holds only kits behind it."""
    bills: Bills = {}
    for at, kit in enumerate(KITS):
        parts = st.sampled_from((*KITS[at + 1 :], *LEAVES))
        bills[kit] = draw(st.dictionaries(parts, st.integers(1, 3), min_size=1, max_size=3))
    return bills


units = st.fixed_dictionaries({sku: st.integers(-2, 12) for sku in SKUS})


def tree_of(bills: Bills) -> Any:
    inside, waiting = {}, ["A"]
    while waiting:
        sku = waiting.pop()
        if sku in bills:
            inside[sku] = Bill(sku, 1, "1", tuple(bills[sku].items()))
            waiting += [part for part in bills[sku] if part not in inside]
    return grow("A", inside)


@given(layered(), units)
def test_kits_that_can_be_assembled_are_those_that_can_be_built_one_by_one(
    bills: Bills, there: dict[str, int]
) -> None:
    assert buildable(tree_of(bills), there) == kits_built("A", bills, there)


@given(layered(), units)
def test_each_component_allows_what_can_be_built_with_plenty_of_all_others(
    bills: Bills, there: dict[str, int]
) -> None:
    for limit in limits(tree_of(bills), there):
        plenty = {sku: 10_000 if sku in LEAVES else n for sku, n in there.items()}
        plenty[limit.sku] = there[limit.sku]
        assert limit.allows == kits_built("A", bills, plenty) or limit.allows > 3_000


@given(st.dictionaries(st.sampled_from(KITS), st.sets(st.sampled_from(SKUS), min_size=1)))
def test_a_circle_is_found_exactly_when_there_is_one(bills: dict[str, set[str]]) -> None:
    path = find_cycle(bills)
    quantities = {kit: dict.fromkeys(parts, 1) for kit, parts in bills.items()}
    assert bool(path) == any(is_circular(kit, quantities) for kit in bills)
    for kit, part in itertools.pairwise(path):
        assert part in bills[kit]


@given(
    layered(),
    units,
    st.integers(0, 9),
    st.integers(0, 5),
    st.none() | st.integers(0, 9),
    st.integers(0, 2),
    st.booleans(),
)
def test_a_gross_kit_is_the_net_one_and_what_the_channel_has_open(
    bills: Bills,
    there: dict[str, int],
    on_hand: int,
    open_units: int,
    ceiling: int | None,
    publish_zero_at: int,
    per_location: bool,
) -> None:
    held = on_hand + open_units
    row = LocationNumbers(
        on_hand=held, reserved=open_units, atp=on_hand, claims=(("woo", open_units, 0),)
    )
    positions = SkuPositions("A")
    positions.put("P", row, 1)
    tree = tree_of(bills)
    visible = {
        sku: (max(there[sku], 0), "in_stock", None, None, (("P", max(there[sku], 0)),))
        for sku in tree.parts
    }
    net, gross = (
        combine(policy, compute(policy, positions), tree, Parts(visible, lambda _: 0))
        for policy in (
            Policy(
                "woo",
                1,
                low_stock=3,
                ceiling=ceiling,
                publish_zero_at=publish_zero_at,
                per_location=per_location,
                basis=basis,
            )
            for basis in ("net", "gross")
        )
    )
    assert gross.quantity == net.quantity + open_units
    assert gross.status == net.status
    if ceiling is not None:
        assert net.quantity <= ceiling
    if per_location:
        assert sum(number for _, number in gross.locations) == gross.quantity


class Kits(RuleBasedStateMachine):
    """Any sequence of positions, bills, policies, aborts, compactions and restarts."""

    @initialize()
    def begin(self) -> None:
        self.harness = Harness(PARTITIONS)
        self.shelves: dict[str, SkuPositions] = {}
        self.bills: Bills = {}
        self.policies: dict[str, Policy] = {}
        self.revisions: dict[str, int] = {}
        self.a_policy_is_published("woo", 0, None)
        for sku, on_hand in zip(SKUS, (1, 0, 2, 9, 7, 8), strict=True):
            if on_hand:
                self.a_position_changes(sku, on_hand, "P")
        self.the_catalogue_changes("A", {"B": 1, "x": 1}, in_use=True)
        self.the_catalogue_changes("B", {"x": 2, "y": 1}, in_use=True)

    @rule(sku=st.sampled_from(SKUS), on_hand=st.integers(0, 9), place=st.sampled_from("PQ"))
    def a_position_changes(self, sku: str, on_hand: int, place: str) -> None:
        self.harness.position(sku, place, on_hand)
        shelf = self.shelves.setdefault(sku, SkuPositions(sku))
        shelf.put(place, LocationNumbers(on_hand=on_hand, atp=on_hand), 1)

    @rule(
        kit=st.sampled_from(KITS),
        parts=st.dictionaries(st.sampled_from("BCxyz"), st.integers(1, 2), max_size=3),
        in_use=st.sampled_from((True, True, True, False)),
    )
    def the_catalogue_changes(self, kit: str, parts: dict[str, int], *, in_use: bool) -> None:
        revision = self.revisions[kit] = self.revisions.get(kit, 0) + 1
        made_of = tuple(Component(sku, quantity) for sku, quantity in parts.items())
        bill = BillOfMaterials(f"v{revision}", made_of) if parts else None
        self.harness.bill(CatalogItem(kit, revision, active=in_use, bill_of_materials=bill))
        self.bills.pop(kit, None)
        if parts and in_use:
            self.bills[kit] = parts

    @rule(kit=st.sampled_from(KITS))
    def a_kit_is_withdrawn(self, kit: str) -> None:
        self.harness.log.append(CATALOG, self.harness.home(kit), kit.encode(), None)
        self.bills.pop(kit, None)

    @rule(
        channel=st.sampled_from(CHANNELS),
        safety=st.integers(0, 3),
        places=st.sampled_from((None, ("P",))),
    )
    def a_policy_is_published(
        self, channel: str, safety: int, places: tuple[str, ...] | None
    ) -> None:
        old = self.policies.get(channel)
        revision = 1 if old is None else old.revision + 1
        policy = Policy(channel, revision, safety_stock=safety, locations=places)
        self.harness.policy(policy)
        self.policies[channel] = policy

    @rule(records=st.integers(1, 3), abort=st.booleans())
    def the_loop_turns(self, records: int, abort: bool) -> None:
        self.harness.batch(records, abort=abort)

    @rule()
    def it_is_killed_and_starts_again(self) -> None:
        self.harness.start()

    @rule()
    def the_topics_are_compacted(self) -> None:
        for topic in (POSITIONS, AVAILABILITY, KIT_COMPONENTS, COMPONENT_AVAILABILITY, CATALOG):
            for number in range(PARTITIONS):
                self.harness.log.compact(topic, number)

    @precondition(lambda self: self.policies and self.bills)
    @rule()
    def it_comes_to_rest(self) -> None:
        self.told_last_equals_built_from_scratch()

    @invariant()
    def versions_rise_and_every_event_differs_from_the_last(self) -> None:
        for channel, sku in itertools.product(CHANNELS, KITS):
            for before, after in itertools.pairwise(self.harness.told(channel, sku)):
                assert after["version"] == before["version"] + 1
                seen = ("quantity", "status", "next_available", "lead_time_days")
                assert [before[n] for n in seen] != [after[n] for n in seen]

    def teardown(self) -> None:
        if hasattr(self, "harness"):
            self.told_last_equals_built_from_scratch()

    def told_last_equals_built_from_scratch(self) -> None:
        self.harness.settle()
        for (channel, policy), sku in itertools.product(self.policies.items(), SKUS):
            told = self.harness.told(channel, sku)
            if is_circular(sku, self.bills):
                continue
            units = {
                known: compute(policy, shelf).quantity for known, shelf in self.shelves.items()
            }
            own = units.get(sku, 0)
            built = kits_built(sku, self.bills, units) if sku in self.bills else 0
            if sku in self.shelves or sku in self.bills:
                assert told, f"{channel} was never told of {sku}"
            if told:
                found = told[-1]["quantity"]
                assert found == own + built, f"{channel} {sku}: told {found}, {own} + {built}"
                assert told[-1]["steps"][-1]["quantity"] == found


Kits.TestCase.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)
TestKits = Kits.TestCase
