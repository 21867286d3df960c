"""Recorded history under two policies: what each would have sold, oversold, lost and published."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.explained import SKU, story
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story, minutes

from stockfold.availability.of_ledger import could_give, positions_of
from stockfold.availability.policy import Policy, Promotion, RingFence
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Outcome, Period
from stockfold.availability.what_if_sides import Side

PERIOD = Period(minutes(1), minutes(1001))


@pytest.fixture
def told() -> Story:
    return story().receive("A", 10).at(minutes(2))


def run(told: Story, before: list[Policy], after: list[Policy], **known: Any) -> WhatIf:
    found = WhatIf(
        Side({p.channel: p for p in before}), Side({p.channel: p for p in after}), PERIOD
    )
    found.categories = known
    assert isinstance(told.subject, LedgerSubject)
    for fact in told.subject.facts:
        found.take(fact)
    found.end_partition()
    return found


def web(**terms: Any) -> list[Policy]:
    return [Policy("web", 1, **terms)]


def outcomes(found: WhatIf, channel: str = "web") -> tuple[Outcome, Outcome]:
    before, after = (outcomes[channel] for outcomes in found.outcomes)
    return before, after


def figures(outcome: Outcome) -> tuple[int, int, int, int]:
    return outcome.publications, outcome.sold, outcome.oversold, outcome.lost


def test_the_same_policy_on_both_sides_makes_no_difference(told: Story) -> None:
    told.reserve("R1", 4).reserve("R2", 7).reserve("R3", 6)
    before, after = outcomes(run(told, web(safety_stock=2), web(safety_stock=2)))
    assert before == after


def test_what_really_happened_is_counted_by_channel(told: Story) -> None:
    told.reserve("R1", 4).reserve("R2", 7).reserve("R3", 6)
    found = run(told, web(), web())
    demand = found.demands["web"]
    assert (demand.asked, demand.accepted, demand.waited, demand.refused) == (17, 10, 0, 7)


def test_safety_stock_loses_what_stock_would_have_covered(told: Story) -> None:
    told.reserve("R1", 4).reserve("R2", 6)
    before, after = outcomes(run(told, web(), web(safety_stock=3)))
    assert (before.sold, before.oversold, before.lost) == (10, 0, 0)
    assert (after.sold, after.oversold, after.lost) == (7, 0, 3)


def test_what_a_side_did_not_sell_is_still_there_for_the_next_demand(told: Story) -> None:
    told.reserve("R1", 9).reserve("R2", 1).at(minutes(3)).receive("A", 2).reserve("R3", 2)
    after = outcomes(run(told, web(), web(safety_stock=8)))[1]
    # 2 of R1, then with 8 left nothing of R2; with the 2 received, both of R3.
    assert (after.sold, after.lost) == (4, 8)


def test_units_given_back_are_not_counted_twice(told: Story) -> None:
    told.reserve("R1", 10, order="O1").cancel("O1").reserve("R2", 20)
    before, after = outcomes(run(told, web(), web(ceiling=4)))
    assert (before.sold, before.lost) == (20, 0)
    assert (after.sold, after.lost) == (4 + 4, 6 + 6)


def test_a_place_shown_whose_stock_the_ledger_does_not_give_is_oversold(told: Story) -> None:
    told.fence("shop", 8).at(minutes(3)).reserve("R1", 5)
    fenced = [Policy("web", 1), Policy("shop", 1, ring_fences=(RingFence(8, sku=SKU),))]
    free = [Policy("web", 2), Policy("shop", 2, ring_fences=())]
    before, after = outcomes(run(told, fenced, free))
    assert (before.sold, before.oversold, before.lost) == (2, 0, 0)
    assert (after.sold, after.oversold, after.lost) == (5, 0, 0)


def test_stock_at_places_that_the_order_may_not_use_is_oversold(told: Story) -> None:
    told.reserve("R1", 4, "B")
    everywhere, there = outcomes(run(told, web(), web(locations=("B",))))
    assert (everywhere.sold, everywhere.oversold, everywhere.lost) == (4, 4, 0)
    assert (there.sold, there.oversold, there.lost) == (0, 0, 0)


def test_publications_are_counted_only_where_a_channel_sees_a_difference(told: Story) -> None:
    told.reserve("R1", 1).reserve("R2", 1).reserve("R3", 1)
    before, after = outcomes(run(told, web(), web(ceiling=5)))
    assert (before.publications, after.publications) == (3, 0)


def test_a_window_is_published_by_its_edges_alone(told: Story) -> None:
    window = Promotion("sale", minutes(60), minutes(120), units=6)
    told.at(minutes(90)).reserve("R1", 5)
    before, after = outcomes(run(told, web(), web(promotions=(window,))))
    assert figures(before) == (1, 5, 0, 0)
    # Its beginning; the order of 5, of which it showed 4; its end.
    assert figures(after) == (3, 4, 0, 1)


def test_the_category_decides_on_the_rules_of_a_sku(told: Story) -> None:
    told.reserve("R1", 10)
    fences = [Policy("shop", 1, ring_fences=(RingFence(4, category="food"),)), *web()]
    after = outcomes(run(told, web(), fences, **{SKU: "food/tea"}))[1]
    assert (after.sold, after.oversold) == (6, 0)


def test_only_demand_of_the_period_counts() -> None:
    told = story().receive("A", 10).reserve("R1", 1).at(minutes(2)).reserve("R2", 1)
    told.at(PERIOD.to_us).reserve("R3", 1)
    found = run(told, web(), web())
    assert (found.demands["web"].asked, found.facts) == (1, 1)


def test_sums_are_kept_by_part_of_the_period(told: Story) -> None:
    told.at(minutes(501)).reserve("R1", 10)
    after = outcomes(run(told, web(), web(safety_stock=3)))[1]
    assert [n for n, units in enumerate(after.lost_at) if units] == [50]


def test_units_missing_are_counted_when_they_begin_to_miss(told: Story) -> None:
    told.reserve("R1", 8).adjust("A", -5).adjust("A", 3)
    assert run(told, web(), web()).deficit_units == 3


def test_a_channel_without_a_policy_is_counted_but_shows_nothing(told: Story) -> None:
    told.reserve("R1", 2, channel="amazon")
    found = run(told, web(), web())
    assert found.demands["amazon"].accepted == 2
    assert all("amazon" not in outcomes for outcomes in found.outcomes)


def test_positions_have_what_was_sold_besides(told: Story) -> None:
    assert isinstance(told.subject, LedgerSubject)
    told.reserve("R1", 2)
    found = positions_of(told.subject.state, {("A", "web"): 3}).locations["A"]
    assert (found.on_hand, found.reserved, found.atp, found.claims) == (10, 5, 5, (("web", 5, 0),))


def test_what_could_be_given_leaves_the_fences_of_others(told: Story) -> None:
    assert isinstance(told.subject, LedgerSubject)
    told.fence("shop", 7)
    known = positions_of(told.subject.state)
    assert could_give(known, "web", ("A",)) == 3
    assert could_give(known, "shop", ("A",)) == 10
    assert could_give(known, "shop", ("B",)) == 0
