"""The work that a change of policy leaves: bounded, widened by later changes, and its progress."""

from __future__ import annotations

import logging

import pytest
from tests.support.availability_harness import PARTITION, Harness

from stockfold.availability.policy import Policy, Promotion, RingFence, Safety, Silence
from stockfold.availability.reach import EVERYTHING, NOTHING, Reach
from stockfold.contracts.codec import decode
from stockfold.contracts.progress import Standing
from stockfold.contracts.topics import REEVALUATION
from stockfold.domain.times import SECOND_US
from stockfold_services.availability import processor as module
from stockfold_services.availability.backlog import Backlog, Progress

SKUS = ("a", "b", "c")


@pytest.fixture
def harness() -> Harness:
    found = Harness()
    found.policy(Policy("woo", 1))
    for sku in SKUS:
        found.position(sku, "BERLIN", 10)
    found.position("c", "ROME", 5)
    found.item("b", "food/tea")
    return found.settle()


def told(harness: Harness, policy: Policy) -> dict[str, int]:
    """The SKUs that a policy has told anew, and their versions."""
    before = {sku: len(harness.told(sku=sku)) for sku in SKUS}
    harness.policy(policy)
    harness.settle()
    after = {sku: harness.told(sku=sku) for sku in SKUS}
    return {sku: after[sku][-1]["version"] for sku in SKUS if len(after[sku]) > before[sku]}


def test_a_change_that_touches_nothing_leaves_nothing() -> None:
    backlog = Backlog()
    backlog.add("woo", ["a"], NOTHING, None)
    assert not backlog
    assert backlog.unseen == 0


def test_a_later_change_begins_anew_and_touches_what_either_touches() -> None:
    backlog = Backlog()
    backlog.add("woo", ["a", "b"], Reach(skus=frozenset("a")), None)
    backlog.scans["woo"].next = 1
    backlog.add("woo", ["a", "b"], Reach(skus=frozenset("b")), None)
    assert backlog.scans["woo"].reach == Reach(skus=frozenset("ab"))
    assert backlog.unseen == 2
    backlog.add("woo", ["a", "b"], EVERYTHING, None)
    assert backlog.scans["woo"].reach == EVERYTHING


@pytest.mark.parametrize(
    ("policy", "touched"),
    [
        (Policy("woo", 2, safety_stock=1), {"a": 2, "b": 2, "c": 2}),
        (Policy("woo", 2, safety=(Safety(1, category="food"),)), {"b": 2}),
        (Policy("woo", 2, safety=(Safety(1, location="ROME"),)), {"c": 2}),
        (Policy("woo", 2, silence=Silence("zero")), {}),
        (Policy("woo", 2, promotions=(Promotion("x", 10**15, 10**16, units=1),)), {}),
    ],
)
def test_a_policy_tells_what_it_touches_with_the_next_version(
    harness: Harness, policy: Policy, touched: dict[str, int]
) -> None:
    assert told(harness, policy) == touched


def test_a_fence_of_another_channel_tells_this_one(harness: Harness) -> None:
    harness.policy(Policy("shop", 1, ring_fences=(RingFence(4, sku="a"),)))
    harness.settle()
    assert [event["quantity"] for event in harness.told(sku="a")] == [10, 6]
    assert [event["version"] for event in harness.told(sku="a")] == [1, 2]


def test_a_kill_in_the_middle_of_a_change_loses_and_repeats_no_version(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_PER_TICK_MAX", 1)
    harness.policy(Policy("woo", 2, safety_stock=3))
    for _ in range(6):
        harness.batch(abort=True)
        harness.batch()
        harness.start()
    harness.settle()
    for sku in SKUS:
        assert [event["version"] for event in harness.told(sku=sku)] == [1, 2]


def standings(*moments: tuple[float, int, int]) -> list[Standing | None]:
    """What is said of (seconds, listings unseen, listings untold), after a process's first work."""
    progress = Progress()
    progress.look([], 0)
    found = []
    for seconds, unseen, untold in moments:
        backlog = Backlog()
        backlog.add("woo", [str(n) for n in range(unseen)], EVERYTHING, None)
        backlog.later = {("woo", str(n)): None for n in range(untold)}
        found.append(progress.look([backlog], int(seconds * SECOND_US)))
    return found


def test_progress_is_said_every_two_seconds_and_at_the_end() -> None:
    said = standings((10, 50, 0), (11, 40, 1), (12, 30, 2), (13, 0, 9), (14, 0, 0), (15, 0, 0))
    began_us = 10 * SECOND_US
    assert said == [
        None,
        None,
        Standing(began_us, 12 * SECOND_US, 50, 30, 2, 0, ("woo",)),
        None,
        Standing(began_us, 14 * SECOND_US, 50, 0, 0, 0, ("woo",)),
        None,
    ]


def test_what_is_done_within_a_second_is_not_worth_a_word() -> None:
    assert standings((1, 5, 0), (1.5, 0, 0)) == [None, None]


def test_the_first_work_of_a_process_is_said_however_short_it_was() -> None:
    progress = Progress()
    ended = progress.look([], SECOND_US)
    assert ended is not None
    assert ended.left == 0
    assert progress.look([], SECOND_US) is None


def test_a_long_change_says_how_far_it_is_and_what_fell_to_zero(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.settle()
    before = len(harness.log.records(REEVALUATION, 0))
    monkeypatch.setattr(module, "LOOKS_PER_TICK_MAX", 1)
    harness.policy(Policy("woo", 2, ceiling=0))
    for _ in range(3):
        harness.batch()
        harness.now_us += 2 * SECOND_US
    harness.settle()
    said = [decode(r.value())[1] for r in harness.log.records(REEVALUATION, 0)[before:]]
    assert [record["instance"] for record in said] == ["availability-1"] * len(said)
    assert said[-1]["unseen"] + said[-1]["untold"] == 0
    assert said[-1]["zeros"] == said[-1]["listings"] == len(SKUS)
    assert [record["unseen"] for record in said] == sorted(
        (record["unseen"] for record in said), reverse=True
    )
    assert len(said) > 1


def test_a_long_change_is_logged(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "LOOKS_PER_TICK_MAX", 1)
    monkeypatch.setattr(module, "EVENTS_PER_TICK_MAX", 1)
    caplog.set_level(logging.INFO)
    harness.policy(Policy("woo", 2, safety_stock=1))
    harness.batch()
    assert harness.processor.partitions[PARTITION].backlog
    harness.now_us += 10 * SECOND_US
    harness.settle()
    assert "listings are yet to be looked at again, after 10 s" in caplog.text
    assert "listings looked at again in" in caplog.text
