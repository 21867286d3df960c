"""Whatever happens on the way: eBay ends with what was wanted last, within its revisions."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.ebay import Seller, update

from stockfold.channels.conformance import Fault
from stockfold.channels.ebay.fake import FakeEbay
from stockfold.channels.port import OutcomeKind, StockUpdate

SKUS = ("tea", "cup", "pot")
PER_DAY, KEPT = 6, 2
FAILURES_MAX = 7
TURNS_MAX = 1_500

skus = st.sampled_from(SKUS)
steps = st.one_of(
    st.tuples(st.just("want"), skus, st.booleans()),
    st.tuples(st.just("turn"), skus, st.booleans()),
    st.tuples(st.just("sell"), skus, st.booleans()),
    st.tuples(st.just("fail"), st.sampled_from(list(Fault)), st.booleans()),
    st.tuples(st.just("day"), skus, st.booleans()),
    st.tuples(st.just("restart"), skus, st.booleans()),
)


class Story:
    """One seller, a new version of a quantity at each wish, and what is still to be sent."""

    def __init__(self, ebay: FakeEbay) -> None:
        self.ebay = ebay
        self.version = 0
        self.wanted: dict[str, StockUpdate] = {}
        self.due: dict[str, StockUpdate] = {}
        self.restart()
        for sku in SKUS:
            ebay.list(sku, 1)

    def restart(self) -> None:
        self.seller = Seller(self.ebay, revisions_per_day=PER_DAY, revisions_kept=KEPT)
        self.due = dict(self.wanted)

    def want(self, sku: str, gone: bool) -> None:
        self.version += 1
        self.wanted[sku] = self.due[sku] = update(sku, 0 if gone else self.version, self.version)

    def turn(self) -> float:
        """One request; how long eBay, or the adapter, has asked to wait."""
        if not self.due:
            return 0.0
        _, answer = self.seller.turn(list(self.due.values()))
        held_s = []
        for outcome in answer.outcomes:
            sku = outcome.update.sku
            if outcome.kind is OutcomeKind.APPLIED:
                del self.due[sku]
            elif outcome.kind is OutcomeKind.ACCEPTED:
                held_s.append(outcome.retry_after_s or 0.0)
                self.due[sku] = self.due.pop(sku)
            elif outcome.whole_request:
                failures = min(outcome.update.failures + 1, FAILURES_MAX)
                self.due[sku] = msgspec.structs.replace(outcome.update, failures=failures)
        return max(held_s) if held_s and len(held_s) == len(self.due) else 0.0

    def end(self) -> None:
        """Nothing goes wrong any more, and time goes by."""
        self.ebay._faults.clear()
        for _ in range(TURNS_MAX):
            if not self.due:
                return
            self.ebay.advance(self.turn())
        raise AssertionError(f"no end after {TURNS_MAX} requests: {self.due}")


@settings(max_examples=150, deadline=None)
@given(st.lists(steps, max_size=60))
def test_ebay_ends_with_what_was_wanted_last(told: list[tuple[str, object, bool]]) -> None:
    story = Story(FakeEbay())
    sold: Counter[str] = Counter()
    for what, which, flag in told:
        if what == "want":
            story.want(str(which), flag)
        elif what == "turn":
            story.turn()
        elif what == "sell":
            story.ebay.sell(str(which), 1)
            sold[str(which)] += 1
        elif what == "fail":
            assert isinstance(which, Fault)
            story.ebay.fail(which)
        elif what == "day":
            story.ebay.advance(86_400)
        else:
            story.restart()
    story.end()
    for sku, last in story.wanted.items():
        shown = story.ebay.shows(sku)
        assert shown is not None
        assert last.quantity - sold[sku] <= shown <= last.quantity
    written: dict[str, list[int]] = {}
    for sku, quantity in story.ebay.writes:
        written.setdefault(sku, []).append(quantity)
    for quantities in written.values():
        rising = [quantity for quantity in quantities if quantity]
        assert rising == sorted(rising), "an older version was written after a newer one"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=PER_DAY, max_size=30))
def test_one_day_has_no_more_revisions_than_allowed_but_for_zeros(gone: list[bool]) -> None:
    story = Story(FakeEbay())
    for flag in gone:
        story.want("tea", flag)
        for _ in range(4):
            story.turn()
    positive = [quantity for _, quantity in story.ebay.writes if quantity]
    assert len(positive) <= (PER_DAY if any(gone) else PER_DAY - KEPT)
