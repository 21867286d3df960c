"""Order promising and dated ATP of kits, against kits built one by one for each day."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.kit_oracle import kits_built

from stockfold.availability.kit_dated import kit_series
from stockfold.availability.kit_promises import KitPromised
from stockfold.availability.kit_promising import promise_kit
from stockfold.availability.promises import Ask
from stockfold.availability.promising import promise
from stockfold.domain.bills import Bill, Tree, grow
from stockfold.ledger.dated import series
from stockfold.ledger.outlook import NO_OUTLOOK, Coming, Outlook

TODAY, DAYS = 20_000, 8
DAY_US = 86_400_000_000
SKUS = ("A", "B", "x", "y")
PLACES = ("P", "Q")
Outlooks = dict[str, Outlook]


def day_of(us: int) -> int:
    return us // DAY_US


@st.composite
def outlooks(draw: st.DrawFn) -> Outlooks:
    """Shelves of some SKUs, and what is to come there."""
    found: Outlooks = {}
    for sku in SKUS:
        shelf = draw(st.dictionaries(st.sampled_from(PLACES), st.integers(0, 6)))
        lines = draw(
            st.lists(
                st.tuples(
                    st.sampled_from(PLACES),
                    st.integers(1, 6),
                    st.none() | st.integers(-1, DAYS),
                    st.sampled_from((50, 100)),
                ),
                max_size=2,
            )
        )
        coming = tuple(
            Coming(f"PO-{sku}", str(n), place, units, _us(day), confidence)
            for n, (place, units, day, confidence) in enumerate(lines)
        )
        if shelf or coming:
            on_hand = {place: units for place, units in shelf.items() if units}
            found[sku] = Outlook(1, on_hand, {}, {}, coming, (), ())
    return found


def _us(day: int | None) -> int | None:
    return None if day is None else (TODAY + day) * DAY_US


@st.composite
def bills(draw: st.DrawFn) -> dict[str, dict[str, int]]:
    """A kit A of a kit B and of leaves that they may share."""
    leaves = st.dictionaries(st.sampled_from("xy"), st.integers(1, 3), min_size=1)
    inner = draw(leaves)
    outer = draw(st.dictionaries(st.sampled_from("Bxy"), st.integers(1, 3), min_size=1))
    return {"A": outer, "B": inner}


def tree_of(made: dict[str, dict[str, int]]) -> Tree:
    bills = {sku: Bill(sku, 1, "1", tuple(parts.items())) for sku, parts in made.items()}
    if "B" not in made["A"]:
        del bills["B"]
    return grow("A", bills)


asks = st.builds(
    Ask,
    quantity=st.integers(1, 12),
    today=st.just(TODAY),
    days=st.just(DAYS),
    locations=st.none() | st.lists(st.sampled_from(PLACES), min_size=1, unique=True).map(tuple),
    lead_time_days=st.integers(0, 2),
    confidence=st.sampled_from((0, 80)),
)


def levels(known: Outlooks, ask: Ask, sku: str) -> list[int]:
    """What may be promised of a SKU for each day, asked unit by unit."""
    found = [0] * DAYS
    for quantity in range(1, 30):
        asked = Ask(quantity, TODAY, DAYS, locations=ask.locations, confidence=ask.confidence)
        on = promise(known.get(sku, NO_OUTLOOK), asked, day_of).available_on
        if on is None:
            break
        for day in range(on - TODAY, DAYS):
            found[day] = quantity
    return found


def by_hand(made: dict[str, dict[str, int]], known: Outlooks, ask: Ask) -> int | None:
    """The first day on which enough kits stand or can be built one by one."""
    curves = {sku: levels(known, ask, sku) for sku in SKUS}
    for day in range(DAYS):
        units = {sku: curve[day] for sku, curve in curves.items()}
        if units["A"] + kits_built("A", made, units) >= ask.quantity:
            return TODAY + day
    return None


def asked(made: dict[str, dict[str, int]], known: Outlooks, ask: Ask) -> KitPromised:
    return promise_kit(tree_of(made), known, ask, day_of)


@settings(max_examples=80, deadline=None)
@given(bills(), outlooks(), asks)
def test_a_kit_is_promised_for_the_first_day_on_which_it_can_be_built(
    made: dict[str, dict[str, int]], known: Outlooks, ask: Ask
) -> None:
    found = asked(made, known, ask)
    assert found.whole.available_on == by_hand(made, known, ask)
    assert found.pre_assembled + found.assembled == ask.quantity
    if found.whole.available_on is not None:
        assert found.whole.dispatch_on == found.whole.available_on + ask.lead_time_days
        assert sum(part.units for part in found.whole.parts) == found.pre_assembled


@settings(max_examples=80, deadline=None)
@given(bills(), outlooks(), asks)
def test_the_components_of_a_promise_are_enough_for_it_and_none_comes_later(
    made: dict[str, dict[str, int]], known: Outlooks, ask: Ask
) -> None:
    found = asked(made, known, ask)
    units = {part.sku: part.units for part in found.components}
    if found.assembled:
        assert kits_built("A", made, units) >= found.assembled
        for sku, number in units.items():
            one_less = {**units, sku: number - 1}
            assert kits_built("A", made, one_less) < found.assembled
    on = found.whole.available_on
    days = [part.promised.available_on for part in found.components]
    if on is None:
        assert None in days
    else:
        assert all(day is not None and day <= on for day in days)


@settings(max_examples=80, deadline=None)
@given(bills(), outlooks(), asks)
def test_a_location_alone_is_never_sooner_than_all_together(
    made: dict[str, dict[str, int]], known: Outlooks, ask: Ask
) -> None:
    found = asked(made, known, ask)
    for alone in found.whole.locations:
        here = Ask(
            ask.quantity, TODAY, DAYS, locations=(alone.location,), confidence=ask.confidence
        )
        assert alone.available_on == by_hand(made, known, here)
        if alone.available_on is not None:
            assert found.whole.available_on is not None
            assert found.whole.available_on <= alone.available_on


@settings(max_examples=80, deadline=None)
@given(bills(), outlooks(), st.none() | st.sampled_from(PLACES))
def test_the_dated_atp_of_a_kit_is_what_can_be_built_of_each_day(
    made: dict[str, dict[str, int]], known: Outlooks, place: str | None
) -> None:
    found = kit_series(tree_of(made), known, day_of, TODAY, DAYS, place)
    each = {sku: series(known.get(sku, NO_OUTLOOK), day_of, TODAY, DAYS, place) for sku in SKUS}
    for day in range(DAYS):
        promised = {sku: of.promises[day] for sku, of in each.items()}
        built = kits_built("A", made, promised)
        assert found.whole.promises[day] == promised["A"] + built
        there = {sku: of.projection[day] for sku, of in each.items()}
        assert found.whole.projection[day] == there["A"] + kits_built("A", made, there)
        plenty = {**promised, found.limited_by[day]: 1000}
        assert kits_built("A", made, plenty) >= built
    assert {part.sku for part in found.components} == set(tree_of(made).parts)
