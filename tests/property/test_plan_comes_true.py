"""What a plan says of kits and their components is what is told once the policy is applied."""

from __future__ import annotations

from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.availability_harness import Harness
from tests.support.policies import policies

from stockfold.availability.policy import Policy
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import NO_PLACES
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component
from stockfold.runtime.partition_reader import PartitionReader
from stockfold_services.availability.memory import PartitionMemory
from stockfold_services.cli.policy_plan import Plan, Planner

PARTITIONS = 3
BILLS = {"HAMPER": {"BOX": 1, "cup": 1}, "BOX": {"cup": 2, "beans": 1}}
SKUS = ("HAMPER", "BOX", "cup", "beans")
# Fences are the ledger's to fold; tags and windows need records that this story does not tell.
ours = policies("woo", fence=st.none()).map(
    lambda p: Policy(
        "woo",
        1,
        locations=p.locations,
        safety_stock=0,
        safety=tuple(r for r in p.safety if not r.category),
        share=p.share,
        ceiling=p.ceiling,
        publish_zero_at=p.publish_zero_at,
        per_location=p.per_location,
        basis=p.basis,
    )
)
shelves = st.dictionaries(
    st.sampled_from(SKUS),
    st.dictionaries(
        st.sampled_from(["BERLIN", "PARIS"]),
        st.tuples(st.integers(-3, 30), st.integers(0, 4)),
        min_size=1,
    ),
)


def _scene(first: Policy, stock: dict[str, dict[str, tuple[int, int]]]) -> Harness:
    harness = Harness(PARTITIONS)
    harness.policy(first)
    for sku, parts in BILLS.items():
        made_of = tuple(Component(part, units) for part, units in parts.items())
        harness.bill(CatalogItem(sku, 1, bill_of_materials=BillOfMaterials("1", made_of)))
    for sku, places in stock.items():
        for place, (on_hand, claimed) in places.items():
            claims = [{"channel": "woo", "reserved": claimed, "allocated": 0}]
            harness.position(sku, place, on_hand, reserved=claimed, claims=claims)
    return harness.settle()


def _plan(harness: Harness, first: Policy, then: Policy) -> Plan:
    planner = Planner({"woo": first}, [then], NO_PLACES, Times(0), 100)
    for number in range(PARTITIONS):
        reader = cast("PartitionReader", harness.log)
        memory = PartitionMemory.recover(number, PARTITIONS, reader)
        planner.take(memory.skus.values(), memory.kits.needed_by)
    return planner.plan()


@settings(max_examples=60, deadline=None)
@given(ours, ours, shelves)
def test_the_numbers_of_a_plan_are_those_that_are_told_after_it(
    first: Policy, other: Policy, stock: dict[str, dict[str, tuple[int, int]]]
) -> None:
    harness = _scene(first, stock)
    before = {sku: told[-1] for sku in SKUS if (told := harness.told("woo", sku))}
    then = Policy(**{**{f: getattr(other, f) for f in other.__struct_fields__}, "revision": 2})
    (planned,) = _plan(harness, first, then).channels
    harness.policy(then)
    harness.settle()
    after = {sku: told[-1] for sku in SKUS if (told := harness.told("woo", sku))}
    assert planned.skus == len(after)
    assert planned.units_before == sum(event["quantity"] for event in before.values())
    assert planned.units_after == sum(event["quantity"] for event in after.values())
    assert {change.sku: (change.before, change.after) for change in planned.largest} == {
        sku: (before[sku]["quantity"], event["quantity"])
        for sku, event in after.items()
        if event["version"] != before[sku]["version"]
    }
