"""What a channel may promise of a kit."""

from __future__ import annotations

from typing import Any

import pytest

from stockfold.availability.answer import Answer, Visible
from stockfold.availability.kits import Parts, combine, limits
from stockfold.availability.policy import Policy, Promotion
from stockfold.availability.positions import LocationNumbers, SkuPositions
from stockfold.availability.rules import compute
from stockfold.availability.surroundings import Surroundings
from stockfold.domain.bills import NESTING_MAX, PARTS_MAX, Bill, Tree, grow
from stockfold.domain.errors import ContractError

WOO = Policy("woo", 1)


def bill(sku: str, **parts: int) -> Bill:
    return Bill(sku, 4, "v2", tuple(parts.items()))


def tree(*bills: Bill) -> Tree:
    return grow(bills[0].sku, {one.sku: one for one in bills})


BOX = tree(bill("BOX", CUP=2, BEANS=1))
HAMPER = tree(bill("HAMPER", BOX=1, CUP=1), bill("BOX", CUP=2, BEANS=1))


def part(
    quantity: int,
    status: str = "in_stock",
    day: int | None = None,
    lead: int | None = None,
    **at: int,
) -> Visible:
    return (quantity, status, day, lead, tuple(at.items()))


def own(policy: Policy = WOO, **on_hand: int) -> Answer:
    positions = SkuPositions("BOX")
    for location, units in on_hand.items():
        positions.put(location, LocationNumbers(on_hand=units, atp=units), 1)
    return compute(policy, positions)


def kit(
    tree: Tree = BOX, policy: Policy = WOO, standing: Answer | None = None, **parts: Any
) -> Answer:
    visible = {name: p if isinstance(p, tuple) else part(p) for name, p in parts.items()}
    return combine(policy, standing or own(policy), tree, Parts(visible, lambda _: 7))


def details(answer: Answer) -> dict[str, str]:
    return {step.what: step.detail for step in answer.steps}


def test_a_kit_is_as_many_as_its_scarcest_component_allows() -> None:
    answer = kit(CUP=9, BEANS=20)
    assert (answer.quantity, answer.status) == (4, "in_stock")


def test_what_stands_assembled_comes_on_top() -> None:
    assert kit(standing=own(DC=3), CUP=9, BEANS=20).quantity == 7


def test_the_steps_say_what_limits_it_and_on_which_versions_it_rests() -> None:
    told = details(kit(standing=own(DC=3), CUP=9, BEANS=20))
    assert told["pre_assembled"] == "3 stand assembled"
    assert told["assembled"] == "4 can be assembled by bill of materials v2 (catalogue revision 4)"
    assert told["components"] == (
        "CUP limits it: CUP allows 4 (9 units, 2 a kit, version 7); "
        "BEANS allows 20 (20 units, 1 a kit, version 7)"
    )
    assert told["published"] == "this channel may sell 7 units"


def test_a_component_that_several_nested_kits_share_is_added_up_before_it_is_divided() -> None:
    assert HAMPER.leaves == (("BEANS", 1), ("CUP", 3))
    assert kit(HAMPER, BOX=0, CUP=10, BEANS=99).quantity == 3


def test_nested_kits_that_stand_assembled_are_used_before_any_is_made() -> None:
    answer = kit(HAMPER, BOX=2, CUP=5, BEANS=1)
    assert answer.quantity == 3
    assert details(answer)["components"].endswith(
        "; 2 of BOX (version 7) that stand assembled are used first"
    )
    assert [(limit.sku, limit.allows) for limit in limits(HAMPER, {"BOX": 2, "CUP": 5})] == [
        ("BEANS", 2),
        ("CUP", 3),
    ]


def test_nothing_of_a_component_is_nothing_to_assemble() -> None:
    answer = kit(CUP=1, BEANS=0)
    assert (answer.quantity, answer.status) == (0, "out_of_stock")


def test_a_kit_without_its_parts_may_be_had_when_the_last_of_them_arrives() -> None:
    answer = kit(CUP=part(0, "out_of_stock", 20_500), BEANS=part(0, "out_of_stock", 20_400))
    assert answer.next_available == 20_500
    unknown = kit(CUP=part(0, "out_of_stock", 20_500), BEANS=part(0, "out_of_stock"))
    assert unknown.next_available is None


def test_a_kit_with_parts_that_are_sold_ahead_is_sold_ahead_with_the_latest_day() -> None:
    answer = kit(CUP=part(8, "preorder", 20_500, 3), BEANS=part(9, "backorder", 20_600, 14))
    assert (answer.quantity, answer.status) == (4, "preorder")
    assert (answer.next_available, answer.lead_time_days) == (20_600, 14)


def test_what_is_there_is_sold_before_what_has_yet_to_come() -> None:
    answer = kit(standing=own(DC=2), CUP=part(8, "preorder", 20_500), BEANS=9)
    assert (answer.quantity, answer.status, answer.next_available) == (2, "in_stock", None)


def test_the_lead_time_is_the_longest_of_the_parts_unless_kits_stand_assembled() -> None:
    parts = {"CUP": part(9, lead=2), "BEANS": part(9, lead=5)}
    assert kit(**parts).lead_time_days == 5
    quick = Policy("woo", 1, lead_time_days=1)
    assert kit(policy=quick, standing=own(quick, DC=1), **parts).lead_time_days == 1


def test_few_kits_are_low_stock_and_the_ceiling_holds_for_the_sum() -> None:
    policy = Policy("woo", 1, low_stock=4, ceiling=6)
    assert kit(policy=policy, CUP=8, BEANS=8).status == "low_stock"
    answer = kit(policy=policy, standing=own(policy, DC=5), CUP=8, BEANS=8)
    assert (answer.quantity, answer.status) == (6, "in_stock")
    assert details(answer)["limits"] == "this channel is never told more than 6"


def test_few_kits_are_told_as_none_where_the_policy_says_so() -> None:
    answer = kit(policy=Policy("woo", 1, publish_zero_at=2), CUP=4, BEANS=4)
    assert (answer.quantity, answer.status) == (0, "out_of_stock")


def test_where_a_channel_has_locations_a_kit_is_assembled_within_one() -> None:
    policy = Policy("woo", 1, per_location=True)
    answer = kit(
        policy=policy,
        standing=own(policy, DC=1),
        CUP=part(9, DC=5, STORE=4),
        BEANS=part(9, DC=1, STORE=8),
    )
    assert answer.locations == (("DC", 2), ("STORE", 2))
    assert answer.quantity == 4


@pytest.mark.parametrize(
    ("bills", "kind", "says"),
    [
        ((bill("A", B=1), bill("B", C=1), bill("C", B=2)), "cyclic_bill", "B → C → B"),
        ((bill("A", A=1),), "cyclic_bill", "A → A"),
        ((bill("A"),), "bad_bill", "has no component"),
        ((bill("A", B=0),), "bad_bill", "of B"),
        ((Bill("A", 1, "1", (("B", 1), ("B", 2))),), "bad_bill", "names B more than once"),
        ((bill("A", B=10**12), bill("B", C=2)), "bill_too_large", "units of C"),
    ],
)
def test_a_bill_that_makes_no_sense_is_refused_with_what_is_wrong(
    bills: tuple[Bill, ...], kind: str, says: str
) -> None:
    with pytest.raises(ContractError, match=says) as raised:
        tree(*bills)
    assert raised.value.kind == kind


def test_the_limits_of_depth_and_size_are_exact() -> None:
    chain = [bill(f"K{n}", **{f"K{n + 1}": 1}) for n in range(NESTING_MAX)]
    assert len(tree(*chain).bills) == NESTING_MAX
    with pytest.raises(ContractError, match="11 levels"):
        tree(bill("TOP", K0=1), *chain)
    wide = {f"P{n}": 1 for n in range(PARTS_MAX)}
    assert len(tree(bill("W", **wide)).leaves) == PARTS_MAX
    with pytest.raises(ContractError, match="more than 500 SKUs"):
        tree(bill("W", ONE_MORE=1, **wide))


def test_the_ceiling_of_an_open_window_holds_for_the_sum() -> None:
    window = Promotion("sale", 10, 20, ceiling=4, skus=("BOX",))
    policy = Policy("woo", 1, ceiling=9, promotions=(window,))
    for moment_us, most in ((9, 9), (10, 4), (20, 9)):
        standing = compute(policy, SkuPositions("BOX"), Surroundings("", moment_us))
        assert kit(policy=policy, standing=standing, CUP=40, BEANS=40).quantity == most


def test_of_a_gross_kit_what_is_open_is_nothing_to_sell_and_comes_on_top_of_the_limits() -> None:
    policy = Policy("woo", 1, basis="gross", ceiling=4, low_stock=1)
    positions = SkuPositions("BOX")
    claimed = LocationNumbers(on_hand=3, reserved=3, claims=(("woo", 3, 0),))
    positions.put("A", claimed, 1)
    standing = compute(policy, positions)
    none = kit(policy=policy, standing=standing, CUP=0, BEANS=0)
    assert (none.quantity, none.status) == (3, "out_of_stock")
    one = kit(policy=policy, standing=standing, CUP=2, BEANS=9)
    assert (one.quantity, one.status) == (4, "low_stock")
    many = kit(policy=policy, standing=standing, CUP=20, BEANS=20)
    assert (many.quantity, many.status) == (7, "in_stock")
    soon = kit(policy=policy, standing=standing, CUP=part(4, "preorder", 9, 3), BEANS=9)
    assert (soon.quantity, soon.status, soon.next_available) == (5, "preorder", 9)
