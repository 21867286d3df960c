"""The publisher's parts that are pure: backlog, breaker, back-off, watermark."""

from __future__ import annotations

import random

import pytest

from stockfold.channels import (
    Outcome,
    OutcomeKind,
    Purpose,
    Shown,
    StockUpdate,
    Trouble,
    TroubleKind,
)
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.retry import Breaker, RetryPolicy
from stockfold_services.publisher.wanted import Wanted
from stockfold_services.publisher.watermark import Watermark

DOWN = Trouble(TroubleKind.UNAVAILABLE, "http_503", "")


@pytest.fixture
def backlog() -> Backlog:
    return Backlog(
        lambda update: Shown(max(update.quantity, 0)), lambda failures: 10.0 * failures, 3
    )


def wanted(sku: str, quantity: int, version: int = 1, partition: int = 0) -> Wanted:
    return Wanted(sku, quantity, version, partition, offset=version)


def send(backlog: Backlog, now_s: float = 0.0) -> StockUpdate:
    (update,) = backlog.due(now_s, 1)
    backlog.claim([update], 100)
    backlog.forget_acknowledged([update])
    return update


def apply(backlog: Backlog, now_s: float = 0.0) -> None:
    backlog.land(Outcome(send(backlog, now_s), OutcomeKind.APPLIED), now_s, 200)


def test_only_the_latest_version_is_sent_and_the_others_are_superseded(backlog: Backlog) -> None:
    assert backlog.offer(wanted("A", 5, 1), 0) == []
    (superseded,) = backlog.offer(wanted("A", 6, 2), 7)
    assert (superseded.kind, superseded.wanted.version) == (OutcomeKind.SUPERSEDED, 1)
    assert (superseded.attempts, superseded.sent_at_us, superseded.finished_at_us) == (0, 7, 7)
    assert [update.quantity for update in backlog.due(0, 10)] == [6]


def test_an_older_version_never_replaces_a_newer_one(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 6, 2), 0)
    (superseded,) = backlog.offer(wanted("A", 5, 1), 0)
    assert superseded.wanted.version == 1
    assert [update.version for update in backlog.due(0, 10)] == [2]


def test_what_the_channel_shows_already_is_not_sent_again(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 0, 1), 0)
    apply(backlog)
    (unchanged,) = backlog.offer(wanted("A", -3, 2), 0)
    assert (unchanged.kind, unchanged.attempts, unchanged.quantity) == (OutcomeKind.APPLIED, 0, 0)
    assert backlog.due(0, 10) == []


def test_after_a_failed_write_nobody_knows_what_the_channel_shows(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    apply(backlog)
    backlog.offer(wanted("A", 6, 2), 0)
    backlog.land(Outcome(send(backlog), OutcomeKind.RETRYABLE, "timeout"), 0, 0)
    backlog.offer(wanted("A", 5, 3), 0)
    assert [update.quantity for update in backlog.due(1000, 10)] == [5]


def test_a_version_that_comes_while_one_is_under_way_waits_for_it(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    first = send(backlog)
    backlog.offer(wanted("A", 6, 2), 0)
    assert backlog.due(0, 10) == []
    (applied,) = backlog.land(Outcome(first, OutcomeKind.APPLIED), 0, 0)
    assert applied.kind is OutcomeKind.APPLIED
    assert [update.version for update in backlog.due(0, 10)] == [2]


def test_zeros_go_first(backlog: Backlog) -> None:
    for sku, quantity in [("A", 5), ("B", 0), ("C", 7), ("D", -1)]:
        backlog.offer(wanted(sku, quantity), 0)
    assert [update.sku for update in backlog.due(0, 3)] == ["B", "D", "A"]
    backlog.offer(wanted("B", 4, 2), 0)
    assert [update.sku for update in backlog.due(0, 9)] == ["D", "A", "C", "B"]


def test_a_new_zero_does_not_wait_for_an_old_failures_delay(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    backlog.land(Outcome(send(backlog), OutcomeKind.RETRYABLE, "db_error"), 0, 0)
    assert backlog.due(1, 9) == []
    backlog.offer(wanted("A", 0, 2), 0)
    assert [update.version for update in backlog.due(1, 9)] == [2]


def test_failures_are_retried_later_and_given_up_in_the_end(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5), 0)
    now_s = 0.0
    for delay_s in (10.0, 20.0):
        failed = Outcome(send(backlog, now_s), OutcomeKind.RETRYABLE, "db_error", "locked")
        assert backlog.land(failed, now_s, 0) == []
        assert backlog.due(now_s + delay_s - 1, 9) == []
        now_s += delay_s
    failed = Outcome(send(backlog, now_s), OutcomeKind.RETRYABLE, "db_error", "locked")
    (given_up,) = backlog.land(failed, now_s, 300)
    assert (given_up.kind, given_up.attempts) == (OutcomeKind.GAVE_UP, 3)
    assert given_up.detail == "db_error: locked"
    assert (given_up.sent_at_us, given_up.finished_at_us) == (100, 300)
    backlog.offer(wanted("A", 6, 2), 0)
    assert [update.version for update in backlog.due(now_s, 9)] == [2], "the next is tried anew"


def test_retry_after_is_honoured_when_it_is_longer(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5), 0)
    outcome = Outcome(send(backlog), OutcomeKind.RETRYABLE, "busy", retry_after_s=99.0)
    backlog.land(outcome, 0, 0)
    assert backlog.next_due_s() == 99.0


def test_suspects_are_marked_until_a_request_with_them_succeeds(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    for failures in (1, 2):
        outcome = Outcome(
            send(backlog, 1000.0 * failures), OutcomeKind.RETRYABLE, "x", whole_request=True
        )
        backlog.land(outcome, 0, 0)
        assert [update.failures for update in backlog.due(9999, 1)] == [failures]
    backlog.offer(wanted("A", 6, 2), 0)
    assert [update.failures for update in backlog.due(9999, 1)] == [2], "a new version keeps it"
    apply(backlog, 9999)
    backlog.offer(wanted("A", 7, 3), 0)
    assert [update.failures for update in backlog.due(9999, 1)] == [0]


def test_replacing_a_delayed_version_does_not_grow_the_heap(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    backlog.land(Outcome(send(backlog), OutcomeKind.RETRYABLE, "db_error"), 0, 0)
    for version in range(2, 500):
        backlog.offer(wanted("A", 1 + version % 2, version), 0)
    assert backlog._queues.delays_count == 1
    assert [update.version for update in backlog.due(10, 9)] == [499]


def test_a_held_partition_gathers_and_sends_nothing(backlog: Backlog) -> None:
    backlog.hold(1)
    backlog.offer(wanted("A", 5, 1, partition=1), 0)
    backlog.offer(wanted("A", 6, 2, partition=1), 0)
    backlog.offer(wanted("B", 7, 1, partition=0), 0)
    assert [update.sku for update in backlog.due(0, 9)] == ["B"]
    assert backlog.let_go(1, 0) == []
    assert [(update.sku, update.version) for update in backlog.due(0, 9)] == [("B", 1), ("A", 2)]


def test_a_dropped_partition_is_forgotten(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 9, partition=1), 0)
    backlog.drop(1)
    assert backlog.due(0, 9) == []
    backlog.offer(wanted("A", 4, 3, partition=1), 0)
    assert [update.version for update in backlog.due(0, 9)] == [3]


# Breaker and back-off.


def test_the_delay_is_full_jitter_below_an_exponential_bound() -> None:
    policy, rng = RetryPolicy(base_s=1.0, cap_s=8.0), random.Random(3)
    for failures, bound in [(0, 1.0), (1, 2.0), (3, 8.0), (50, 8.0)]:
        delays = [policy.delay_s(failures, rng) for _ in range(500)]
        assert 0 <= min(delays) < bound * 0.05
        assert bound * 0.95 < max(delays) <= bound


def breaker() -> Breaker:
    return Breaker(RetryPolicy(base_s=1.0, cap_s=1.0), random.Random(1))


def test_trouble_rests_the_channel_then_probes_then_tries_one() -> None:
    it = breaker()
    assert not it.is_open
    it.failed(DOWN, Purpose.WRITE, now_s=100.0)
    assert it.needs_probe
    assert 100.0 <= it.rests_until_s <= 101.0
    assert not it.succeeded(Purpose.LOOK_UP, probe=True)
    assert it.is_open
    assert not it.needs_probe
    assert it.succeeded(Purpose.WRITE, probe=False)
    assert not it.is_open


def test_trouble_with_writes_does_not_end_with_a_good_look_up() -> None:
    it = breaker()
    it.failed(DOWN, Purpose.WRITE, 0.0)
    it.succeeded(Purpose.LOOK_UP, probe=True)
    assert not it.succeeded(Purpose.LOOK_UP, probe=False)
    assert it.is_open
    it.failed(DOWN, Purpose.LOOK_UP, 0.0)
    assert not it.succeeded(Purpose.LOOK_UP, probe=False), "it began with a write"


def test_trouble_with_look_ups_ends_with_a_good_one() -> None:
    it = breaker()
    it.failed(DOWN, Purpose.LOOK_UP, 0.0)
    it.succeeded(Purpose.LOOK_UP, probe=True)
    assert it.succeeded(Purpose.LOOK_UP, probe=False)


def test_retry_after_rests_the_whole_channel() -> None:
    it = breaker()
    it.failed(Trouble(TroubleKind.LIMITED, "http_429", "", 30.0), Purpose.WRITE, 100.0)
    assert 130.0 <= it.rests_until_s <= 131.0


# Watermark.


def test_nothing_is_committed_beyond_the_oldest_open_offset() -> None:
    mark = Watermark()
    assert mark.to_commit() is None
    for offset in (3, 4, 7):
        mark.read(offset, opened=True)
    mark.read(8, opened=False)
    assert mark.to_commit() == 3
    mark.close(4)
    assert mark.to_commit() == 3
    mark.close(3)
    assert mark.to_commit() == 7
    mark.close(7)
    assert mark.to_commit() == 9
    assert mark.open_count == 0


def test_what_changes_all_the_time_keeps_its_place_in_the_queue() -> None:
    it = Backlog(lambda update: Shown(update.quantity), lambda _: 1.0, 3)
    for number, sku in enumerate(("HOT", "A", "B")):
        it.offer(Wanted(sku, 5, 1, 0, number), 0)
    for version in range(2, 9):
        it.offer(Wanted("HOT", version, version, 0, 10 + version), 0)
    assert [(u.sku, u.version) for u in it.due(0.0, 3)] == [("HOT", 8), ("A", 1), ("B", 1)]


def test_what_was_looked_up_is_first_to_be_written_in_its_order() -> None:
    it = Backlog(lambda update: Shown(update.quantity), lambda _: 1.0, 3)
    for number, sku in enumerate(("A", "B", "C", "D")):
        it.offer(Wanted(sku, 5, 1, 0, number), 0)
    looked_up = it.due(0.0, 2)
    it.claim(looked_up, 0)
    it.offer(Wanted("B", 6, 2, 0, 9), 0)
    for update in reversed(looked_up):
        it.release(update, 0)
    assert [(u.sku, u.version) for u in it.due(0.0, 4)] == [("A", 1), ("B", 2), ("C", 1), ("D", 1)]


def accepted(update: StockUpdate, after_s: float | None = 20.0) -> Outcome:
    return Outcome(update, OutcomeKind.ACCEPTED, retry_after_s=after_s)


def follow(backlog: Backlog, now_s: float) -> StockUpdate:
    (update,) = backlog.due(now_s, 1)
    backlog.claim([update], 100, follows=True)
    return update


def test_what_the_channel_accepted_waits_is_asked_after_and_counts_as_one_attempt(
    backlog: Backlog,
) -> None:
    backlog.offer(wanted("A", 5), 0)
    for now_s in (0.0, 20.0, 40.0):
        update = follow(backlog, now_s) if now_s else send(backlog)
        assert backlog.land(accepted(update), now_s, 200) == []
        assert backlog.due(now_s + 19.9, 10) == []
        standing = backlog.standing()
        assert (standing.waiting, standing.accepted, standing.delayed) == (1, 1, 0)
    (done,) = backlog.land(Outcome(follow(backlog, 60.0), OutcomeKind.APPLIED), 60.0, 300)
    assert (done.kind, done.attempts, done.final) == (OutcomeKind.APPLIED, 1, True)
    assert backlog.standing().accepted == 0


def test_what_is_accepted_for_ever_is_never_given_up() -> None:
    backlog = Backlog(lambda u: Shown(u.quantity), lambda _: 1.0, 3, window_s=10.0)
    backlog.offer(wanted("A", 5), 0)
    backlog.land(accepted(send(backlog)), 0.0, 0)
    for turn in range(1, 50):
        now_s = 20.0 * turn
        assert backlog.land(accepted(follow(backlog, now_s)), now_s, 0) == []
    failed = Outcome(follow(backlog, 1_000.0), OutcomeKind.RETRYABLE, "fatal")
    assert backlog.land(failed, 1_000.0, 0) == [], "the first failure is the first"


def test_a_newer_version_takes_the_place_of_an_accepted_one_and_a_zero_does_not_wait(
    backlog: Backlog,
) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    backlog.land(accepted(send(backlog)), 0.0, 0)
    (superseded,) = backlog.offer(wanted("A", 6, 2), 0)
    assert superseded.kind is OutcomeKind.SUPERSEDED
    assert backlog.due(19.0, 10) == [], "the channel is at it still"
    backlog.offer(wanted("A", 0, 3), 0)
    assert [update.version for update in backlog.due(1.0, 10)] == [3]
    update = follow(backlog, 1.0)
    assert backlog.land(accepted(update, 5.0), 1.0, 0) == []
    assert backlog.due(5.9, 10) == [], "asked after once, it waits like any other"
    assert [update.version for update in backlog.due(6.0, 10)] == [3]


def test_a_newer_version_that_came_while_one_was_accepted_is_offered(backlog: Backlog) -> None:
    backlog.offer(wanted("A", 5, 1), 0)
    update = send(backlog)
    backlog.offer(wanted("A", 6, 2), 0)
    (superseded,) = backlog.land(accepted(update), 0.0, 0)
    assert (superseded.wanted.version, superseded.kind) == (1, OutcomeKind.SUPERSEDED)
    assert [update.version for update in backlog.due(20.0, 10)] == [2]


def test_without_a_word_of_when_it_is_asked_after_later_and_never_at_once(
    backlog: Backlog,
) -> None:
    backlog.offer(wanted("A", 0), 0)
    backlog.land(accepted(send(backlog), None), 0.0, 0)
    assert backlog.next_due_s() == 30.0
    backlog.land(accepted(follow(backlog, 30.0), 0.0), 30.0, 0)
    assert backlog.due(30.0, 10) == []


def test_what_no_budget_is_left_for_waits_zeros_too_and_nothing_is_counted(
    backlog: Backlog,
) -> None:
    backlog.offer(wanted("A", 0, 1), 0)
    backlog.offer(wanted("B", 5, 1), 0)
    backlog.postpone([update for update in backlog.due(0.0, 10) if update.sku == "A"], 60.0)
    assert [update.sku for update in backlog.due(59.0, 10)] == ["B"]
    assert [update.sku for update in backlog.due(60.0, 10)] == ["A", "B"]
    (done,) = backlog.land(Outcome(send(backlog, 60.0), OutcomeKind.APPLIED), 60.0, 0)
    assert (done.wanted.sku, done.attempts) == ("A", 1)


def test_units_by_location_go_with_an_update_and_with_one_that_is_sent_again(
    backlog: Backlog,
) -> None:
    places = (("berlin", 3), ("lyon", 2))
    asked = Wanted("A", 5, 1, 0, 1, locations=places)
    backlog.offer(asked, 0)
    assert backlog.due(0.0, 1)[0].locations == places
    backlog.land(Outcome(send(backlog), OutcomeKind.REJECTED), 0.0, 0)
    backlog.again(wanted("A", 5, 1), 0)
    assert backlog.due(0.0, 1)[0].locations == places
