"""Whatever comes in whatever order, the channel gets the last version of each SKU."""

from __future__ import annotations

from collections import Counter

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from stockfold.channels import Outcome, OutcomeKind, Shown, StockUpdate
from stockfold_services.publisher.backlog import Backlog
from stockfold_services.publisher.wanted import Finished, Wanted

SKUS = [f"S{n}" for n in range(4)]
SHADOWED = "S3"
"""What the mode of the connection does not write."""
PARTITIONS = 2
ATTEMPTS_MAX = 3


def partition_of(sku: str) -> int:
    return int(sku[1:]) % PARTITIONS


class Channel(RuleBasedStateMachine):
    """A backlog, a shop that obeys or does not, and the account of every version."""

    def __init__(self) -> None:
        super().__init__()
        self.backlog = Backlog(
            lambda update: Shown(max(update.quantity, 0)),
            float,
            ATTEMPTS_MAX,
            lambda sku: sku != SHADOWED,
        )
        self.now_s = 0.0
        self.offset = 0
        self.shop: dict[str, int] = {}
        self.last: dict[str, Wanted] = {}
        self.finished: dict[str, list[Finished]] = {sku: [] for sku in SKUS}
        self.flying: dict[str, StockUpdate] = {}
        self.held: set[int] = set()
        self.accepted: dict[str, int] = {}
        """The version that the channel has in hand, by SKU."""

    def note(self, finished: list[Finished]) -> None:
        for one in finished:
            self.finished[one.wanted.sku].append(one)

    def versions_left(self, sku: str) -> int:
        return self.last[sku].version - len(self.finished[sku])

    @rule(sku=st.sampled_from(SKUS), quantity=st.integers(-2, 3))
    def publish(self, sku: str, quantity: int) -> None:
        version = self.last[sku].version + 1 if sku in self.last else 1
        self.offset += 1
        wanted = Wanted(sku, quantity, version, partition_of(sku), self.offset)
        self.last[sku] = wanted
        self.note(self.backlog.offer(wanted, 0))

    @rule(sku=st.sampled_from(SKUS))
    def publish_an_old_version_again(self, sku: str) -> None:
        if sku in self.last:
            (again,) = self.backlog.offer(self.last[sku], 0)
            assert (again.kind, again.attempts) == (OutcomeKind.SUPERSEDED, 0)

    @rule(count=st.integers(1, 4))
    def send(self, count: int) -> None:
        due = self.backlog.due(self.now_s, count)
        quantities = [max(update.quantity, 0) for update in due]
        assert quantities == sorted(quantities, key=bool), "zeros first"
        for update in due:
            assert update.sku not in self.flying, "one request per listing"
            assert update.sku != SHADOWED
            assert partition_of(update.sku) not in self.held
            assert update.version == self.last[update.sku].version, "the latest only"
            self.flying[update.sku] = update
            follows = self.accepted.get(update.sku) == update.version
            self.backlog.claim([update], 0, follows=follows)

    @rule(count=st.integers(1, 4), seconds=st.floats(0.1, 5.0))
    def find_no_budget(self, count: int, seconds: float) -> None:
        due = self.backlog.due(self.now_s, count)
        self.backlog.postpone(due, self.now_s + seconds)
        again = {update.sku for update in self.backlog.due(self.now_s, len(SKUS))}
        assert not again & {update.sku for update in due}

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        sku = data.draw(st.sampled_from(sorted(self.flying)))
        update = self.flying.pop(sku)
        kind = data.draw(
            st.sampled_from(
                ["applied", "accepted", "lost", "failed", "alone", "rejected", "looked up"]
            )
        )
        if kind == "looked up":
            self.note(self.backlog.release(update, 0))
            return
        quantity = max(update.quantity, 0)
        self.backlog.forget_acknowledged([update])
        if kind in ("applied", "lost"):
            self.shop[sku] = quantity
        if kind == "accepted":
            self.accepted[sku] = update.version
        outcome = {
            "accepted": Outcome(update, OutcomeKind.ACCEPTED, retry_after_s=1.5),
            "applied": Outcome(update, OutcomeKind.APPLIED),
            "lost": Outcome(update, OutcomeKind.RETRYABLE, "timeout", whole_request=True),
            "failed": Outcome(update, OutcomeKind.RETRYABLE, "http_500", whole_request=True),
            "alone": Outcome(update, OutcomeKind.RETRYABLE, "db_error", retry_after_s=2.0),
            "rejected": Outcome(update, OutcomeKind.REJECTED, "not_applied"),
        }[kind]
        self.note(self.backlog.land(outcome, self.now_s, 0))

    @rule(seconds=st.floats(0.1, 5.0))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def hold(self, partition: int) -> None:
        self.backlog.hold(partition)
        self.held.add(partition)

    @rule(partition=st.integers(0, PARTITIONS - 1))
    def let_go(self, partition: int) -> None:
        self.note(self.backlog.let_go(partition, 0))
        self.held.discard(partition)

    @invariant()
    def every_version_has_at_most_one_outcome_and_what_was_sent_is_in_order(self) -> None:
        for sku, finished in self.finished.items():
            versions = [one.wanted.version for one in finished]
            assert len(versions) == len(set(versions)), sku
            sent = [one.wanted.version for one in finished if one.attempts]
            assert sent == sorted(sent), sku

    @invariant()
    def at_most_one_version_waits_and_one_is_under_way(self) -> None:
        for sku in self.last:
            assert 0 <= self.versions_left(sku) <= 2

    @invariant()
    def attempts_are_bounded(self) -> None:
        kinds = Counter(one.kind for found in self.finished.values() for one in found)
        assert not {OutcomeKind.RETRYABLE, OutcomeKind.ACCEPTED} & kinds.keys()

    @invariant()
    def what_the_channel_has_in_hand_is_counted_and_waits(self) -> None:
        standing = self.backlog.standing()
        assert standing.accepted <= standing.waiting <= standing.listings

    def teardown(self) -> None:
        for partition in range(PARTITIONS):
            self.let_go(partition)
        for _ in range(20):
            for update in [*self.flying.values()]:
                self.shop[update.sku] = max(update.quantity, 0)
                landed = self.backlog.land(Outcome(update, OutcomeKind.APPLIED), self.now_s, 0)
                self.note(landed)
            self.flying = {}
            self.now_s += 10
            self.send(100)
        assert not self.flying
        assert self.backlog.standing().waiting == 0
        for sku, wanted in self.last.items():
            assert self.versions_left(sku) == 0, "nothing is lost"
            last = self.finished[sku][-1]
            assert last.wanted == wanted
            if sku == SHADOWED:
                assert last.kind is OutcomeKind.SHADOW
            elif last.kind is OutcomeKind.APPLIED:
                assert self.shop[sku] == max(wanted.quantity, 0)
            else:
                assert last.kind in (OutcomeKind.REJECTED, OutcomeKind.GAVE_UP)
        self.backlog.drop(0)
        self.backlog.drop(1)


Channel.TestCase.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
TestBacklog = Channel.TestCase
