"""Whatever comes, however it fails, and whoever dies: Walmart ends with the newest quantities."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.walmart import Talk

from stockfold.channels import Failure, OutcomeKind, StockUpdate
from stockfold.channels.conformance import Fault
from stockfold.channels.walmart.fake import WalmartSubject

SKUS = [f"S{number}" for number in range(12)]
FAULTS = (Fault.LOST, Fault.BROKEN, Fault.UNAVAILABLE, Fault.GARBAGE, Fault.EXPIRED)
TURNS_MAX = 3_000
LATER_S = 4 * 3_600.0

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.sampled_from(SKUS), st.integers(0, 3)),
        st.tuples(st.just("publish all"), st.integers(1, 3), st.integers(0, 5)),
        st.tuples(st.just("turns"), st.integers(1, 6)),
        st.tuples(st.just("time"), st.sampled_from([5.0, 60.0, 200.0, 900.0])),
        st.tuples(st.just("fault"), st.sampled_from(FAULTS)),
        st.tuples(st.just("restart")),
    ),
    min_size=4,
    max_size=16,
)


class Sender:
    """A caller as small as one can be: the newest version of each SKU, until it is applied."""

    def __init__(self, nodes: dict[str, str]) -> None:
        self.subject = WalmartSubject(nodes)
        for sku in SKUS:
            self.subject.list(sku, 1)
        node = next(iter(nodes.values()), "")
        few = {"feed_from": 4, "list_from": 6, "feeds_per_hour": 100, "undivided_node": node}
        self.talk = Talk(self.subject, **few)
        self.newest: dict[str, StockUpdate] = {}
        self.waiting: dict[str, float] = {}

    def publish(self, sku: str, quantity: int) -> None:
        known = self.newest.get(sku)
        update = StockUpdate(sku, quantity, 1 if known is None else known.version + 1)
        self.newest[sku] = update
        # A zero is offered at once, whatever the version before it waits for.
        self.waiting[sku] = 0.0 if quantity == 0 else self.waiting.get(sku, 0.0)

    def turn(self) -> bool:
        """One request about what is due; False when nothing is."""
        now_s = self.subject.now_s
        due = [self.newest[sku] for sku, at_s in self.waiting.items() if at_s <= now_s]
        due.sort(key=lambda update: update.quantity > 0)
        request = self.talk.adapter.next_request(due, 10_000) if due else None
        if request is None:
            return False
        answer = self.talk.send(request)
        if isinstance(answer, Failure):
            self.subject.advance(30.0)
        for outcome in self.talk.adapter.receive(request, answer).outcomes:
            sku = outcome.update.sku
            assert outcome.kind in (
                OutcomeKind.APPLIED,
                OutcomeKind.ACCEPTED,
                OutcomeKind.RETRYABLE,
            ), outcome
            if outcome.kind is OutcomeKind.APPLIED:
                assert outcome.update is self.newest[sku]
                del self.waiting[sku]
            else:
                self.waiting[sku] = self.subject.now_s + (outcome.retry_after_s or 1.0)
        return True

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.turn()

    def restart(self) -> None:
        self.talk.restarted()
        self.waiting = dict.fromkeys(self.newest, 0.0)

    def settle(self) -> None:
        for _ in range(TURNS_MAX):
            if not self.waiting:
                return
            if not self.turn():
                self.subject.advance(1.0 if min(self.waiting.values()) < 1.0 else 10.0)
            else:
                self.subject.advance(0.5)
        raise AssertionError(f"no end of {self.waiting} after {TURNS_MAX} requests")


@settings(max_examples=300, deadline=None)
@given(STEPS, st.sampled_from([{}, {"east": "100005", "west": "200005"}]))
def test_walmart_ends_with_the_newest_quantities(
    steps: list[tuple[object, ...]], nodes: dict[str, str]
) -> None:
    sender = Sender(nodes)
    for step in steps:
        match step:
            case "publish", str(sku), int(quantity):
                sender.publish(sku, quantity)
            case "publish all", int(quantity), int(count):
                for sku in SKUS:
                    sender.publish(sku, quantity)
                sender.turns(count)
            case "turns", int(count):
                sender.turns(count)
            case "time", float(seconds):
                sender.subject.advance(seconds)
            case "fault", Fault() as fault:
                sender.subject.fail(fault)
            case _:
                sender.restart()
    sender.settle()
    sender.subject.advance(LATER_S)
    shows = {sku: sender.subject.shows(sku) for sku in sender.newest}
    assert shows == {sku: update.quantity for sku, update in sender.newest.items()}
