"""What a simulated policy is said to have sold, oversold and lost, over any history."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.bodies import CHANNELS
from tests.support.explained import subject_of
from tests.support.histories import histories
from tests.support.ledger_subject import LedgerSubject
from tests.support.policies import policies

from stockfold.availability.policy import Policy
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Period
from stockfold.availability.what_if_sides import Side

ever = Period(0, 1 << 62)
sides = st.fixed_dictionaries({channel: policies(channel) for channel in CHANNELS})


def run(told: LedgerSubject, before: dict[str, Policy], after: dict[str, Policy]) -> WhatIf:
    found = WhatIf(Side(before), Side(after), ever)
    for fact in told.facts:
        found.take(fact)
    found.end_partition()
    return found


@settings(max_examples=60, deadline=None)
@given(histories(), sides, sides)
def test_figures_of_a_side_never_exceed_what_was_asked(
    inputs, before: dict[str, Policy], after: dict[str, Policy]
) -> None:
    found = run(subject_of(inputs), before, after)
    for channel, demand in found.demands.items():
        assert demand.asked == demand.accepted + demand.waited + demand.refused
        assert min(demand.accepted, demand.waited, demand.refused) >= 0
        assert 0 <= demand.oversold <= demand.asked - demand.accepted
        assert 0 <= demand.lost <= demand.refused
        assert demand.recomputed == demand.asked, "nothing was recorded"
        for outcomes in found.outcomes:
            outcome = outcomes.get(channel)
            if outcome is not None:
                assert 0 <= outcome.oversold <= outcome.sold <= demand.asked
                assert outcome.lost >= 0
                assert outcome.sold - outcome.oversold + outcome.lost <= demand.asked
                assert (sum(outcome.oversold_at), sum(outcome.lost_at)) == (
                    outcome.oversold,
                    outcome.lost,
                )


@settings(max_examples=60, deadline=None)
@given(histories(), sides)
def test_a_policy_against_itself_differs_in_nothing(inputs, policy: dict[str, Policy]) -> None:
    one, other = run(subject_of(inputs), policy, policy).outcomes
    assert one == other
