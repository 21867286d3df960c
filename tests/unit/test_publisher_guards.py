"""When a channel halts by itself, and what passes it then."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stockfold.runtime.shop_guards_settings import ShopGuardsSettings
from stockfold_services.publisher.guards import Guards

LISTINGS = 200


def shop(shown: int = 5, **told: int) -> Guards:
    """Guards of a shop with 200 listings that we have written; at most 50 go to zero an hour."""
    guards = Guards(ShopGuardsSettings(**told))
    for number in range(LISTINGS):
        guards.wants(f"S{number}", shown, 0.0)
        guards.shows(f"S{number}", shown, 0.0, ours=True)
    return guards


def empty(guards: Guards, count: int, now_s: float, start: int = 0) -> None:
    for number in range(start, start + count):
        guards.wants(f"S{number}", 0, now_s)


def test_a_quarter_at_zero_is_a_working_day_and_more_is_not() -> None:
    guards = shop()
    empty(guards, 50, 10.0)
    assert guards.halt(LISTINGS, 0.0, 20.0) is None
    empty(guards, 1, 20.0, start=50)
    halt = guards.halt(LISTINGS, 0.0, 20.0)
    assert halt is not None
    assert halt == (
        "zeros",
        "51 of 200 listings would go to zero within 60 minutes; the limit is 50",
    )


def test_what_sold_out_over_a_day_does_not_add_up() -> None:
    guards = shop()
    for hour in range(4):
        empty(guards, 50, hour * 3_601.0, start=hour * 50)
        assert guards.halt(LISTINGS, 0.0, hour * 3_601.0 + 1) is None


def test_what_is_wanted_again_before_it_went_is_not_counted() -> None:
    guards = shop()
    empty(guards, 51, 10.0)
    guards.wants("S0", 5, 11.0)
    assert guards.halt(LISTINGS, 0.0, 12.0) is None


def test_a_few_listings_may_all_go_to_zero() -> None:
    guards = Guards(ShopGuardsSettings())
    for number in range(20):
        guards.shows(f"S{number}", 3, 0.0, ours=True)
        guards.wants(f"S{number}", 0, 1.0)
    assert guards.halt(20, 0.0, 2.0) is None


def test_a_first_load_may_change_everything_but_not_empty_the_shop() -> None:
    guards = Guards(ShopGuardsSettings())
    for number in range(LISTINGS):
        guards.wants(f"S{number}", 7, 0.0)
        guards.shows(f"S{number}", 99, 1.0, ours=False)
    assert guards.halt(LISTINGS, 0.0, 2.0) is None
    guards = Guards(ShopGuardsSettings())
    for number in range(LISTINGS):
        guards.wants(f"S{number}", 0, 0.0)
        guards.shows(f"S{number}", 99, 1.0, ours=False)
    halt = guards.halt(LISTINGS, 0.0, 2.0)
    assert halt is not None
    assert halt.guard == "zeros"


def test_a_shop_that_showed_nothing_before_is_not_emptied() -> None:
    guards = Guards(ShopGuardsSettings())
    for number in range(LISTINGS):
        guards.wants(f"S{number}", 0, 0.0)
        guards.shows(f"S{number}", 0, 1.0, ours=False)
    assert guards.halt(LISTINGS, 0.0, 2.0) is None


def test_nearly_everything_that_we_showed_changing_at_once_halts() -> None:
    guards = shop()
    for number in range(180):
        guards.wants(f"S{number}", 6, 10.0)
    assert guards.halt(LISTINGS, 0.0, 11.0) is None
    guards.wants("S180", 6, 11.0)
    halt = guards.halt(LISTINGS, 0.0, 11.0)
    assert halt is not None
    assert halt.guard == "changes"


def test_work_left_undone_upstream_halts_until_a_person_knows_of_it() -> None:
    guards = shop()
    assert guards.halt(LISTINGS, 900.0, 1.0) is None
    halt = guards.halt(LISTINGS, 901.0, 1.0)
    assert halt is not None
    assert halt.guard == "upstream"
    guards.resumed()
    assert guards.halt(LISTINGS, 5_000.0, 1.0) is None
    assert guards.halt(LISTINGS, 0.0, 1.0) is None
    assert guards.halt(LISTINGS, 901.0, 1.0) is not None, "it moved, and stands still again"


def test_of_a_halted_channel_single_zeros_pass_and_the_flood_does_not() -> None:
    guards = shop()
    empty(guards, 60, 10.0)
    guards.halted(11.0)
    assert not guards.lets_pass("S0", 0, 12.0)
    assert not guards.lets_pass("S100", 3, 12.0)
    later = [f"S{number}" for number in range(100, 125)]
    for sku in later:
        guards.wants(sku, 0, 13.0)
    passed = [sku for sku in later if guards.lets_pass(sku, 0, 14.0)]
    assert passed == later[:20], "as many as the least that is ever allowed"
    assert guards.lets_pass(later[0], 0, 15.0), "what passed may be repeated"
    assert guards.lets_pass(later[24], 0, 3_700.0)


def test_of_a_flood_what_was_not_looked_at_yet_is_held_too() -> None:
    guards = shop()
    guards.wants("UNSEEN", 0, 10.0)
    empty(guards, 60, 10.0)
    guards.halted(11.0)
    assert not guards.lets_pass("UNSEEN", 0, 12.0)
    guards.wants("UNSEEN", 0, 13.0)
    assert guards.lets_pass("UNSEEN", 0, 14.0), "a zero that comes after the halt"


def test_a_halt_for_another_reason_holds_no_single_zero() -> None:
    guards = shop()
    guards.wants("UNSEEN", 0, 10.0)
    guards.halted(11.0, "upstream")
    assert guards.lets_pass("UNSEEN", 0, 12.0)


def test_what_a_person_has_looked_at_counts_no_more() -> None:
    guards = shop()
    empty(guards, 60, 10.0)
    guards.resumed()
    assert guards.halt(LISTINGS, 0.0, 11.0) is None
    for number in range(60):
        guards.shows(f"S{number}", 5, 11.0, ours=False)
    assert guards.halt(LISTINGS, 0.0, 11.0) is None, "also when it is read again before the write"
    guards.wants("S70", 0, 12.0, approved=True)
    empty(guards, 50, 12.0, start=100)
    assert guards.halt(LISTINGS, 0.0, 13.0) is None


def test_a_guard_that_is_off_halts_nobody() -> None:
    guards = shop(zeros_percent=0, changes_percent=0, upstream_minutes=0)
    empty(guards, LISTINGS, 1.0)
    assert guards.halt(LISTINGS, 1e9, 2.0) is None


@given(
    st.lists(st.tuples(st.integers(0, 59), st.integers(0, 3), st.floats(0, 5_000))),
    st.integers(1, 60),
)
def test_it_halts_by_zeros_exactly_when_more_than_the_limit_stand_at_zero(
    steps: list[tuple[int, int, float]], least: int
) -> None:
    """Against a plain count: listings that fell to zero in the last hour and are wanted so."""
    guards = Guards(ShopGuardsSettings(changes_percent=0, listings_min=least))
    fell: dict[int, float] = {}
    for number in range(60):
        guards.wants(f"S{number}", 1, 0.0)
        guards.shows(f"S{number}", 1, 0.0, ours=False)
    now_s = 0.0
    for number, quantity, wait_s in steps:
        now_s += wait_s
        fell = {at: s for at, s in fell.items() if s > now_s - 3_600}
        guards.halt(60, 0.0, now_s)
        guards.wants(f"S{number}", quantity, now_s)
        if quantity:
            fell.pop(number, None)
        else:
            fell.setdefault(number, now_s)
        halt = guards.halt(60, 0.0, now_s)
        assert (halt is not None) == (len(fell) > max(15, least))
