"""Order promising: by when a channel can have so many units, and why."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.histories import START_US, Input, histories
from tests.support.journals import journal_of
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story

from stockfold.availability.policy import Policy, Preorder
from stockfold.availability.promises import Ask, Promised, ask_for
from stockfold.availability.promising import promise
from stockfold.availability.waiting import served
from stockfold.contracts.journal import Mark, decode_entry
from stockfold.domain.times import DAY_US
from stockfold.ledger.evolve import evolve
from stockfold.ledger.outlook import Outlook, outlook_of
from stockfold.ledger.sourcing import allowance
from stockfold.ledger.state import SkuState

TODAY = START_US // DAY_US


@pytest.fixture
def story() -> Story:
    return Story(LedgerSubject("SKU-1"))


def day_of(us: int) -> int:
    return us // DAY_US


def asked(story: Story, quantity: int, **terms: object) -> Promised:
    ask = Ask(**{"quantity": quantity, "today": TODAY, "days": 30, "channel": "web", **terms})
    return promise(outlook_of(story.subject.state), ask, day_of)


def expect(
    story: Story, line: str, units: int, day: int | None, place: str = "A", confidence: int = 100
) -> None:
    story.tell(
        "InboundExpected",
        inbound="PO",
        line=line,
        location=place,
        quantity=units,
        eta=None if day is None else START_US + day * DAY_US,
        confidence=confidence,
        revision=1,
    )


def reserve(story: Story, name: str, units: int, **terms: object) -> None:
    story.tell(
        "ReserveStock",
        reservation=name,
        order=name,
        line="1",
        **{"channel": "web", "quantity": units, "locations": ["A"], **terms},
    )


def test_what_is_on_hand_and_free_can_leave_after_the_lead_time(story: Story) -> None:
    story.receive("A", 5)
    reserve(story, "R", 2)
    found = asked(story, 3, lead_time_days=2)
    assert (found.available_on, found.dispatch_on) == (TODAY, TODAY + 2)
    assert [(p.location, p.units) for p in found.parts] == [("A", 3)]
    assert found.reasons[0].endswith("2 days after they are there (the channel's lead time).")
    assert found.reasons[1] == "A has the 3: 5 on hand, 2 of them claimed."
    assert found.reservable_now == 3


def test_the_inbound_line_that_supplies_it_is_named_with_its_confidence(story: Story) -> None:
    story.receive("A", 5)
    expect(story, "1", 10, 2, confidence=80)
    found = asked(story, 8)
    assert found.available_on == TODAY + 2
    assert "10 of inbound PO line 1, due " in found.reasons[1]
    assert "(confidence 80 %)" in found.reasons[1]
    assert "only 5 could be promised" in found.reasons[2]
    assert "confirmed for 5 at once" in found.reasons[3]


def test_later_demand_holds_back_what_is_there_sooner(story: Story) -> None:
    story.receive("A", 20)
    reserve(story, "R", 15, needed_on=TODAY + 4)
    expect(story, "1", 10, 6)
    assert asked(story, 5).available_on == TODAY
    found = asked(story, 12)
    assert found.available_on == TODAY + 6
    (whole,) = found.locations
    assert "only 5 are left: 15 for order R line 1" in whole.reasons[-1]


def test_never_by_what_is_known_is_an_answer_and_overdue_supply_stands_beside(
    story: Story,
) -> None:
    story.receive("A", 2)
    expect(story, "1", 10, -1)
    expect(story, "2", 4, None)
    found = asked(story, 6)
    assert (found.available_on, found.dispatch_on, found.parts) == (None, None, ())
    assert found.reasons[0].startswith("Never, by what is known: until ")
    assert found.reasons[0].endswith("at most 2 of 6.")
    assert [s.line for s in found.overdue] == ["1"]
    assert [s.line for s in found.undated] == ["2"]


def test_supply_that_is_not_trusted_enough_is_not_relied_on(story: Story) -> None:
    expect(story, "1", 10, 2, confidence=40)
    found = asked(story, 5, confidence=50)
    assert found.available_on is None
    assert [s.line for s in found.untrusted] == ["1"]
    assert asked(story, 5, confidence=40).available_on == TODAY + 2


def test_a_split_is_earlier_than_any_location_alone(story: Story) -> None:
    story.receive("A", 3).receive("B", 4)
    expect(story, "1", 10, 5)
    found = asked(story, 6)
    assert found.available_on == TODAY
    assert [(p.location, p.units) for p in found.parts] == [("B", 4), ("A", 2)]
    alone = {whole.location: whole.available_on for whole in found.locations}
    assert alone == {"A": TODAY + 5, "B": None}


def test_only_the_locations_asked_for_count(story: Story) -> None:
    story.receive("A", 3).receive("B", 4)
    found = asked(story, 4, locations=("A", "C"))
    assert found.available_on is None
    assert [whole.location for whole in found.locations] == ["A", "C"]


def test_who_waits_already_is_served_before(story: Story) -> None:
    reserve(story, "R", 4, allow_backorder=True)
    expect(story, "1", 10, 2)
    assert asked(story, 6).available_on == TODAY + 2
    assert asked(story, 7).available_on is None


def test_one_who_waits_elsewhere_holds_nothing_back(story: Story) -> None:
    story.receive("B", 5)
    reserve(story, "R", 4, allow_backorder=True)
    assert asked(story, 5, locations=("B",)).available_on == TODAY


def test_units_that_are_waited_for_at_a_place_are_not_taken_there(story: Story) -> None:
    reserve(story, "R", 4, allow_backorder=True)
    expect(story, "1", 5, 2)
    expect(story, "2", 5, 2, place="B")
    found = asked(story, 5)
    assert [(p.location, p.units) for p in found.parts] == [("B", 5)]
    found = asked(story, 6)
    assert [(p.location, p.units) for p in found.parts] == [("B", 5), ("A", 1)]
    assert asked(story, 7).available_on is None


def test_one_who_waits_for_later_units_at_another_place_keeps_what_is_there(story: Story) -> None:
    expect(story, "1", 5, 2, place="B")
    terms = {"allow_backorder": True, "supply_line": {"inbound": "PO", "line": "1"}}
    reserve(story, "R", 5, **terms)
    expect(story, "2", 5, 1)
    assert asked(story, 5).available_on == TODAY + 2
    assert [(p.location, p.units) for p in asked(story, 5).parts] == [("B", 5)]
    assert asked(story, 6).available_on is None


def test_units_fenced_for_another_channel_are_not_promised(story: Story) -> None:
    story.receive("A", 10)
    story.tell("RingFenceSet", channel="shop", quantity=6, priority=1, revision=1)
    assert asked(story, 4).available_on == TODAY
    assert asked(story, 5).available_on is None
    assert asked(story, 10, channel="shop").available_on == TODAY
    assert asked(story, 1).reservable_now == 4


def test_a_quantity_of_nothing_is_refused(story: Story) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        asked(story, 0)


def test_the_terms_are_those_of_the_policy() -> None:
    policy = Policy("web", 1, lead_time_days=3, preorder=Preorder(confidence=70))
    ask = ask_for(5, TODAY, 30, policy, ("A", "B"), ("B",))
    assert (ask.locations, ask.lead_time_days, ask.confidence) == (("B",), 3, 70)
    with pytest.raises(ValueError, match="may not promise from C"):
        ask_for(5, TODAY, 30, policy, ("A", "B"), ("B", "C"))


@given(
    st.dictionaries(st.frozensets(st.sampled_from("ABC"), min_size=1), st.integers(1, 9)),
    st.dictionaries(st.sampled_from("ABC"), st.integers(-3, 9)),
)
def test_who_waits_is_served_as_far_as_any_assignment_could(waiting: dict, free: dict) -> None:
    # By the theorem of minimum cuts: some set of places is the bottleneck.
    cuts = [
        sum(max(free.get(p, 0), 0) for p in cut)
        + sum(units for places, units in waiting.items() if not places <= set(cut))
        for size in range(4)
        for cut in combinations("ABC", size)
    ]
    assert served(waiting, free) == min(cuts)


def outlooks(history: list[Input]) -> list[tuple[SkuState, Outlook]]:
    states: dict[str, SkuState] = {}
    for message in journal_of(history).records:
        entry = decode_entry(message.value())
        if not isinstance(entry, Mark):
            sku = message.key().decode()
            evolve(states.setdefault(sku, SkuState(sku)), entry)
    return [(state, outlook_of(state)) for state in states.values()]


@settings(max_examples=60, deadline=None)
@given(histories(size=30), st.integers(1, 30), st.sampled_from(["web", "shop", ""]))
def test_what_holds_of_every_promise(history: list[Input], quantity: int, channel: str) -> None:
    for state, outlook in outlooks(history):
        terms = {"today": TODAY, "days": 40, "channel": channel}
        found = promise(outlook, Ask(quantity, **terms), day_of)
        assert sum(part.units for part in found.parts) in {0, quantity}
        assert (found.available_on is None) == (not found.parts)
        for part in found.parts:
            assert part.units > 0
            assert part.available_on <= found.available_on
            alone = promise(outlook, Ask(part.units, locations=(part.location,), **terms), day_of)
            assert alone.available_on == part.available_on
        for whole in found.locations:
            if whole.available_on is not None:
                assert found.available_on is not None
                assert found.available_on <= whole.available_on
        # What more is asked is never there sooner.
        more = promise(outlook, Ask(quantity + 1, **terms), day_of)
        if more.available_on is not None:
            assert found.available_on is not None
            assert found.available_on <= more.available_on
        bound = min(state.pool(), allowance(state, channel))
        assert found.reservable_now == max(bound, 0)
