from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.ledger.dedupe import Window


def test_an_event_is_remembered_with_its_payload() -> None:
    window = Window(10)
    window.remember(1, 77, 5)
    assert window.payload_of(1) == 77
    assert window.payload_of(2) is None


def test_the_first_payload_of_an_event_stays() -> None:
    window = Window(10)
    window.remember(1, 77, 5)
    window.remember(1, 78, 6)
    assert window.payload_of(1) == 77


@given(st.integers(1, 8), st.integers(0, 60))
def test_at_least_so_many_are_remembered_and_never_more_than_twice_that(
    ids_max: int, count: int
) -> None:
    window = Window(ids_max)
    for event in range(count):
        window.remember(event, event, event + 1)
        assert len(window) < 2 * ids_max or ids_max == 1
        for recent in range(max(0, event + 1 - ids_max), event + 1):
            assert window.payload_of(recent) == recent


@given(st.integers(1, 8), st.integers(0, 60))
def test_what_is_forgotten_lies_at_or_below_the_floor(ids_max: int, count: int) -> None:
    window = Window(ids_max)
    for event in range(count):
        window.remember(event, event, recorded_us=event + 1)
        for old in range(event + 1):
            if window.payload_of(old) is None:
                assert old + 1 <= window.floor_us
