"""When a canary is counted, when it is late, and that nothing silences it. Pure."""

from __future__ import annotations

import random
from itertools import pairwise

import msgspec
import pytest

from stockfold_services.sweeper.canary import (
    Proof,
    Step,
    counted,
    follows,
    hindered_by,
    judged,
    next_count,
    next_step,
    schedule_of,
    told_again,
)

S = 1_000_000
PLAN = schedule_of(every_s=100, sla_s=10)
NEW = Proof(sku="CANARY")
SENT = counted(NEW, 7, 1_000 * S)


def step(proof: Proof, at_s: float, hindered: str = "") -> Step:
    return next_step(proof, PLAN, hindered, round(at_s * S))


def test_a_new_canary_is_counted_at_once_and_then_looked_for() -> None:
    assert step(NEW, 1_000) is Step.COUNT
    assert step(SENT, 1_000.5) is Step.LOOK


def test_one_that_was_seen_rests_until_it_is_due() -> None:
    proved = judged(SENT, 1_003 * S, PLAN, seen=True)
    assert (proved.outcome, proved.latency_us) == ("proved", 3 * S)
    assert step(proved, 1_099) is Step.REST
    assert step(proved, 1_100) is Step.COUNT


def test_one_that_is_not_seen_in_time_is_late_once_and_looked_for_on() -> None:
    waiting = judged(SENT, 1_010 * S, PLAN, seen=False, detail="not shown")
    assert waiting == SENT
    late = judged(SENT, 1_011 * S, PLAN, seen=False, detail="not shown")
    assert (late.outcome, late.detail) == ("late", "not shown")
    assert judged(late, 1_050 * S, PLAN, seen=False, detail="something else") == late
    assert step(late, 1_050) is Step.LOOK


def test_a_late_one_is_told_again_now_and_then_and_its_time_counts_from_the_first() -> None:
    late = judged(SENT, 1_011 * S, PLAN, seen=False)
    assert step(late, 1_100) is Step.COUNT_AGAIN
    again = told_again(late, 1_100 * S)
    assert (again.counted, again.outcome, again.correlation) == (7, "late", SENT.correlation)
    assert step(again, 1_150) is Step.LOOK
    proved = judged(again, 1_160 * S, PLAN, seen=True)
    assert (proved.outcome, proved.latency_us, proved.detail) == ("proved", 160 * S, "")


def test_a_connection_that_cannot_follow_raises_no_alert_and_begins_anew_when_it_can() -> None:
    late = judged(SENT, 1_011 * S, PLAN, seen=False)
    for proof in (NEW, SENT, late):
        assert step(proof, 1_020, "paused") is Step.HINDERED
    paused = hindered_by(late, "paused")
    assert (paused.outcome, paused.detail) == ("hindered", "paused")
    assert step(paused, 2_000, "paused") is Step.REST
    assert step(paused, 2_000, "halted") is Step.HINDERED
    assert step(paused, 2_000) is Step.COUNT


@pytest.mark.parametrize("outcome", ["proved", "late"])
def test_a_clock_that_was_set_back_does_not_silence_it(outcome: str) -> None:
    proof = msgspec.structs.replace(SENT, outcome=outcome)
    assert step(proof, 10) in (Step.COUNT, Step.COUNT_AGAIN)


@pytest.mark.parametrize(("shown", "units"), [(None, 7), (0, 7), (-2, 7), (1, 0), (99, 0)])
def test_what_is_counted_must_change_what_the_shop_shows(shown: int | None, units: int) -> None:
    assert next_count(shown, 7) == units
    assert not follows(units, shown)


def test_policies_may_hold_some_of_it_back() -> None:
    assert follows(7, 5)
    assert not follows(7, 0)
    assert follows(0, 0)
    assert not follows(0, None)


def test_in_any_history_it_is_told_at_most_once_in_its_rhythm_and_no_late_one_goes_unsaid() -> None:
    for seed in range(200):
        dice = random.Random(seed)
        proof, now_us, told, waits_since = NEW, 10**15, [], 0
        for _ in range(400):
            now_us += dice.randint(1, 8) * S
            match next_step(proof, PLAN, "", now_us):
                case Step.COUNT:
                    proof = counted(proof, dice.choice([0, 7]), now_us)
                    told.append(now_us)
                    waits_since = now_us
                case Step.COUNT_AGAIN:
                    proof = told_again(proof, now_us)
                    told.append(now_us)
                case Step.LOOK:
                    proof = judged(proof, now_us, PLAN, seen=dice.random() < 0.1)
                    if proof.outcome != "proved" and now_us - waits_since > PLAN.sla_us:
                        assert proof.outcome == "late", f"seed {seed}"
                case _:
                    assert proof.outcome == "proved"
        assert all(b - a >= PLAN.every_us for a, b in pairwise(told))
