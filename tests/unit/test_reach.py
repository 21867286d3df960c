"""Which SKUs a change of policy can touch: those that it names, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.availability.policy import (
    Backorder,
    Policy,
    Preorder,
    Promotion,
    ReservationTerms,
    RingFence,
    Safety,
    Silence,
)
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.reach import EVERYTHING, NOTHING, Reach, reach
from stockfold.availability.surroundings import Places

PLACES = Places({"store": frozenset({"ROME", "OSLO"})})
SALE = Promotion("sale", 100, 200, units=1)


def change(before: dict[str, Any], after: dict[str, Any], **known: Any) -> Reach:
    return reach(Policy("w", 1, **before), Policy("w", 2, **after), PLACES, **known)


def skus(*names: str) -> Reach:
    return Reach(skus=frozenset(names))


def categories(*names: str) -> Reach:
    return Reach(categories=frozenset(names))


def at(*names: str) -> Reach:
    return Reach(locations=frozenset(names))


def test_a_new_policy_can_touch_every_sku() -> None:
    assert reach(None, Policy("w", 1)) == EVERYTHING


@pytest.mark.parametrize(
    "after",
    [
        {"safety_stock": 1},
        {"safety": (Safety(basis_points=100),)},
        {"low_stock": 1},
        {"per_location": True},
        {"share": 5_000},
        {"ceiling": 9},
        {"publish_zero_at": 1},
        {"in_transit": True},
        {"lead_time_days": 2},
        {"basis": "gross"},
        {"locations": ("A",)},
        {"ring_fences": ()},
        {"backorders": (Backorder(1),)},
    ],
)
def test_what_rules_every_sku_can_touch_every_sku(after: dict[str, Any]) -> None:
    assert change({}, after) == EVERYTHING


def test_a_location_more_or_less_can_touch_only_skus_that_are_there() -> None:
    assert change({"locations": ("A", "B")}, {"locations": ("B", "C")}) == at("A", "C")
    assert change({"tags": ("store",)}, {"locations": ("ROME",)}) == at("OSLO")
    assert change({"tags": ("store",)}, {"locations": ("ROME", "OSLO")}) == NOTHING


def test_a_rule_touches_the_skus_the_category_or_the_location_that_it_names() -> None:
    rules = (Safety(1, sku="a", location="ROME"), Safety(1, category="food"))
    assert change({}, {"safety": rules}) == skus("a") | categories("food")
    assert change({"safety": rules}, {"safety": rules[:1]}) == categories("food")
    assert change({}, {"safety": (Safety(1, location="ROME"),)}) == at("ROME")
    fences = (RingFence(5, sku="a"), RingFence(5, category="food"))
    assert change({"ring_fences": ()}, {"ring_fences": fences}) == skus("a") | categories("food")
    assert change({"backorders": ()}, {"backorders": (Backorder(5, sku="a"),)}) == skus("a")
    assert change({"backorders": ()}, {"backorders": (Backorder(5),)}) == EVERYTHING


def test_a_window_touches_nothing_before_it_opens() -> None:
    assert change({}, {"promotions": (SALE,)}, moment_us=99) == NOTHING
    assert change({}, {"promotions": (SALE,)}, moment_us=100) == EVERYTHING
    named = Promotion("sale", 100, 200, units=1, skus=("a",), categories=("food",))
    touched = change({"promotions": (named,)}, {}, moment_us=150)
    assert touched == skus("a") | categories("food")
    assert change({"promotions": (named,)}, {}, moment_us=200) == NOTHING


def test_what_is_dated_touches_only_skus_with_inbound() -> None:
    expecting = Reach(expecting=True)
    assert change({}, {"preorder": Preorder()}) == expecting
    dated = {"backorders": ()}
    assert change(dated, {**dated, "zone": "Europe/Berlin"}) == expecting
    assert change({}, {"zone": "Europe/Berlin"}) == NOTHING


def test_terms_of_silence_touch_only_what_is_silent() -> None:
    assert change({}, {"silence": Silence("zero")}) == NOTHING
    assert change({}, {"silence": Silence("zero")}, silent=("ROME",)) == at("ROME")


def test_terms_of_reservations_touch_nothing() -> None:
    assert change({}, {"reservations": ReservationTerms(ttl_s=60)}) == NOTHING


def test_two_changes_touch_what_either_touches() -> None:
    assert at("A") | at("B") == at("A", "B")
    assert at("A") | EVERYTHING == EVERYTHING
    assert not NOTHING
    assert at("A")


@pytest.mark.parametrize(
    ("touched", "is_touched"),
    [
        (EVERYTHING, True),
        (NOTHING, False),
        (skus("a"), True),
        (skus("b"), False),
        (at("ROME", "OSLO"), True),
        (at("OSLO"), False),
        (categories("food"), True),
        (categories("food/tea"), False),
        (Reach(expecting=True), False),
    ],
)
def test_a_sku_is_touched_by_its_name_its_places_or_its_category(
    touched: Reach, is_touched: bool
) -> None:
    known = SkuPositions("a")
    known.put("ROME", LocationNumbers(5), 1)
    assert touched.touches(known, "food/coffee") is is_touched


def test_a_sku_with_inbound_is_touched_by_what_is_dated() -> None:
    known = SkuPositions("a")
    known.put("ROME", LocationNumbers(expected=(("PO", "1", 5, None, 0),)), 1)
    assert Reach(expecting=True).touches(known, "")
