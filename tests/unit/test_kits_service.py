"""Kits in the availability service: components and kits in different partitions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.availability_harness import Harness

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import decode
from stockfold.contracts.topics import (
    CATALOG,
    COMPONENT_AVAILABILITY,
    EXCEPTIONS,
    KIT_COMPONENTS,
    Topic,
)
from stockfold.domain.reference import BillOfMaterials, CatalogItem, Component
from stockfold_services.availability import processor as module

PARTITIONS = 7


def item(sku: str, revision: int = 1, *, active: bool = True, **parts: int) -> CatalogItem:
    made_of = tuple(Component(part, units) for part, units in parts.items())
    bill = BillOfMaterials(f"v{revision}", made_of) if parts else None
    return CatalogItem(sku, revision, active=active, bill_of_materials=bill)


@pytest.fixture
def harness() -> Harness:
    """A box of two cups and one bag of beans, all in different partitions."""
    found = Harness(PARTITIONS)
    assert len({found.home(sku) for sku in ("BOX", "CUP", "BEANS")}) == 3
    found.policy(Policy("woo", 1))
    found.position("CUP", "DC", 9)
    found.position("BEANS", "DC", 20)
    found.bill(item("BOX", CUP=2, BEANS=1))
    return found


def quantities(harness: Harness, sku: str = "BOX", channel: str = "woo") -> list[int]:
    return [event["quantity"] for event in harness.told(channel, sku)]


def written(harness: Harness, topic: Topic) -> list[tuple[bytes | None, dict[str, Any] | None]]:
    """Keys and bodies of a topic, over all partitions."""
    return [
        (record.key(), None if record.value() is None else decode(record.value())[1])
        for number in range(PARTITIONS)
        for record in harness.log.records(topic, number)
    ]


def test_a_kit_is_told_once_all_of_its_components_have_answered(harness: Harness) -> None:
    assert quantities(harness.settle()) == [4]
    harness.position("CUP", "DC", 4)
    assert quantities(harness.settle()) == [4, 2]


def test_own_stock_counts_beside_the_components_and_never_alone(harness: Harness) -> None:
    harness.settle()
    harness.position("BOX", "DC", 3)
    harness.position("CUP", "DC", 8)
    assert quantities(harness.settle()) == [4, 7]
    harness.start()
    harness.position("BOX", "DC", 2)
    assert quantities(harness.settle()) == [4, 7, 6]


def test_a_component_that_nobody_ever_held_makes_the_kit_unavailable(harness: Harness) -> None:
    harness.bill(item("BOX", 2, CUP=1, RIBBON=1))
    assert quantities(harness.settle()) == [0]
    harness.position("RIBBON", "DC", 5)
    assert quantities(harness.settle()) == [0, 5]


def test_a_change_that_a_channel_does_not_see_in_the_component_is_told_to_no_kit(
    harness: Harness,
) -> None:
    before = len(written(harness.settle(), COMPONENT_AVAILABILITY))
    harness.position("CUP", "DC", 12, allocated=3)
    harness.settle()
    assert len(written(harness, COMPONENT_AVAILABILITY)) == before


def test_a_component_without_kits_is_told_to_nobody(harness: Harness) -> None:
    harness.position("TEA", "DC", 5)
    keys = {key for key, _ in written(harness.settle(), COMPONENT_AVAILABILITY)}
    assert keys == {b"|BOX", b"|CUP", b"|BEANS", b"CUP|BOX", b"BEANS|BOX"}


def test_the_kit_keeps_its_number_until_a_new_bill_is_known_whole(harness: Harness) -> None:
    harness.settle()
    harness.position("TEA", "DC", 1)
    harness.bill(item("BOX", 2, CUP=2, TEA=1))
    assert quantities(harness.settle()) == [4, 1]
    last = harness.told("woo", "BOX")[-1]
    assert "bill of materials v2 (catalogue revision 2)" in str(last["steps"])


def test_a_component_that_left_the_bill_is_asked_no_more(harness: Harness) -> None:
    harness.settle()
    harness.bill(item("BOX", 2, CUP=2))
    assert quantities(harness.settle()) == [4]
    before = len(written(harness, COMPONENT_AVAILABILITY))
    harness.position("BEANS", "DC", 1)
    harness.settle()
    assert (quantities(harness), len(written(harness, COMPONENT_AVAILABILITY))) == ([4], before)
    assert (b"BOX|BEANS", None) in written(harness, KIT_COMPONENTS)
    assert (b"BEANS|BOX", None) in written(harness, COMPONENT_AVAILABILITY)


@pytest.mark.parametrize("how", ["no bill", "inactive", "withdrawn"])
def test_a_kit_that_ends_is_told_with_its_own_stock_alone(harness: Harness, how: str) -> None:
    harness.settle()
    if how == "withdrawn":
        harness.log.append(CATALOG, harness.home("BOX"), b"BOX", None)
    elif how == "inactive":
        harness.bill(item("BOX", 2, active=False, CUP=2, BEANS=1))
    else:
        harness.bill(item("BOX", 2))
    assert quantities(harness.settle()) == [4, 0]
    harness.start()
    harness.position("CUP", "DC", 30)
    assert quantities(harness.settle()) == [4, 0]
    for memory in harness.processor.partitions.values():
        assert not memory.kits.needed_by
    harness.bill(item("BOX", 3, CUP=2, BEANS=1))
    assert quantities(harness.settle()) == [4, 0, 15]


def test_the_newest_record_of_the_catalogue_rules_also_with_a_lower_revision(
    harness: Harness,
) -> None:
    harness.bill(item("BOX", 7, CUP=9))
    assert quantities(harness.settle()) == [1]
    harness.bill(item("BOX", 2, CUP=3))
    assert quantities(harness.settle()) == [1, 3]


def test_nested_kits_are_flattened_and_their_own_stock_used_first(harness: Harness) -> None:
    harness.bill(item("HAMPER", BOX=1, CUP=1))
    assert quantities(harness.settle(), "HAMPER") == [3]
    harness.position("BOX", "DC", 2)
    assert quantities(harness.settle(), "HAMPER") == [3, 4]
    harness.bill(item("BOX", 2, CUP=1))
    assert quantities(harness.settle(), "HAMPER") == [3, 4, 5]


def test_an_older_or_known_version_of_a_component_changes_nothing(harness: Harness) -> None:
    harness.settle()
    number = harness.home("BOX")
    first = next(
        record
        for record in harness.log.records(COMPONENT_AVAILABILITY, number)
        if record.key() == b"CUP|BOX"
    )
    harness.position("CUP", "DC", 2)
    harness.settle()
    harness.log.append(COMPONENT_AVAILABILITY, number, first.key(), first.value())
    assert quantities(harness.settle()) == [4, 1]


def test_records_read_again_after_a_kill_never_bring_back_an_old_bill(harness: Harness) -> None:
    harness.settle()
    harness.bill(item("BOX", 2, CUP=9))
    harness.bill(item("BOX", 3, CUP=3))
    harness.start()
    while harness.batch(1):
        pass
    assert quantities(harness) == [4, 3]


def test_a_restart_asks_and_tells_nothing_again(harness: Harness) -> None:
    harness.settle()
    before = [len(written(harness, topic)) for topic in (KIT_COMPONENTS, COMPONENT_AVAILABILITY)]
    harness.start()
    harness.settle()
    after = [len(written(harness, topic)) for topic in (KIT_COMPONENTS, COMPONENT_AVAILABILITY)]
    assert (before, quantities(harness)) == (after, [4])


def test_a_policy_change_of_a_component_reaches_the_kit(harness: Harness) -> None:
    harness.settle()
    harness.policy(Policy("woo", 2, safety_stock=5))
    assert quantities(harness.settle()) == [4, 2]
    harness.policy(Policy("shop", 1))
    assert quantities(harness.settle(), channel="shop") == [4]


def test_what_the_channel_counts_as_open_is_no_component_to_assemble(harness: Harness) -> None:
    harness.policy(Policy("woo", 2, basis="gross"))
    claims = [{"channel": "woo", "reserved": 4, "allocated": 0}]
    harness.position("CUP", "DC", 8, reserved=4, claims=claims)
    harness.settle()
    assert (quantities(harness, "CUP")[-1], quantities(harness)[-1]) == (8, 2)


def test_a_bill_that_closes_a_circle_is_an_exception_and_the_one_before_stays(
    harness: Harness,
) -> None:
    harness.bill(item("HAMPER", BOX=1, CUP=1))
    harness.settle()
    harness.bill(item("BOX", 2, HAMPER=1, CUP=1))
    harness.settle()
    (raised,) = harness.exceptions()
    assert (raised["kind"], raised["sku"], raised["topic"]) == ("cyclic_bill", "BOX", CATALOG.name)
    assert raised["reason"] == "SKU BOX would be made of itself: BOX → HAMPER → BOX"
    harness.position("CUP", "DC", 6)
    harness.start()
    harness.settle()
    assert (quantities(harness), quantities(harness, "HAMPER")) == ([4, 3], [3, 2])
    assert len(harness.exceptions()) == 1
    harness.bill(item("BOX", 3, CUP=1))
    assert quantities(harness.settle()) == [4, 3, 6]


def test_a_circle_that_closes_from_both_sides_at_once_ends_in_exceptions_alone(
    harness: Harness,
) -> None:
    harness.bill(item("BOX", 2, HAMPER=1))
    harness.bill(item("HAMPER", BOX=1))
    harness.settle()
    assert {raised["kind"] for raised in harness.exceptions()} == {"cyclic_bill"}
    harness.bill(item("HAMPER", 2, CUP=1))
    harness.settle()
    assert (quantities(harness, "HAMPER")[-1], quantities(harness)[-1]) == (9, 9)


def test_a_bill_that_is_too_large_is_an_exception_and_asks_for_nothing(harness: Harness) -> None:
    harness.settle()
    harness.bill(item("BOX", 2, **{f"P{n}": 1 for n in range(501)}))
    harness.settle()
    (raised,) = harness.exceptions()
    assert (raised["kind"], quantities(harness)) == ("bill_too_large", [4])
    assert len(written(harness, KIT_COMPONENTS)) == 2


def test_many_kits_of_one_component_are_told_and_looked_through_at_a_bounded_rate(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KITS_PER_TURN_MAX", 2)
    for number in range(20):
        harness.bill(item(f"SET-{number}", CUP=number + 1))
    harness.settle()
    assert [quantities(harness, f"SET-{n}")[-1] for n in range(20)] == [
        9 // (n + 1) for n in range(20)
    ]


def test_an_answer_that_cannot_be_read_is_an_exception_and_the_partition_moves_on(
    harness: Harness,
) -> None:
    number = harness.home("BOX")
    harness.log.append(COMPONENT_AVAILABILITY, number, b"CUP|BOX", b"nonsense")
    harness.log.append(KIT_COMPONENTS, number, b"BOX|CUP", b"nonsense")
    harness.log.append(CATALOG, number, b"BOX", b"nonsense")
    assert quantities(harness.settle()) == [4]
    places = [(raised["topic"], raised["kind"]) for raised in harness.exceptions()]
    assert sorted(places) == [
        (COMPONENT_AVAILABILITY.name, "undecodable"),
        (KIT_COMPONENTS.name, "undecodable"),
    ]
    assert not [key for key, _ in written(harness, EXCEPTIONS) if key == b"BOX"]


def test_skus_may_hold_the_sign_that_separates_keys(harness: Harness) -> None:
    harness.bill(item("SET|1", **{"CUP": 1, "TOP|%7C": 1}))
    harness.position("TOP|%7C", "DC", 3)
    assert quantities(harness.settle(), "SET|1") == [3]
    harness.bill(item("SET|1", 2, CUP=3))
    assert quantities(harness.settle(), "SET|1") == [3]
    harness.bill(item("SET|1", 3, CUP=4))
    assert quantities(harness.settle(), "SET|1") == [3, 2]
