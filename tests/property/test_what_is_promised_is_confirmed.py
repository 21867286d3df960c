"""The ledger and availability speak of the same units: any mixture of policies, fences, buyers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.support.ledger_subject import LedgerSubject
from tests.support.policies import CHANNELS, LOCATIONS, PLACES, policies, positions_of, units

from stockfold.availability.policy import Policy
from stockfold.availability.rules import compute
from stockfold.ledger.state import SkuState

NOW_US = 20_000 * 86_400_000_000

steps = st.lists(
    st.one_of(
        st.tuples(st.just("receipt"), st.sampled_from(LOCATIONS), st.integers(1, 20)),
        st.tuples(st.just("lost"), st.sampled_from(LOCATIONS), st.integers(1, 8)),
        st.tuples(st.just("fence"), st.sampled_from(CHANNELS), units, st.integers(-1, 2)),
        st.tuples(st.just("order"), st.sampled_from(CHANNELS), st.booleans(), st.integers(1, 9)),
    ),
    max_size=14,
)


class Story:
    """One SKU's ledger, and buyers who see what their channel is told."""

    def __init__(self, mixture: dict[str, Policy]) -> None:
        self.ledger = LedgerSubject("a")
        self.mixture = mixture
        self.told = 0

    def tell(self, event_type: str, **body: object) -> None:
        self.told += 1
        self.ledger.feed(
            event_type,
            dict(body),
            event_id=f"e{self.told}",
            source="erp",
            occurred_us=NOW_US + self.told,
            now_us=NOW_US + self.told,
        )

    def step(self, kind: str, who: str, *numbers: int) -> None:
        if kind == "receipt":
            self.tell("GoodsReceived", location=who, quantity=numbers[0], condition="on_hand")
        elif kind == "lost":
            self.tell("StockAdjusted", location=who, bucket="on_hand", delta=-numbers[0], reason="")
        elif kind == "fence":
            self.tell(
                "RingFenceSet",
                channel=who,
                quantity=numbers[0],
                priority=numbers[1],
                revision=self.told + 1,
            )
        else:
            self.order(who, bool(numbers[0]), numbers[1])

    def order(self, channel: str, all_of_it: bool, asked: int) -> None:
        """A buyer takes all that the channel is told, or so many; the ledger must agree."""
        policy = self.mixture[channel]
        known = positions_of(self.ledger.state)
        promised = compute(policy, known, places=PLACES).quantity
        quantity = promised if all_of_it else asked
        if not quantity:
            return
        eligible = PLACES.eligible(policy.locations, policy.tags)
        self.tell(
            "ReserveStock",
            reservation=f"r{self.told}",
            order=f"o{self.told}",
            line="1",
            channel=channel,
            quantity=quantity,
            locations=list(LOCATIONS if eligible is None else eligible),
            allow_split=True,
        )
        answer = self.ledger.answers()[-1]
        if quantity <= promised:
            assert answer.status == "confirmed", (promised, answer)
        if policy == plain(channel) and quantity > promised:
            assert answer.status == "rejected", (promised, answer)


def plain(channel: str) -> Policy:
    """A policy that keeps nothing back: it promises all that the ledger would confirm."""
    return Policy(channel, 1)


mixtures = st.fixed_dictionaries(
    {
        channel: st.one_of(st.just(plain(channel)), policies(channel, stock_only=True))
        for channel in CHANNELS
    }
)


@given(mixtures, steps)
def test_what_is_told_can_be_had_and_without_limits_no_more(
    mixture: dict[str, Policy], events: list[tuple]
) -> None:
    story = Story(mixture)
    for event in events:
        story.step(*event)


@given(steps)
def test_each_buys_all_it_is_told_and_nobody_touches_the_fence_of_another(
    events: list[tuple],
) -> None:
    story = Story({channel: plain(channel) for channel in CHANNELS})
    for event in events:
        story.step(*event)
    state = story.ledger.state
    fenced = {channel: own_fence(state, channel) for channel in CHANNELS}
    assert sum(fenced.values()) <= state.pool()
    for channel in CHANNELS:
        left = compute(plain(channel), positions_of(state)).quantity
        assert left >= fenced[channel]
        story.order(channel, True, 0)
    assert state.pool() == 0


def own_fence(state: SkuState, channel: str) -> int:
    """Units that no other channel may take."""
    return compute(Policy(channel, 1, share=0), positions_of(state)).quantity
