"""A plan: what every channel's numbers would become, with its fences as if they were folded."""

from __future__ import annotations

from tests.support.promise_story import NOW_US, shelf

from stockfold.availability.policy import Policy, RingFence, Silence
from stockfold.availability.positions import Summary
from stockfold.availability.schedule import Times
from stockfold.availability.surroundings import NO_PLACES
from stockfold.domain.bills import Bill, grow
from stockfold_services.availability.kits.memory import Kit
from stockfold_services.availability.memory import SkuMemory
from stockfold_services.cli.policy_overlaps import refusals
from stockfold_services.cli.policy_plan import Change, ChannelPlan, Plan, Planner

NOW = Times(NOW_US)


def sku(name: str, units: int, summary: Summary | None = None, **claims: int) -> SkuMemory:
    memory = SkuMemory(name)
    memory.positions.put("BERLIN", shelf(units, claims=claims), 1)
    if summary is not None:
        memory.positions.put_summary(summary, 2)
    return memory


def plan(
    in_force: list[Policy],
    wanted: list[Policy],
    skus: list[SkuMemory],
    largest: int = 5,
    times: Times = NOW,
) -> Plan:
    planner = Planner({p.channel: p for p in in_force}, wanted, NO_PLACES, times, largest)
    planner.take(skus, {part for memory in skus if memory.kit for part in memory.kit.tree.parts})
    return planner.plan()


def of(found: Plan, channel: str) -> ChannelPlan:
    return next(one for one in found.channels if one.channel == channel)


def test_every_channel_is_summed_before_and_after_and_the_largest_changes_named() -> None:
    skus = [sku("a", 10), sku("b", 3), sku("c", 2), sku("d", 0)]
    found = plan([Policy("woo", 1)], [Policy("woo", 2, safety_stock=3)], skus, largest=2)
    assert found.channels == [
        ChannelPlan(
            "woo",
            skus=4,
            changed=3,
            units_before=15,
            units_after=7,
            to_zero=2,
            largest=[
                Change("a", 10, 7, "in_stock", "in_stock"),
                Change("b", 3, 0, "in_stock", "out_of_stock"),
            ],
        )
    ]


def test_a_new_channel_was_told_nothing_before() -> None:
    found = plan([], [Policy("woo", 1)], [sku("a", 4)])
    assert of(found, "woo").largest == [Change("a", None, 4, None, "in_stock")]
    assert of(found, "woo").from_zero == 1


def test_fences_are_taken_as_the_ledger_would_fold_them_for_every_channel() -> None:
    fenced = Policy("woo", 2, ring_fences=(RingFence(4, sku="a"),))
    skus = [sku("a", 10)]
    found = plan([Policy("woo", 1), Policy("shop", 1)], [fenced], skus)
    assert (of(found, "shop").units_before, of(found, "shop").units_after) == (10, 6)
    assert of(found, "woo").changed == 0
    # The SKU itself is as it was.
    assert skus[0].positions.summary.fences == ()


def test_fences_of_several_channels_above_the_pool_are_named() -> None:
    summary = Summary(fences=(("shop", 5, 0, 1),))
    fenced = Policy("woo", 1, ring_fences=(RingFence(4, sku="a"),))
    (overlap,) = plan([], [fenced], [sku("a", 8, summary)]).overlaps
    assert overlap.sentence == (
        "the ring-fences of a add up to 9 units (shop 5, woo 4), which is above its pool of 8"
    )
    assert plan([], [fenced], [sku("a", 9, summary)]).overlaps == []


def test_what_a_channels_own_orders_have_used_up_of_a_fence_does_not_overlap() -> None:
    summary = Summary(fences=(("shop", 5, 0, 1),))
    fenced = Policy("woo", 1, ring_fences=(RingFence(4, sku="a"),))
    assert plan([], [fenced], [sku("a", 9, summary, shop=2)]).overlaps == []
    assert len(plan([], [fenced], [sku("a", 9, summary, amazon=2)]).overlaps) == 1


def test_one_fence_above_the_pool_overlaps_with_nothing() -> None:
    fenced = Policy("woo", 1, ring_fences=(RingFence(40, sku="a"),))
    assert plan([], [fenced], [sku("a", 8)]).overlaps == []


def test_sources_that_are_silent_now_count_as_the_policies_say() -> None:
    times = Times(NOW_US, {"BERLIN": NOW_US - 60_000_000})
    found = plan(
        [Policy("woo", 1)], [Policy("woo", 2, silence=Silence("zero"))], [sku("a", 8)], times=times
    )
    assert (of(found, "woo").units_before, of(found, "woo").units_after) == (8, 0)


def test_a_sku_that_only_the_catalogue_knows_is_not_planned() -> None:
    assert of(plan([], [Policy("woo", 1)], [SkuMemory("a")]), "woo").skus == 0


def test_of_very_many_changes_the_largest_are_kept() -> None:
    skus = [sku(f"s{n}", n) for n in range(1, 2_500)]
    found = plan([], [Policy("woo", 1)], skus, largest=2)
    assert [change.sku for change in of(found, "woo").largest] == ["s2499", "s2498"]
    assert of(found, "woo").changed == 2_499


def test_a_kit_becomes_what_its_components_become() -> None:
    kit = sku("box", 2)
    kit.kit = Kit("box")
    kit.kit.tree = grow("box", {"box": Bill("box", 1, "1", (("cup", 2), ("beans", 1)))})
    stock = [kit, sku("cup", 9), sku("beans", 20)]
    found = of(plan([Policy("woo", 1)], [Policy("woo", 2, safety_stock=1)], stock), "woo")
    assert Change("box", 6, 5, "in_stock", "in_stock") in found.largest
    assert (found.skus, found.units_before, found.units_after) == (3, 35, 32)


def test_fences_of_a_category_above_a_pool_are_refused_at_the_rule_that_asks_for_them() -> None:
    woo = Policy("woo", 1, ring_fences=(RingFence(1, sku="x"), RingFence(4, category="food")))
    shop = Policy("shop", 1, ring_fences=(RingFence(5, category="food/tea"),))
    stock = [sku(name, 8) for name in "abcdef"]
    for memory in stock[:5]:
        memory.category = "food/tea"
    found = plan([], [woo, shop], stock)
    assert [overlap.sku for overlap in found.overlaps] == list("abcde")
    ((number, (place, sentence)),) = refusals([woo, shop], {}, found.overlaps)
    assert (number, place) == (1, ("ring_fences", 0))
    assert sentence == (
        "the ring-fences of a add up to 9 units (woo 4, shop 5), which is above its pool of 8; "
        "so it is of b, c, d and 1 more"
    )
    # The policy that stands is not the one that is refused.
    assert [n for n, _ in refusals([woo, shop], {"shop": shop}, found.overlaps)] == [0]
