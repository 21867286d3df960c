"""Lines by rank: always what a sorted list would say, however they come and go."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.ledger.ranked import Ranked

KEYS = st.tuples(st.sampled_from("abcdef"), st.just("1"))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, 5)),
        st.tuples(st.just("drop"), KEYS, st.just(0)),
        st.tuples(st.just("serve"), KEYS, st.integers(0, 6)),
    ),
    max_size=300,
)


@given(STEPS)
def test_the_first_is_the_least_whatever_was_put_dropped_taken_and_put_back(steps: list) -> None:
    ranked, known = Ranked(), {}
    for step, key, number in steps:
        if step == "put":
            ranked.put(key, (number, 0))
            known[key] = (number, 0)
        elif step == "drop":
            ranked.drop(key)
            known.pop(key, None)
        else:
            expected = sorted(known, key=lambda line: (known[line], line))[:number]
            taken = [ranked.take_first() for _ in range(number)]
            assert [line for line in taken if line is not None] == expected
            ranked.put_back(expected)
        assert ranked.first() == min(known.values(), default=None)
        assert len(ranked) == len(known)


def test_what_is_out_of_date_does_not_pile_up() -> None:
    ranked = Ranked()
    for number in range(10_000):
        ranked.put(("O", "1"), (number, 0))
    assert len(ranked._heap) < 100
