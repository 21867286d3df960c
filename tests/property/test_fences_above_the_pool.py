"""No revision raises ring-fences above what a pool has, whatever is published in whatever order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.availability_harness import Harness

from stockfold.availability.policy import Policy, RingFence
from stockfold.ledger.sourcing import granted

CHANNELS = ("woo", "shop", "amazon")
publications = st.tuples(
    st.sampled_from(CHANNELS),
    st.integers(0, 12),
    st.sampled_from([{"sku": "a"}, {"category": "food"}]),
)
steps = st.lists(st.one_of(publications, st.integers(0, 20), st.just("restart")), max_size=10)


def expected(folded: dict[str, int], wanted: dict[str, int], pool: int) -> dict[str, int]:
    """What the ledger knows next: of a fenced SKU, no raise while all that is wanted is too much.

    Fences of a SKU that has none are set as they are.
    """
    many = sum(1 for units in wanted.values() if units) > 1
    too_much = many and sum(wanted.values()) > pool and any(folded.values())
    return {
        channel: folded.get(channel, 0) if too_much and units > folded.get(channel, 0) else units
        for channel, units in wanted.items()
    }


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 20), steps)
def test_fences_are_raised_only_as_far_as_the_pool_has_them(
    pool: int, history: list[tuple[str, int, dict[str, str]] | int | str]
) -> None:
    harness = Harness()
    harness.item("a", "food/tea")
    harness.position("a", "BERLIN", pool)
    harness.settle()
    folded: dict[str, int] = {}
    wanted: dict[str, int] = {}
    for revision, step in enumerate(history, 1):
        match step:
            case str():
                harness.start()
            case int():
                pool = step
                harness.position("a", "BERLIN", pool)
            case (channel, units, subject):
                harness.policy(
                    Policy(channel, revision, ring_fences=(RingFence(units, **subject),))
                )
                wanted[channel] = units
        harness.settle()
        folded = expected(folded, wanted, pool)
        summary = harness.folded_summary("a")
        known = {f[0]: f[1] for f in summary.fences} if summary is not None else {}
        assert {c: n for c, n in known.items() if n} == {c: n for c, n in folded.items() if n}
        unused = [(-p, c, n) for c, n, p, _ in summary.fences] if summary is not None else []
        assert sum(units for _, units in granted(unused, pool)) <= pool
