"""The production loop over thousands of seeded histories; and proof that this can fail."""

from __future__ import annotations

import pytest

from .broken import BROKEN
from .history import History
from .oracle import judge

HISTORIES = 2_000
AT_ONCE = 100
SEEDS_TO_NOTICE_MAX = 400


def run(seed: int) -> History:
    try:
        history = History(seed).run()
        judge(history)
    except AssertionError as error:
        raise AssertionError(f"{error}\nreplay it: make simulate SEED={seed}") from error
    return history


@pytest.mark.parametrize("first", range(0, HISTORIES, AT_ONCE))
def test_whatever_goes_wrong_nothing_is_lost_doubled_or_seen_too_early(first: int) -> None:
    for seed in range(first, first + AT_ONCE):
        run(seed)


@pytest.mark.parametrize("mistake", BROKEN)
def test_the_simulation_notices_that(mistake: str) -> None:
    """Among them are the mistakes that it found: the same seed agrees once they are mended."""
    for seed in range(SEEDS_TO_NOTICE_MAX):
        try:
            judge(History(seed, BROKEN[mistake]).run())
        except AssertionError:
            run(seed)
            return
    pytest.fail(f"{SEEDS_TO_NOTICE_MAX} histories did not notice that {mistake}")


def test_a_seed_replays_to_the_same_trace_and_the_same_log() -> None:
    for seed in range(5):
        one, other = run(seed), run(seed)
        assert one.world.trace == other.world.trace
        assert {place: p.high for place, p in one.log.partitions.items()} == {
            place: p.high for place, p in other.log.partitions.items()
        }


def test_faults_of_every_kind_happen_at_every_kind_of_call() -> None:
    happened = {
        (fault.kind, fault.call)
        for seed in range(150)
        for fault in History(seed).run().plan.happened
    }
    kinds = {kind for kind, _ in happened}
    assert kinds == {
        "kill before", "kill after", "stop before", "stop after", "lose request", "lose reply",
        "late request", "outage", "clock", "leave", "deaf",
    }  # fmt: skip
    assert {call for _, call in happened} >= {"produce", "send_offsets", "commit", "consume"}


def test_ledgers_recover_from_snapshots_and_meet_damaged_ones() -> None:
    kept = [run(seed).snapshots for seed in range(0, 60, 2)]
    assert sum(k.store.found for k in kept if k.store is not None) > 10
    assert sum(k.damaged for k in kept) > 10
