"""What holds for orders whatever happens, against sums that know nothing of the decisions."""

from __future__ import annotations

from random import Random

import msgspec
import pytest
from infra.docs.order_lifecycle import PATH, render
from tests.support.order_histories import SKUS, run_history
from tests.support.orders_world import LOCATION, World, line

from stockfold.contracts.order_journal import Cause
from stockfold.contracts.order_records import encode_order_status
from stockfold.domain.errors import DefectError
from stockfold.orders.lifecycle import LIFE_CYCLE, MEANINGS, check_move
from stockfold.orders.rules import Rules
from stockfold.orders.state import OrderState
from stockfold.orders.words import Line, Terms

SEEDS = 60
TABLE = {(source, target, why) for source, target, reasons in LIFE_CYCLE for why in reasons}
DONE_WITH = {"draft", "cancelled", "failed"}


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Histories, each at rest at its end."""
    return [run_history(seed) for seed in range(SEEDS)]


def wanted(world: World, state: OrderState, sku: str) -> int:
    """Units of a SKU that an order wants to have been promised or shipped by now."""
    order = state.order
    if order is None or order.told in DONE_WITH or state.refused:
        return 0
    units = 0
    for told in order.lines:
        each = dict(told.parts).get(sku, 0)
        gone = min(
            (
                sum(
                    known.shipped
                    for known in world.skus[part].lines.values()
                    if known.order == f"shop/{state.order_id}"
                    and known.line.split("~")[0] == told.line
                )
                // count
                for part, count in told.parts
            ),
            default=0,
        )
        gone = max(gone, sum(p.quantity for p in order.parcels if p.line == told.line))
        units += (told.quantity - min(told.restocked, max(told.quantity - gone, 0))) * each
    return units


def test_what_the_ledger_holds_for_an_order_is_what_its_status_says(worlds: list[World]) -> None:
    for seed, world in enumerate(worlds):
        for state in world.orders.values():
            if state.order is None:
                continue
            for sku in SKUS:
                name = state.order_id
                open_units = world.held(name, sku) + world.waiting(name, sku)
                shipped, units = world.shipped(name, sku), wanted(world, state, sku)
                about = (seed, name, sku, state.status, open_units, shipped, units)
                match state.status:
                    case "released" | "rejected" | "lapsed" | "fulfilled":
                        assert open_units == 0, about
                    case "held" | "confirmed" | "backordered":
                        assert open_units + shipped >= units, about
                    case "partial":
                        assert open_units <= units, about
                    case other:
                        raise AssertionError((seed, other))
                assert open_units <= units, about
                told = sum(
                    d.reserved + d.allocated + d.backordered for d in state.demands if d.sku == sku
                )
                assert told == open_units, about


def test_units_are_neither_made_nor_lost(worlds: list[World]) -> None:
    for seed, world in enumerate(worlds):
        for sku in SKUS:
            put = sum(units for name, units in world.put if name == sku)
            back = sum(
                body["quantity"]
                for name, body in world.asked
                if (name, body["sku"]) == ("ReturnReceived", sku)
            )
            left = sum(world.shipped(order.order_id, sku) for order in world.orders.values())
            held = sum(world.held(order.order_id, sku) for order in world.orders.values())
            assert world.skus[sku].atp(LOCATION) == put + back - left - held, (seed, sku)


def test_the_fold_of_the_journal_is_the_order(worlds: list[World]) -> None:
    for world in worlds:
        for key, state in world.replayed().items():
            live = world.orders[key]
            assert _whole(state) == _whole(live)


def _whole(state: OrderState) -> tuple[bytes, bytes]:
    fields = {name: getattr(state, name) for name in OrderState.__slots__ if name[0] != "_"}
    return encode_order_status(state, Cause(), 0), msgspec.json.encode(fields, order="sorted")


def test_every_move_is_in_the_table(worlds: list[World]) -> None:
    seen = {move for world in worlds for move in world.moves}
    assert seen <= TABLE
    assert {state for edge in LIFE_CYCLE for state in edge[:2]} == set(MEANINGS)
    assert len(seen) > len(TABLE) // 2


def test_a_move_that_is_not_in_the_table_is_a_defect() -> None:
    with pytest.raises(DefectError, match="from fulfilled to retrying"):
        check_move("fulfilled", "retrying", "told")


def test_the_page_is_drawn_from_the_table() -> None:
    assert PATH.read_text("utf-8") == render()


def test_orders_that_want_the_same_things_do_not_starve_each_other() -> None:
    for seed in range(80):
        random = Random(seed)
        world = World(dict.fromkeys(SKUS, 2), seed, Rules(answer_s=60, attempts_max=3))
        rivals = random.randint(2, 6)
        for number in range(rivals):
            chosen = random.sample(SKUS, random.randint(2, 4))
            lines = [line(str(n), sku, random.randint(1, 2)) for n, sku in enumerate(chosen)]
            random.shuffle(lines)
            world.tell(str(number), "processing", *lines)
        world.rest()
        found = list(world.statuses().values())
        assert "confirmed" in found, (seed, found)
        assert set(found) <= {"confirmed", "rejected"}
        for state in world.orders.values():
            assert state.rounds <= 3
        for sku in SKUS:
            assert world.skus[sku].atp(LOCATION) >= 0


def test_the_last_unit_of_two_things_goes_to_exactly_one_order() -> None:
    for seed in range(50):
        world = World({"a": 1, "b": 1}, seed)
        for number in range(8):
            pair: tuple[Line, ...] = (line("1", "a", 1), line("2", "b", 1))
            world.tell(str(number), "processing", *pair[:: 1 if number % 2 else -1])
        world.rest()
        assert sorted(world.statuses().values()) == ["confirmed"] + ["rejected"] * 7


def test_a_ledger_that_falls_silent_in_between_leaves_nothing_held_twice() -> None:
    for seed in range(60):
        random = Random(seed)
        world = World({"a": 3, "b": 3}, seed)
        for number in range(3):
            terms = Terms(allow_partial=random.random() < 0.5)
            lines = (line("1", "a", 1), line("2", "b", 1))
            world.tell(str(number), "processing", *lines, terms=terms)
        for _ in range(12):
            for _ in range(random.randint(0, 3)):
                world.step()
            world.pass_time(random.choice((1, 61, 200)))
        world.rest()
        assert set(world.statuses().values()) == {"confirmed"}
        assert [world.skus[sku].atp(LOCATION) for sku in ("a", "b")] == [0, 0]
