"""What holds of every sourcing advice, against a search of all sets of locations."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stockfold.availability import sourcing_advice
from stockfold.availability.sourcing_advice import Advice, OrderLine, Source, Stock, advise

PLACES = "ABCDE"
SKUS = ("x", "y", "z")

orders = st.lists(st.builds(OrderLine, st.sampled_from(SKUS), st.integers(1, 9)), min_size=1)
stocks = st.dictionaries(
    st.sampled_from(SKUS),
    st.builds(
        Stock,
        st.dictionaries(st.sampled_from(PLACES), st.integers(-3, 9)),
        st.none() | st.integers(-2, 20),
    ),
)
sources = st.lists(
    st.builds(Source, st.sampled_from(PLACES), st.none() | st.integers(0, 5), st.integers(-2, 2)),
    unique_by=lambda source: source.location,
)


def demand(lines: list[OrderLine]) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for line in lines:
        wanted[line.sku] += line.quantity
    return wanted


def check(lines: list[OrderLine], stock: dict[str, Stock], given_: list[Source]) -> Advice:
    found = advise(lines, stock, given_)
    names = {source.location for source in given_}
    taken: Counter[str] = Counter()
    for pick in found.picks:
        assert pick.location in names
        assert 0 < pick.quantity <= stock[pick.sku].places[pick.location]
        taken[pick.sku] += pick.quantity
    missing = {line.sku: line.quantity for line in found.missing}
    for sku, units in demand(lines).items():
        held = stock.get(sku, Stock({}))
        free = sum(max(held.places.get(name, 0), 0) for name in names)
        most = free if held.allowance is None else max(min(free, held.allowance), 0)
        assert taken[sku] == min(units, most)
        assert taken[sku] + missing.get(sku, 0) == units
    assert len({(pick.location, pick.sku) for pick in found.picks}) == len(found.picks)
    assert {pick.location for pick in found.picks} == set(found.locations)
    assert found.splits == max(len(found.locations) - 1, 0)
    assert found.reasons
    return found


def best(found: Advice, stock: dict[str, Stock], given_: list[Source]) -> tuple[int, tuple]:
    """Size and worth of the best set that covers as much, by trying every one."""
    covered: Counter[str] = Counter()
    for pick in found.picks:
        covered[pick.sku] += pick.quantity
    for size in range(len(given_) + 1):
        worths = [
            (
                sum(s.cost is None for s in places),
                sum(s.cost or 0 for s in places),
                -sum(s.priority for s in places),
            )
            for places in combinations(given_, size)
            if all(
                sum(max(stock[sku].places.get(s.location, 0), 0) for s in places) >= units
                for sku, units in covered.items()
            )
        ]
        if worths:
            return size, min(worths)
    raise AssertionError("all of them together cover it")


@given(orders, stocks, sources)
def test_advice_covers_what_can_be_covered_from_as_few_and_as_near_places_as_any(
    lines: list[OrderLine], stock: dict[str, Stock], given_: list[Source]
) -> None:
    found = check(lines, stock, given_)
    assert found.exact
    used = [source for source in given_ if source.location in found.locations]
    size, worth = best(found, stock, given_)
    assert len(used) == size
    told = (
        sum(s.cost is None for s in used),
        sum(s.cost or 0 for s in used),
        -sum(s.priority for s in used),
    )
    assert told == worth


@given(orders, stocks, sources)
def test_the_greedy_choice_covers_as_much_and_says_that_it_is_one(
    lines: list[OrderLine], stock: dict[str, Stock], given_: list[Source]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sourcing_advice, "SETS_MAX", 0)
        found = check(lines, stock, given_)
    assert found.exact == (not found.picks)


def test_a_big_order_ends_within_the_bound_and_is_covered() -> None:
    places = [f"L{i:02}" for i in range(60)]
    stock = {
        f"s{i}": Stock({place: 1 + (i + at) % 2 for at, place in enumerate(places)})
        for i in range(40)
    }
    lines = [OrderLine(sku, 30) for sku in stock]
    found = advise(lines, stock, [Source(place, at) for at, place in enumerate(places)])
    assert (found.exact, found.missing) == (False, ())
    assert sum(pick.quantity for pick in found.picks) == 30 * 40
    assert len(found.locations) <= 30
    assert "fewer parcels may be possible" in " ".join(found.reasons)


def test_one_near_place_that_has_all_comes_before_a_nearer_split() -> None:
    stock = {"x": Stock({"near": 1, "far": 5}), "y": Stock({"near": 1, "far": 5})}
    lines = [OrderLine("x", 2), OrderLine("y", 1)]
    found = advise(lines, stock, [Source("near", 1), Source("far", 9)])
    assert (found.locations, found.splits, found.cost) == (("far",), 0, 9)
    assert found.reasons == (
        "far alone has all that can be had: one parcel.",
        "Of equally many locations, the cheapest to the destination: far (cost 9, priority 0).",
        "Not needed: near (cost 1, priority 0).",
    )


def test_what_fences_of_others_hold_is_missing_and_said_so() -> None:
    stock = {"x": Stock({"A": 10}, allowance=4)}
    found = advise([OrderLine("x", 6)], stock, [Source("A", 1)])
    assert [line.quantity for line in found.missing] == [2]
    assert "ring-fences of other channels leave 4" in found.reasons[0]


def test_an_order_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        advise([OrderLine("x", 0)], {}, [])
    with pytest.raises(ValueError, match="more than once"):
        advise([OrderLine("x", 1)], {}, [Source("A"), Source("A")])
