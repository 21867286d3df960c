"""Policies, positions and surroundings drawn at random; ring-fences granted unit by unit."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from stockfold.availability.fitness import problems
from stockfold.availability.policy import (
    Backorder,
    Policy,
    Preorder,
    Promotion,
    ReservationTerms,
    RingFence,
    Safety,
    Silence,
)
from stockfold.availability.positions import LocationNumbers, SkuPositions, Summary
from stockfold.availability.surroundings import Places, Surroundings
from stockfold.ledger.accounts import NAMES, STRIDE
from stockfold.ledger.state import SkuState

DAY_US = 86_400_000_000
NOW_US = 20_500 * DAY_US
LOCATIONS = ("BERLIN", "PARIS", "ROME", "OSLO")
CHANNELS = ("woo", "shop", "amazon")
CATEGORIES = ("", "food", "food/coffee", "toys")
PLACES = Places({"store": frozenset({"ROME", "OSLO"}), "north": frozenset({"OSLO", "BERLIN"})})

places = st.sampled_from(LOCATIONS)
units = st.integers(0, 30)
basis_points = st.integers(0, 10_000)
categories = st.sampled_from(CATEGORIES)


def amount(kind: type, **fixed: st.SearchStrategy) -> st.SearchStrategy:
    """Units or a percentage."""
    return st.one_of(
        st.builds(kind, units=units, **fixed), st.builds(kind, basis_points=basis_points, **fixed)
    )


def subjects(**fixed: st.SearchStrategy) -> st.SearchStrategy[dict]:
    """A SKU, a category, or neither."""
    subject = st.sampled_from(
        [{"sku": "a"}, {"sku": "b"}, {"category": "food"}, {"category": "food/coffee"}, {}]
    )
    return st.builds(lambda who, rest: who | rest, subject, st.fixed_dictionaries(fixed))


def _rules(kind: type, drawn: st.SearchStrategy[dict], *, named: bool = False) -> st.SearchStrategy:
    return st.lists(drawn, max_size=4, unique_by=_subject_of).map(
        lambda rows: tuple(
            kind(**row) for row in rows if not named or row.get("sku") or row.get("category")
        )
    )


def _subject_of(row: dict) -> tuple[str, str, str]:
    return row.get("sku", ""), row.get("category", ""), row.get("location", "")


fences = st.none() | _rules(
    RingFence, subjects(units=units, priority=st.integers(-1, 2)), named=True
)
backorders = st.none() | _rules(Backorder, subjects(units=units))
safety = st.one_of(
    _rules(Safety, subjects(units=units, location=st.just("") | places)),
    _rules(Safety, subjects(basis_points=basis_points, location=st.just("") | places)),
)
windows = st.lists(
    st.builds(
        Promotion,
        name=st.just("sale"),
        starts_at=st.sampled_from([NOW_US - DAY_US, NOW_US, NOW_US + 1]),
        ends_at=st.sampled_from([NOW_US + 1, NOW_US + DAY_US]),
        units=units,
        ceiling=st.none() | units,
        skus=st.just(()) | st.just(("a",)),
    ).filter(lambda window: window.ends_at > window.starts_at),
    max_size=1,
).map(tuple)
silences = st.one_of(
    st.just(Silence()),
    st.just(Silence("zero", 60)),
    amount(Silence, then=st.just("buffer"), after_s=st.just(60)),
)


def policies(
    channel: str = "woo",
    *,
    stock_only: bool = False,
    fence: st.SearchStrategy = fences,
) -> st.SearchStrategy[Policy]:
    """Any policy of a channel; ``stock_only``: net, and of nothing that has yet to come."""
    ahead = (
        {}
        if stock_only
        else {
            "backorders": backorders,
            "preorder": st.none() | st.builds(Preorder, st.integers(0, 100), st.none() | units),
            "in_transit": st.booleans(),
            "basis": st.sampled_from(["net", "gross"]),
        }
    )
    return st.builds(
        Policy,
        channel=st.just(channel),
        revision=st.just(1),
        zone=st.sampled_from(["UTC", "Europe/Berlin"]),
        locations=st.none() | st.lists(places, min_size=1, unique=True).map(tuple),
        tags=st.lists(st.sampled_from(["store", "north"]), unique=True).map(tuple),
        safety_stock=st.just(0),
        safety=safety,
        low_stock=st.integers(0, 10),
        per_location=st.booleans(),
        share=st.just(10_000) | basis_points,
        ring_fences=fence,
        ceiling=st.none() | units,
        publish_zero_at=st.integers(0, 3),
        lead_time_days=st.none() | st.just(2),
        promotions=windows,
        silence=silences,
        reservations=st.just(ReservationTerms(allow_backorder=True)),
        **ahead,
    ).filter(lambda policy: not problems(policy))


@st.composite
def numbers(draw: st.DrawFn) -> LocationNumbers:
    """A location's numbers; claims of every channel and of none, and inbound."""
    on_hand = draw(st.integers(-20, 40))
    claims = draw(
        st.lists(
            st.tuples(st.sampled_from((*CHANNELS, "")), st.integers(0, 5), st.integers(0, 5)),
            max_size=3,
            unique_by=lambda claim: claim[0],
        )
    )
    reserved, allocated = sum(c[1] for c in claims), sum(c[2] for c in claims)
    days = st.none() | st.integers(-2, 40)
    lines = draw(st.lists(st.tuples(units, days, st.integers(0, 100)), max_size=2))
    return LocationNumbers(
        on_hand=on_hand,
        in_transit=draw(st.integers(-5, 10)),
        reserved=reserved,
        allocated=allocated,
        atp=on_hand - reserved - allocated,
        claims=tuple(claims),
        expected=tuple(
            (f"PO-{n}", "1", quantity, None if day is None else NOW_US + day * DAY_US, confidence)
            for n, (quantity, day, confidence) in enumerate(lines)
        ),
    )


shelves = st.dictionaries(places, numbers())
summaries = st.builds(
    Summary,
    backordered=st.dictionaries(st.sampled_from(CHANNELS), units).map(lambda d: tuple(d.items())),
    fences=st.dictionaries(
        st.sampled_from(CHANNELS), st.tuples(units, st.integers(-1, 2), st.just(1))
    ).map(lambda d: tuple((channel, *fence) for channel, fence in d.items())),
    limits=st.dictionaries(st.sampled_from(CHANNELS), st.none() | units).map(
        lambda d: tuple((channel, limit, 1) for channel, limit in d.items())
    ),
)
surroundings = st.builds(
    Surroundings,
    category=categories,
    moment_us=st.just(NOW_US),
    silent=st.dictionaries(places, st.sampled_from([NOW_US - 60_000_000, NOW_US - 59_999_999])),
)


def positions(
    shelf: dict[str, LocationNumbers], summary: Summary | None = None, sku: str = "a"
) -> SkuPositions:
    """The positions of a SKU."""
    found = SkuPositions(sku)
    for location, row in shelf.items():
        found.put(location, row, 1)
    if summary is not None:
        found.put_summary(summary, 1)
    return found


def positions_of(state: SkuState) -> SkuPositions:
    """The positions that a ledger's state would be told as."""
    shelf = {}
    for location in state.locations:
        row = dict(zip(NAMES[:STRIDE], state.row(location), strict=True))
        claims = [
            (channel, *held) for (place, channel), held in state.claims.items() if place == location
        ]
        expected = tuple(state.expected.get(location, ()))
        shelf[location] = LocationNumbers(
            **row, atp=state.atp(location), claims=tuple(claims), expected=expected
        )
    summary = Summary(
        tuple(state.backordered.items()),
        tuple((f.channel, f.quantity, f.priority, f.revision) for f in state.fences.values()),
        tuple((m.channel, m.quantity, m.revision) for m in state.limits.values()),
    )
    return positions(shelf, summary, state.sku)


def granted_by_hand(
    fences: Sequence[tuple[str, int, int, int]], claimed: dict[str, int], pool: int
) -> dict[str, int]:
    """Ruling 4 unit by unit: each unit of the pool goes to the first fence that lacks one."""
    order = sorted(fences, key=lambda fence: (-fence[2], fence[0]))
    found = dict.fromkeys((fence[0] for fence in fences), 0)
    for _ in range(pool):
        for channel, quantity, _, _ in order:
            if found[channel] + claimed.get(channel, 0) < quantity:
                found[channel] += 1
                break
    return found
