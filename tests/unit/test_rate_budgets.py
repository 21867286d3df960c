"""Rate budgets: what an account allows is never exceeded, by however many connections."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.channels import Charge
from stockfold.runtime.clock import ManualClock
from stockfold.runtime.rate_budgets import Budget, Budgets, of_one_account
from stockfold.runtime.settings import ChannelSettings, Settings
from stockfold_services.publisher.accounts import budgets_of

ONE_A_SECOND = (Charge("amazon|A1|patch", per_s=1.0, burst=5.0),)
TWO = {"de": frozenset({"de", "fr"}), "fr": frozenset({"de", "fr"})}


def send(budget: Budget, charges: tuple[Charge, ...] = ONE_A_SECOND) -> float:
    """Send a request and have it answered; how long it had to wait."""
    taken = budget.take(charges)
    budget.landed(taken, sent=True)
    return taken.wait_s


def test_the_first_request_goes_out_and_the_next_waits_for_its_tokens() -> None:
    clock = ManualClock()
    budget = Budgets(clock).of("de")
    assert send(budget) == 0.0
    assert budget.wait_s(ONE_A_SECOND) == 1.0
    clock.sleep(0.25)
    assert budget.wait_s(ONE_A_SECOND) == 0.75
    clock.sleep(0.75)
    assert send(budget) == 0.0


def test_a_rest_is_saved_up_to_the_burst_and_no_further() -> None:
    clock = ManualClock()
    budget = Budgets(clock).of("de")
    send(budget)
    clock.sleep(3_600)
    assert [send(budget) for _ in range(7)] == [0, 0, 0, 0, 0, 1, 2]


def test_who_comes_first_is_served_first() -> None:
    budget = Budgets(ManualClock()).of("de")
    waits = [budget.take(ONE_A_SECOND).wait_s for _ in range(4)]
    assert waits == [0.0, 1.0, 2.0, 3.0]


def test_what_was_not_sent_costs_nothing() -> None:
    budget = Budgets(ManualClock()).of("de")
    budget.landed(budget.take(ONE_A_SECOND), sent=False)
    assert budget.wait_s(ONE_A_SECOND) == 0.0


def test_a_request_waits_for_the_slowest_of_its_budgets() -> None:
    budget = Budgets(ManualClock()).of("de")
    charges = (*ONE_A_SECOND, Charge("amazon|A1|feed", per_s=0.5, burst=1.0))
    send(budget, charges)
    assert budget.wait_s(charges) == 2.0


def test_connections_of_one_process_that_name_one_bucket_share_it() -> None:
    budgets = Budgets(ManualClock(), TWO)
    de, fr = budgets.of("de"), budgets.of("fr")
    assert send(de) == 0.0
    assert fr.wait_s(ONE_A_SECOND) == 1.0


def test_operations_have_budgets_of_their_own() -> None:
    budget = Budgets(ManualClock()).of("de")
    send(budget)
    assert budget.wait_s((Charge("amazon|A1|feed", 0.01, 1.0),)) == 0.0


def test_a_process_that_holds_half_of_the_connections_has_half_of_the_budget() -> None:
    clock = ManualClock()
    held = {"de": True, "fr": True}
    budgets = Budgets(clock, TWO)
    de = budgets.of("de", lambda: held["de"])
    budgets.of("fr", lambda: held["fr"])
    send(de)
    assert de.wait_s(ONE_A_SECOND) == 1.0
    held["fr"] = False
    assert de.wait_s(ONE_A_SECOND) == 2.0
    clock.sleep(3_600)
    assert [send(de) for _ in range(4)] == [0, 0, 1, 3], "half of the burst, half of the rate"


def test_what_the_channel_tells_of_its_budget_is_believed() -> None:
    clock = ManualClock()
    budget = Budgets(clock).of("de")
    send(budget)
    budget.told([("amazon|A1|patch", 4.0), ("nobody|knows", 1.0)])
    assert [send(budget) for _ in range(5)] == [0, 0, 0, 0, 1]
    budget.told([("amazon|A1|patch", 0.0)])
    assert budget.wait_s(ONE_A_SECOND) == 1.0


def test_what_came_back_before_the_channel_told_its_level_is_not_counted_twice() -> None:
    clock = ManualClock()
    budget = Budgets(clock).of("de")
    send(budget)
    clock.sleep(0.5)
    budget.told([("amazon|A1|patch", 0.0)])
    assert budget.wait_s(ONE_A_SECOND) == 1.0


def test_what_is_under_way_may_not_be_counted_by_the_channel_yet() -> None:
    budget = Budgets(ManualClock()).of("de")
    budget.take(ONE_A_SECOND)
    under_way = budget.take(ONE_A_SECOND)
    budget.told([("amazon|A1|patch", 3.0)])
    assert send(budget) == 0.0
    assert budget.wait_s(ONE_A_SECOND) == 1.0
    budget.landed(under_way, sent=True)


@given(
    steps=st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["a", "b", "c"])), max_size=60),
    where=st.tuples(*(st.integers(0, 1) for _ in range(3))),
)
def test_two_processes_together_never_exceed_the_budget(
    steps: list[tuple[float, str]], where: tuple[int, int, int]
) -> None:
    clock = ManualClock()
    names = ["a", "b", "c"]
    every = dict.fromkeys(names, frozenset(names))
    processes = [Budgets(clock, every), Budgets(clock, every)]
    home = dict(zip(names, where, strict=True))
    budgets = {name: processes[home[name]].of(name) for name in names}
    sent_s: list[float] = []
    for pause_s, name in steps:
        clock.sleep(pause_s)
        if budgets[name].wait_s(ONE_A_SECOND) <= 0:
            send(budgets[name])
            sent_s.append(clock.monotonic_s())
    for first, start_s in enumerate(sent_s):
        for last in range(first, len(sent_s)):
            # A part that is smaller than one request still lets one go at once: one a process.
            allowed = 5 + len(processes) + (sent_s[last] - start_s)
            assert last - first + 1 <= allowed + 1e-6


def test_connections_are_of_one_account_when_their_requests_name_one_bucket() -> None:
    kinds = {"de": "amazon", "fr": "amazon", "us": "amazon", "web": "woocommerce"}
    buckets = {"de": ["A1|patch"], "fr": ["A1|patch"], "us": ["B2|patch"], "web": []}
    assert of_one_account(kinds, buckets) == {
        "de": {"de", "fr"},
        "fr": {"de", "fr"},
        "us": {"us"},
        "web": {"web"},
    }


@pytest.mark.usefixtures("tiny")
def test_accounts_are_found_from_the_settings_alone() -> None:
    def channel(name: str, seller: str, mode: str = "shadow") -> ChannelSettings:
        return ChannelSettings(
            name=name,
            kind="tiny",
            url="http://127.0.0.1:9",
            options={"seller": seller, "per_s": 1.0},
            credentials={"client_secret": "hush-tiny"},
            publishing={"mode": mode},
        )

    channels = [channel("de", "A1"), channel("fr", "A1"), channel("it", "A1", "off")]
    budgets = budgets_of(Settings(channels=[*channels, channel("us", "B2")]), ManualClock())
    charge = (Charge("tiny|A1", 1.0, 1.0),)
    fr = budgets.of("fr")
    send(fr, charge)
    assert fr.wait_s(charge) == 2.0, "de is held by another process, it is off"
    us = budgets.of("us")
    send(us, (Charge("tiny|B2", 1.0, 1.0),))
    assert us.wait_s((Charge("tiny|B2", 1.0, 1.0),)) == 1.0
