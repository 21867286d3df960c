"""What channels really were told, which policies held when, and what was silent."""

from __future__ import annotations

from typing import Any

from tests.support.explained import SKU, story
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story, minutes

from stockfold.availability.policy import Policy, RingFence, Silence
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Demand, Outcome, Period
from stockfold.availability.what_if_sides import Revision, Side, Silences
from stockfold.availability.what_was import NOTHING, Record, Told

PERIOD = Period(minutes(1), minutes(1001))


def told(version: int, quantity: int, seq: int, at: float, status: str = "in_stock") -> Told:
    return Told("web", SKU, version, quantity, status, seq, minutes(at))


def run(
    history: Story,
    record: list[Told],
    *revisions: Revision,
    wanted: dict[str, Policy] | None = None,
    silences: Silences = (),
) -> WhatIf:
    turns = {"web": list(revisions)}
    before, after = Side({}, history=turns), Side(wanted or {}, history=turns)
    found = WhatIf(before, after, PERIOD, silences)
    found.record = Record(record)
    assert isinstance(history.subject, LedgerSubject)
    for fact in history.subject.facts:
        found.take(fact)
    found.end_partition()
    return found


def in_force(found: WhatIf) -> Outcome:
    return found.outcomes[0]["web"]


def web(revision: int = 1, **terms: Any) -> Policy:
    return Policy("web", revision, **terms)


def demand_of(found: WhatIf) -> Demand:
    return found.demands["web"]


def test_a_channel_showed_the_last_version_before_the_fact() -> None:
    record = Record([told(2, 6, 2, 2), told(1, 10, 1, 1), told(3, 3, 2, 5)])
    assert record.shown(SKU, "web", 1, minutes(3)) == NOTHING
    assert record.shown(SKU, "web", 2, minutes(3)) == (10, "in_stock")
    assert record.shown(SKU, "web", 3, minutes(3)) == (6, "in_stock")
    assert record.shown(SKU, "web", 3, minutes(5)) == (3, "in_stock")


def test_a_version_that_is_not_kept_is_not_guessed() -> None:
    record = Record([told(2, 6, 2, 2), told(5, 1, 8, 9)])
    assert record.shown(SKU, "web", 2, minutes(3)) is None
    assert record.shown(SKU, "web", 4, minutes(3)) is None
    assert record.shown(SKU, "web", 9, minutes(9)) == (1, "in_stock")
    assert record.shown("SKU-2", "web", 9, minutes(9)) is None


def test_versions_that_are_gone_are_counted_between_those_around_them() -> None:
    around = Record([told(2, 6, 2, 0.5), told(5, 1, 8, 9), told(6, 2, 9, 2000)])
    assert around.publications(PERIOD.from_us, PERIOD.to_us) == ({"web": 3}, 0)
    begun = Record([told(1, 6, 2, 2), told(2, 1, 8, 9)])
    assert begun.publications(PERIOD.from_us, PERIOD.to_us) == ({"web": 2}, 0)


def test_a_listing_whose_first_or_last_versions_are_gone_is_told_at_least_so_often() -> None:
    for versions in (
        [told(4, 6, 2, 2), told(5, 1, 8, 9)],
        [told(3, 6, 2, 0.5), told(5, 6, 2, 2), told(8, 1, 8, 2000)],
    ):
        assert Record(versions).publications(PERIOD.from_us, PERIOD.to_us) == ({"web": 2}, 1)


def test_what_happened_is_judged_by_what_the_channel_was_really_told() -> None:
    history = story().receive("A", 10).at(minutes(2)).reserve("R1", 8).reserve("R2", 5)
    record = [told(1, 10, 1, 0), told(2, 4, 2, 2)]
    demand = demand_of(run(history, record, (0, web())))
    # R2 asked 5 of the 4 it was shown; there were 2, and the order would not take a part.
    assert (demand.accepted, demand.refused, demand.oversold, demand.lost) == (8, 5, 4, 2)
    assert (demand.publications, demand.recomputed) == (1, 0)


def test_units_that_wait_as_they_were_shown_are_not_oversold() -> None:
    history = story().receive("A", 1).at(minutes(2))
    history.reserve("R1", 3, allow_backorder=True)
    for status, oversold in (("backorder", 0), ("in_stock", 3)):
        demand = demand_of(run(history, [told(1, 5, 1, 0, status)], (0, web())))
        assert (demand.waited, demand.oversold, demand.lost) == (3, oversold, 0)


def test_without_a_record_the_policies_in_force_say_what_was_shown() -> None:
    history = story().receive("A", 10).at(minutes(2)).reserve("R1", 3, "B")
    demand = demand_of(run(history, [], (0, web(ceiling=2))))
    assert (demand.recomputed, demand.oversold) == (3, 2)


def test_each_revision_holds_from_its_time_on() -> None:
    history = story().receive("A", 10).at(minutes(2)).reserve("R1", 6)
    history.at(minutes(20)).receive("A", 6).reserve("R2", 6)
    found = in_force(run(history, [], (0, web()), (minutes(10), web(2, ceiling=1))))
    assert (found.sold, found.lost) == (6 + 1, 5)
    # R1, the revision, and nothing more that a channel would see.
    assert found.publications == 2


def test_a_channel_without_a_policy_yet_shows_nothing() -> None:
    history = story().receive("A", 10).at(minutes(2)).reserve("R1", 6)
    turns = (minutes(10), web()), (minutes(20), None)
    found = in_force(run(history.at(minutes(30)).reserve("R2", 1), [], *turns))
    assert (found.sold, found.lost) == (0, 7)


def test_fences_of_then_are_those_of_the_journal_and_those_simulated_are_as_wanted() -> None:
    history = story().receive("A", 10).fence("shop", 8).at(minutes(2)).reserve("R1", 5)
    shop = Policy("shop", 2, ring_fences=(RingFence(4, sku=SKU),))
    found = run(history, [], (0, web()), wanted={"shop": shop})
    assert [outcomes["web"].sold for outcomes in found.outcomes] == [2, 5]


def test_a_silent_location_counts_as_the_policy_says_while_it_was_silent() -> None:
    silence = Silence("zero", after_s=600)
    history = story().receive("A", 10)
    for minute in (25, 45, 65):
        history.at(minutes(minute)).reserve(f"R{minute}", 2)
    silences: Silences = [(minutes(30), {"A": minutes(25)}), (minutes(50), {})]
    found = in_force(run(history, [], (0, web(silence=silence)), silences=silences))
    assert (found.sold, found.lost) == (2 + 0 + 2, 2)
    # R25; silent for longer than it is trusted, at 35; heard again at 50; R65.
    assert found.publications == 4


def test_a_policy_that_trusts_a_silent_source_sees_nothing_of_it() -> None:
    history = story().receive("A", 10).at(minutes(45)).reserve("R1", 2)
    silences: Silences = [(minutes(30), {"A": minutes(25)})]
    found = in_force(run(history, [], (0, web()), silences=silences))
    assert (found.sold, found.publications) == (2, 1)
