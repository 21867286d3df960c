"""Availability per channel (semantics: Availability per channel; ATP now)."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.availability.answer import Answer
from stockfold.availability.policy import Policy
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.rules import compute


def positions(**atp: int) -> SkuPositions:
    found = SkuPositions("a")
    for seq, (location, units) in enumerate(atp.items(), start=1):
        found.put(location, LocationNumbers(on_hand=units, atp=units), seq)
    return found


def policy(**rules: Any) -> Policy:
    return Policy("woo", 1, **rules)


def steps(answer: Answer) -> list[tuple[str, int]]:
    return [(step.what, step.quantity) for step in answer.steps]


def sentences(answer: Answer) -> list[str]:
    return [step.detail for step in answer.steps]


def test_without_a_list_every_location_is_eligible() -> None:
    assert compute(policy(), positions(BERLIN=5, PARIS=7)).quantity == 12


def test_only_eligible_locations_count() -> None:
    answer = compute(policy(locations=("BERLIN", "ROME")), positions(BERLIN=5, PARIS=7))
    assert answer.quantity == 5


def test_a_sku_that_no_eligible_location_has_is_out_of_stock() -> None:
    answer = compute(policy(locations=("ROME",)), positions(BERLIN=5))
    assert (answer.quantity, answer.status) == (0, "out_of_stock")
    assert sentences(answer)[0] == "none of this channel's locations has ever held this SKU"


def test_what_is_promised_to_orders_cannot_be_promised_again() -> None:
    found = SkuPositions("a")
    found.put("BERLIN", LocationNumbers(on_hand=10, reserved=2, allocated=3, atp=5), 1)
    answer = compute(policy(), found)
    assert steps(answer) == [("on_hand", 10), ("promised", 5), ("published", 5)]


def test_a_deficit_in_one_location_hides_no_stock_in_another_and_is_reported() -> None:
    answer = compute(policy(), positions(BERLIN=5, PARIS=-3))
    assert answer.quantity == 5
    assert steps(answer) == [("on_hand", 2), ("deficit", 5), ("published", 5)]
    assert sentences(answer)[1] == (
        "3 units are missing at PARIS (3); that takes nothing from the stock of other locations"
    )


def test_units_held_damaged_or_on_their_way_are_not_promised() -> None:
    found = SkuPositions("a")
    found.put("BERLIN", LocationNumbers(quality_hold=4, damaged=3, in_transit=9), 1)
    assert compute(policy(), found).quantity == 0


def test_safety_stock_is_kept_back_once_per_sku() -> None:
    answer = compute(policy(safety_stock=3), positions(BERLIN=5, PARIS=7))
    assert answer.quantity == 9
    assert steps(answer) == [("on_hand", 12), ("safety_stock", 9), ("published", 9)]


def test_nothing_is_clamped_before_the_end() -> None:
    answer = compute(policy(safety_stock=3), positions(BERLIN=1))
    assert answer.quantity == 0
    assert steps(answer) == [("on_hand", 1), ("safety_stock", -2), ("published", 0)]
    assert sentences(answer)[-1] == "2 units short, so this channel is told 0"


@pytest.mark.parametrize(
    ("units", "status"), [(0, "out_of_stock"), (1, "low_stock"), (4, "low_stock"), (5, "in_stock")]
)
def test_the_status_is_low_at_or_below_the_mark(units: int, status: str) -> None:
    assert compute(policy(low_stock=4), positions(BERLIN=units)).status == status


def test_a_mark_of_zero_is_never_low() -> None:
    assert compute(policy(low_stock=0), positions(BERLIN=1)).status == "in_stock"


def test_safety_stock_counts_before_the_status() -> None:
    answer = compute(policy(safety_stock=5, low_stock=2), positions(BERLIN=7))
    assert (answer.quantity, answer.status) == (2, "low_stock")


def test_the_breakdown_is_there_only_where_it_is_wanted() -> None:
    assert compute(policy(), positions(BERLIN=5)).locations == ()
    assert compute(policy(per_location=True), positions(BERLIN=5)).locations == (("BERLIN", 5),)


def test_the_breakdown_keeps_safety_stock_back_where_most_is() -> None:
    answer = compute(
        policy(per_location=True, safety_stock=6), positions(PARIS=4, BERLIN=5, ROME=-2)
    )
    assert answer.locations == (("BERLIN", 0), ("PARIS", 3), ("ROME", 0))


def test_the_steps_read_as_sentences() -> None:
    found = SkuPositions("a")
    found.put("BERLIN", LocationNumbers(on_hand=12, reserved=1, atp=11), 1)
    found.put("PARIS", LocationNumbers(on_hand=2, atp=2), 2)
    assert sentences(compute(policy(locations=("BERLIN", "PARIS"), safety_stock=2), found)) == [
        "14 units are on the shelf at 2 of this channel's locations",
        "1 unit is promised to orders already",
        "2 units are kept back as safety stock",
        "this channel may sell 11 units",
    ]


def test_a_shelf_below_zero_says_that_a_receipt_is_missing() -> None:
    answer = compute(policy(), positions(BERLIN=-3))
    assert answer.quantity == 0
    assert "a receipt is missing" in sentences(answer)[0]


def test_many_deficits_are_named_by_the_first_few() -> None:
    answer = compute(policy(), positions(**{f"L{i}": -1 for i in range(8)}))
    assert "L4 (1) and 3 more" in sentences(answer)[1]
