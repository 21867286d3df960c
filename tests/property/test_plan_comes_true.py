"""What is foreseen of kits and their components is what is told once it is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.availability_harness import Harness, Log
from tests.support.policies import policies

from stockfold.availability.policy import Policy
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import NO_PLACES
from stockfold.contracts.topics import POSITIONS, Topic
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component
from stockfold.runtime.partition_reader import PartitionReader
from stockfold.runtime.records import LoopRecord
from stockfold_services.availability.memory import PartitionMemory
from stockfold_services.cli.policy_plan import Plan, Planner
from stockfold_services.rebuild.foreseeing import foresee_all, waiting

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
    _tell(harness, stock)
    return harness.settle()


def _tell(harness: Harness, stock: dict[str, dict[str, tuple[int, int]]]) -> None:
    for sku, places in stock.items():
        for place, (on_hand, claimed) in places.items():
            claims = [{"channel": "woo", "reserved": claimed, "allocated": 0}]
            harness.position(sku, place, on_hand, reserved=claimed, claims=claims)


def _plan(harness: Harness, first: Policy, then: Policy) -> Plan:
    planner = Planner({"woo": first}, [then], NO_PLACES, Times(0), 100)
    for number in range(PARTITIONS):
        reader = cast("PartitionReader", harness.log)
        memory = PartitionMemory.recover(number, PARTITIONS, reader)
        planner.take(memory.skus.values(), memory.kits.needed_by)
    return planner.plan()


class _Until:
    """The log without the positions that are yet to come."""

    def __init__(self, log: Log, ends: dict[int, int]) -> None:
        self._log = log
        self._ends = ends

    def settled_end(self, topic: Topic, partition: int) -> int:
        return self._log.settled_end(topic, partition)

    def read(
        self, topic: Topic, partition: int, start: int | None = None, end: int | None = None
    ) -> Iterator[list[LoopRecord]]:
        if topic is POSITIONS:
            end = self._ends[partition]
        return self._log.read(topic, partition, start, end)


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
        if _seen(event) != _seen(before[sku])
    }


@settings(max_examples=60, deadline=None)
@given(ours, shelves, shelves)
def test_a_cutover_tells_of_kits_what_it_was_said_to(
    policy: Policy,
    stock: dict[str, dict[str, tuple[int, int]]],
    corrected: dict[str, dict[str, tuple[int, int]]],
) -> None:
    harness = _scene(policy, stock)
    before = {sku: told[-1] for sku in SKUS if (told := harness.told("woo", sku))}
    ends = {number: harness.log.end(POSITIONS, number) for number in range(PARTITIONS)}
    _tell(harness, corrected)
    outbox = {
        number: [
            waiting(POSITIONS.name, number, record.key(), record.value())
            for record in harness.log.records(POSITIONS, number, end)
        ]
        for number, end in ends.items()
    }
    hidden = _Until(harness.log, ends)
    foreseen = foresee_all(harness.processor, cast("PartitionReader", hidden), outbox)
    harness.start()
    harness.settle()
    after = {sku: told[-1] for sku in SKUS if (told := harness.told("woo", sku))}
    assert {(f.sku, f.told, f.will_be) for f in foreseen} == {
        (sku, before[sku]["quantity"] if sku in before else None, event["quantity"])
        for sku, event in after.items()
        if sku not in before or _seen(before[sku]) != _seen(event)
    }


def _seen(event: dict[str, Any]) -> list[object]:
    fields = ("quantity", "status", "next_available", "lead_time_days", "locations")
    return [event[field] for field in fields]
