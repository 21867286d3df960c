"""What a simulated policy is said to have told of kits, against all of it computed at each fact."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.ledger_subject import LedgerSubject
from tests.support.story import Story, minutes

from stockfold.availability.kits import NOTHING, Parts, combine, of_parts
from stockfold.availability.of_ledger import positions_of
from stockfold.availability.policy import Policy, Promotion
from stockfold.availability.positions import SkuPositions
from stockfold.availability.rules import compute
from stockfold.availability.surroundings import Surroundings
from stockfold.availability.what_if import WhatIf
from stockfold.availability.what_if_figures import Period
from stockfold.availability.what_if_kits import Kits
from stockfold.availability.what_if_sides import Side
from stockfold.domain.bills import Bill, Tree, grow
from stockfold.ledger.evolve import evolve
from stockfold.ledger.facts import Fact
from stockfold.ledger.state import SkuState

PERIOD = Period(minutes(10), minutes(50))
SKUS = ("BOX", "CUP", "BEANS")
TREE = grow("BOX", {"BOX": Bill("BOX", 1, "1", (("CUP", 2), ("BEANS", 1)))})
WINDOW = Promotion("sale", minutes(20), minutes(30), units=4, skus=("CUP",))

policies = st.builds(
    Policy,
    channel=st.just("web"),
    revision=st.just(1),
    safety_stock=st.integers(0, 4),
    ceiling=st.none() | st.integers(0, 6),
    publish_zero_at=st.integers(0, 2),
    per_location=st.booleans(),
    basis=st.sampled_from(["net", "gross"]),
    promotions=st.just(()) | st.just((WINDOW,)),
)
moves = st.lists(
    st.tuples(
        st.sampled_from(SKUS),
        st.integers(1, 60),
        st.sampled_from(["receive", "adjust", "reserve"]),
        st.integers(1, 8),
    ),
    max_size=12,
    unique_by=lambda move: move[1],
)


def facts_of(history: list[tuple[str, int, str, int]]) -> dict[str, list[Fact]]:
    found = {}
    for sku in SKUS:
        told = Story(LedgerSubject(sku))
        for name, minute, what, units in sorted(history, key=lambda move: move[1]):
            if name == sku:
                told.at(minutes(minute))
                if what == "receive":
                    told.receive("A", units)
                elif what == "adjust":
                    told.adjust("A", -units)
                else:
                    # Of a channel without a policy: what a side sells beyond reality is not here.
                    told.reserve(f"R{minute}", units, channel="shop")
        assert isinstance(told.subject, LedgerSubject)
        found[sku] = told.subject.facts
    return found


def told_at(policy: Policy, states: dict[str, SkuState], at_us: int) -> tuple:
    around = Surroundings("", at_us)
    parts = of_parts(policy)
    visible = {
        sku: compute(parts, positions_of(states[sku]), around).visible
        if states[sku].seq
        else NOTHING
        for sku in TREE.parts
    }
    box = positions_of(states["BOX"]) if states["BOX"].seq else SkuPositions("BOX")
    own = compute(policy, box, around)
    return combine(policy, own, TREE, Parts(visible, lambda _: 0)).visible


def by_hand(policy: Policy, facts: dict[str, list[Fact]]) -> int:
    """Every change of the kit after the beginning, computing all of it at every moment."""
    states = {sku: SkuState(sku) for sku in SKUS}
    times = {fact.recorded_us for told in facts.values() for fact in told}
    edges = {WINDOW.starts_at, WINDOW.ends_at} if policy.promotions else set()
    before, count = None, 0
    for at_us in sorted({*times, *edges, PERIOD.from_us}):
        if at_us >= PERIOD.to_us:
            break
        for sku, told in facts.items():
            for fact in told:
                if fact.recorded_us == at_us:
                    evolve(states[sku], fact)
        if at_us >= PERIOD.from_us:
            now = told_at(policy, states, at_us)
            count += before is not None and now != before
            before = now
    return count


@settings(max_examples=80, deadline=None)
@given(moves, policies, policies, st.permutations(SKUS), st.booleans())
def test_a_kit_is_told_whenever_it_or_a_part_makes_another_number_of_it(
    history: list[tuple[str, int, str, int]],
    before: Policy,
    after: Policy,
    order: list[str],
    together: bool,
) -> None:
    facts = facts_of(history)
    kits: dict[str, Tree] = {"BOX": TREE}
    run = WhatIf(Side({"web": before}), Side({"web": after}), PERIOD, kits=Kits(kits))
    plain = WhatIf(Side({"web": before}), Side({"web": after}), PERIOD, kits=Kits())
    for sku in order:
        for fact in facts[sku]:
            run.take(fact)
            if sku != "BOX":
                plain.take(fact)
        if not together:
            run.end_partition()
    run.end_partition()
    plain.end_partition()
    run.end()
    for number, policy in enumerate((before, after)):
        told = run.outcomes[number]["web"].publications
        of_parts_alone = plain.outcomes[number]["web"].publications
        assert told - of_parts_alone == by_hand(policy, facts)
