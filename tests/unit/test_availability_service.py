"""The availability processor: told on change only, once, versioned, over restarts."""

from __future__ import annotations

import logging

import pytest
from tests.support.availability_harness import PARTITION, Harness

from stockfold.availability.policy import Policy
from stockfold.contracts.codec import encode
from stockfold.contracts.topics import AVAILABILITY, POLICIES, POSITIONS
from stockfold_services.availability import processor as module


@pytest.fixture
def harness() -> Harness:
    found = Harness()
    found.policy(Policy("woo", 1))
    return found


def quantities(harness: Harness, channel: str = "woo", sku: str = "a") -> list[int]:
    return [event["quantity"] for event in harness.told(channel, sku)]


def versions(harness: Harness, channel: str = "woo", sku: str = "a") -> list[int]:
    return [event["version"] for event in harness.told(channel, sku)]


def test_a_position_is_told_to_every_channel_with_a_policy(harness: Harness) -> None:
    harness.policy(Policy("shop", 7, safety_stock=2))
    harness.position("a", "BERLIN", 10)
    harness.settle()
    assert (quantities(harness), quantities(harness, "shop")) == ([10], [8])
    told = harness.told("shop")[0]
    assert (told["policy_revision"], told["seq"], told["version"]) == (7, 1, 1)
    assert [step["what"] for step in told["steps"]] == ["on_hand", "safety_stock", "published"]


def test_without_a_policy_nothing_is_told() -> None:
    harness = Harness()
    harness.position("a", "BERLIN", 10)
    assert harness.settle().told() == []


def test_nothing_is_told_when_a_channel_would_see_no_difference(harness: Harness) -> None:
    harness.position("a", "BERLIN", 10)
    harness.settle()
    harness.position("a", "BERLIN", 12, allocated=2)
    harness.position("a", "PARIS", 0)
    harness.summary("a")
    harness.settle()
    assert quantities(harness) == [10]


def test_a_sku_below_zero_or_at_zero_is_the_same_to_a_channel(harness: Harness) -> None:
    harness.policy(Policy("woo", 2, safety_stock=5))
    for units in (0, 1, 5, 3):
        harness.position("a", "BERLIN", units)
        harness.settle()
    assert quantities(harness) == [0]


def test_another_status_of_the_same_quantity_is_told(harness: Harness) -> None:
    harness.position("a", "BERLIN", 3)
    harness.settle()
    harness.policy(Policy("woo", 2, low_stock=3))
    harness.settle()
    assert [event["status"] for event in harness.told()] == ["in_stock", "low_stock"]
    assert versions(harness) == [1, 2]


def test_another_breakdown_is_told_only_where_it_is_wanted(harness: Harness) -> None:
    harness.policy(Policy("amazon", 1, per_location=True))
    harness.position("a", "BERLIN", 3)
    harness.position("a", "PARIS", 1)
    harness.settle()
    harness.position("a", "BERLIN", 2)
    harness.position("a", "PARIS", 2)
    harness.settle()
    assert len(harness.told("woo")) == 1
    assert [event["locations"] for event in harness.told("amazon")] == [
        [{"location": "BERLIN", "quantity": 3}, {"location": "PARIS", "quantity": 1}],
        [{"location": "BERLIN", "quantity": 2}, {"location": "PARIS", "quantity": 2}],
    ]


def test_several_records_of_a_sku_in_a_batch_are_told_once(harness: Harness) -> None:
    for units in (1, 2, 3):
        harness.position("a", "BERLIN", units)
    harness.position("a", "PARIS", 4)
    harness.settle()
    assert quantities(harness) == [7]


def test_the_cause_is_carried_from_the_position(harness: Harness) -> None:
    harness.position(
        "a", "BERLIN", 1, seq=9, recorded_at=70, correlation_id="order-1", caused_at=60
    )
    told = harness.settle().told()[0]
    assert (told["recorded_at"], told["correlation_id"], told["caused_at"], told["seq"]) == (
        70,
        "order-1",
        60,
        9,
    )


def test_versions_go_on_over_a_restart_and_nothing_is_told_again(harness: Harness) -> None:
    harness.position("a", "BERLIN", 1)
    harness.settle()
    harness.start()
    assert versions(harness.settle()) == [1]
    harness.position("a", "BERLIN", 2)
    assert versions(harness.settle()) == [1, 2]


def test_a_position_as_of_an_earlier_fact_changes_nothing(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5, seq=7)
    harness.settle()
    harness.position("a", "BERLIN", 9, seq=6)
    harness.position("a", "PARIS", 1, seq=6)
    harness.settle()
    assert [e["quantity"] for e in harness.told()] == [5, 6]


def test_versions_go_on_when_both_topics_are_compacted(harness: Harness) -> None:
    for units in (1, 2, 3):
        harness.position("a", "BERLIN", units)
        harness.settle()
    for topic in (POSITIONS, AVAILABILITY):
        harness.log.compact(topic, PARTITION)
    harness.start()
    harness.position("a", "BERLIN", 4)
    assert [(e["version"], e["quantity"]) for e in harness.settle().told()] == [(3, 3), (4, 4)]


def test_positions_read_again_after_a_restart_never_bring_back_old_numbers(
    harness: Harness,
) -> None:
    harness.position("a", "BERLIN", 5)
    harness.settle()
    for units in (9, 0):
        harness.position("a", "BERLIN", units)
    harness.start()
    while harness.batch(1):
        pass
    assert quantities(harness) == [5, 0]


def test_an_aborted_transaction_is_told_once_and_keeps_its_version(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5)
    harness.batch(abort=True)
    assert harness.told() == []
    assert [(e["version"], e["quantity"]) for e in harness.settle().told()] == [(1, 5)]


def test_a_policy_that_changed_while_we_were_down_is_applied(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5)
    harness.settle()
    harness.policy(Policy("woo", 2, safety_stock=1))
    harness.start()
    assert quantities(harness.settle()) == [5, 4]


@pytest.mark.parametrize("revision", [1, 2])
def test_an_older_or_equal_revision_is_ignored(harness: Harness, revision: int) -> None:
    harness.position("a", "BERLIN", 5)
    harness.policy(Policy("woo", 2))
    harness.settle()
    harness.policy(Policy("woo", revision, safety_stock=3))
    assert quantities(harness.settle()) == [5]


def test_an_unreadable_policy_leaves_the_one_before_in_force(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    harness.position("a", "BERLIN", 5)
    harness.settle()
    harness.log.append(POLICIES, 0, b"woo", b"nonsense")
    harness.policy(Policy("woo", 3, safety_stock=-1))
    with caplog.at_level(logging.ERROR):
        harness.settle()
    assert quantities(harness) == [5]
    assert len(caplog.records) == 2
    assert "safety_stock -1" in caplog.text


def test_a_policy_change_touches_only_skus_at_the_changed_locations(harness: Harness) -> None:
    harness.policy(Policy("woo", 2, locations=("BERLIN", "PARIS")))
    harness.position("a", "BERLIN", 5)
    harness.position("b", "PARIS", 6)
    harness.settle()
    harness.policy(Policy("woo", 3, locations=("BERLIN",)))
    harness.settle()
    assert quantities(harness) == [5]
    assert quantities(harness, sku="b") == [6, 0]
    assert harness.told(sku="b")[-1]["policy_revision"] == 3


def test_a_policy_change_is_told_at_a_bounded_rate_changes_to_zero_first(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_PER_TICK_MAX", 4)
    monkeypatch.setattr(module, "EVENTS_PER_TICK_MAX", 3)
    for number in range(12):
        harness.position(f"s{number:02}", "BERLIN", 9 if number % 2 else 1)
    harness.settle()
    harness.transactions.clear()
    harness.policy(Policy("woo", 2, safety_stock=2))
    harness.settle()
    assert all(len(events) <= 3 for events in harness.transactions)
    order = [event["quantity"] for events in harness.transactions for event in events]
    assert order == [0] * 6 + [7] * 6


def test_a_sku_that_changes_meanwhile_is_not_told_twice(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EVENTS_PER_TICK_MAX", 1)
    for sku in ("a", "b"):
        harness.position(sku, "BERLIN", 5)
    harness.settle()
    harness.policy(Policy("woo", 2, safety_stock=1))
    harness.batch()
    harness.position("a", "BERLIN", 8)
    harness.settle()
    assert quantities(harness, sku="a") == [5, 7]
    assert quantities(harness, sku="b") == [5, 4]


def test_a_policy_replaced_while_it_is_applied_ends_at_the_newest(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOOKS_PER_TICK_MAX", 1)
    for sku in ("a", "b", "c"):
        harness.position(sku, "BERLIN", 5)
    harness.settle()
    harness.policy(Policy("woo", 2, safety_stock=5))
    harness.batch()
    harness.policy(Policy("woo", 3, safety_stock=5, zone="Europe/Berlin"))
    harness.settle()
    assert [quantities(harness, sku=sku)[-1] for sku in ("a", "b", "c")] == [0, 0, 0]


def test_a_withdrawn_policy_is_told_nothing_more_and_its_versions_go_on(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5)
    harness.settle()
    harness.log.append(POLICIES, 0, b"woo", None)
    harness.settle()
    harness.position("a", "BERLIN", 6)
    assert quantities(harness.settle()) == [5]
    harness.policy(Policy("woo", 1))
    assert [(e["version"], e["quantity"]) for e in harness.settle().told()] == [(1, 5), (2, 6)]


def test_a_position_taken_back_counts_no_more(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5)
    harness.position("a", "PARIS", 2)
    harness.settle()
    harness.log.append(POSITIONS, PARTITION, b"BERLIN|a", None)
    assert quantities(harness.settle()) == [7, 2]


def test_a_sku_whose_positions_are_unknown_stays_as_it_was_told(harness: Harness) -> None:
    harness.position("a", "BERLIN", 5)
    harness.settle()
    harness.log._records[(POSITIONS.name, PARTITION)].clear()
    harness.start()
    assert quantities(harness.settle()) == [5]


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (b"nonsense", "undecodable"),
        (b"\x00\xff\xff\xff\xff", "unknown_schema"),
        (
            encode(
                "stockfold.ChannelPolicy",
                {"channel": "w", "revision": 1, "zone": "UTC", "locations": None},
            ),
            "wrong_topic",
        ),
    ],
)
def test_a_position_that_cannot_be_read_is_an_exception_and_the_partition_moves_on(
    harness: Harness, value: bytes, kind: str
) -> None:
    harness.log.append(POSITIONS, PARTITION, b"BERLIN|b", value)
    harness.position("a", "BERLIN", 5)
    harness.settle()
    assert quantities(harness) == [5]
    (exception,) = harness.exceptions()
    assert (exception["kind"], exception["sku"], exception["offset"]) == (kind, "b", 0)
    assert (exception["key"], exception["value"]) == (b"BERLIN|b", value)
    harness.start()
    harness.settle()
    assert len(harness.exceptions()) == 1


def test_a_sku_may_hold_the_sign_that_separates_keys(harness: Harness) -> None:
    harness.position("a|b", "BERLIN", 5)
    harness.settle()
    harness.log.append(POSITIONS, PARTITION, b"BERLIN|a|b", None)
    assert quantities(harness.settle(), sku="a|b") == [5, 0]
