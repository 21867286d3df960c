"""The expected numbers, without Kafka: against the ledger in memory, and against themselves."""

from __future__ import annotations

from collections import Counter

import polars as pl
import pytest
from infra.demo import expected
from infra.demo.dataset import read_lines
from infra.demo.derivation import World, derive
from infra.demo.messages import Messages
from infra.demo.telling import tell
from tests.support.ledger_in_memory import LedgerInMemory

OLDEST_S = 1_800_000_000 - 1_467_331_200
SEEDS = (1, 2)


@pytest.fixture(scope="module", params=SEEDS)
def world(request: pytest.FixtureRequest) -> World:
    return derive(read_lines(5_000), request.param)


@pytest.fixture(scope="module")
def ledger(world: World) -> LedgerInMemory:
    ledger = LedgerInMemory(dedupe_horizon_s=OLDEST_S, movement_horizon_s=OLDEST_S)
    messages = Messages()
    for _, _, events in tell(world):
        ledger.take([messages.of(row) for row in events.iter_rows()])
    return ledger


def test_every_position_is_what_the_ledger_says(world: World, ledger: LedgerInMemory) -> None:
    numbers = (*expected.BUCKETS, "atp")
    found = {key: tuple(row[n] for n in numbers) for key, row in ledger.positions.items()}
    wanted = {
        (row["sku"], row["location"]): tuple(row[n] for n in numbers)
        for row in expected.positions(world).iter_rows(named=True)
    }
    assert found == wanted


def test_every_order_line_is_what_the_ledger_says(world: World, ledger: LedgerInMemory) -> None:
    found = {
        (row["sku"], row["order"], row["line"]): tuple(row[n] for n in expected.LINE_NUMBERS)
        for row in ledger.produced["stockfold.reservation-status.v1"]
    }
    wanted = {row[:3]: row[3:] for row in expected.order_lines(world).iter_rows()}
    assert found == wanted


def test_every_exception_is_what_the_ledger_says(world: World, ledger: LedgerInMemory) -> None:
    kinds = Counter(row["kind"] for row in ledger.produced["stockfold.exceptions.v1"])
    assert dict(kinds) == expected.exceptions(world)


def test_every_fact_is_what_the_ledger_says(world: World, ledger: LedgerInMemory) -> None:
    kinds = Counter(row["kind"] for row in ledger.produced["stockfold.journal.v1"])
    assert dict(kinds) == expected.facts(world)


def test_waiting_units_are_what_the_ledger_says(world: World, ledger: LedgerInMemory) -> None:
    found = {
        sku: sum(entry["quantity"] for entry in row["backordered"])
        for sku, row in ledger.summaries.items()
    }
    assert found == dict(expected.waiting_units(world).iter_rows())


def test_what_came_in_less_what_went_out_is_what_is_there(world: World) -> None:
    positions = expected.positions(world)
    there = positions.select(
        pl.sum_horizontal("on_hand", "quality_hold", "damaged", "in_transit").sum()
    ).item()
    came = (
        world.supplies["quantity"].sum()
        + world.supplies.filter(pl.col("extra") > 0).height
        + world.via_centre.select(pl.sum_horizontal("quantity", "stays", "lost_way").sum()).item()
    )
    lost = world.moves.filter(pl.col("fate") == "lost").height
    adjusted = world.pairs.select(
        pl.col("adjusted").replace_strict({0: 0, 1: -1, 2: 1, 3: 1}).sum()
    ).item()
    shipped = expected.order_lines(world)["shipped"].sum()
    returned = world.lines.filter(pl.col("case") == "returned")
    back = returned["back"].sum()
    scrapped = returned.filter(pl.col("back_to") == "scrapped")["back"].sum()
    assert there == came + adjusted + back - shipped - lost - scrapped


def test_only_what_was_shipped_without_stock_makes_a_shelf_negative(world: World) -> None:
    negative = expected.positions(world).filter(pl.col("on_hand") < 0)
    anyway = world.lines.filter(pl.col("case") == "refused_shipped")
    assert negative.height == anyway.select("sku", "store").n_unique() > 0
    assert -negative["on_hand"].sum() == anyway["quantity"].sum()


def test_availability_is_never_netted_across_locations() -> None:
    places = pl.DataFrame(
        {"sku": ["a", "a", "b"], "location": ["x", "y", "x"], "atp": [5, -3, -1]},
        schema={"sku": pl.String, "location": pl.String, "atp": pl.Int64},
    )
    waiting = pl.DataFrame({"sku": ["c"], "backordered": [1]})
    channels = [
        expected.Channel("all", None, 0),
        expected.Channel("kept", ("x",), 2),
        expected.Channel("poor", ("y",), 0),
    ]
    rows = expected.availability(places, waiting, channels).rows()
    assert rows == [
        ("all", "a", 5),
        ("all", "b", 0),
        ("all", "c", 0),
        ("kept", "a", 3),
        ("kept", "b", 0),
        ("kept", "c", 0),
        ("poor", "a", 0),
        ("poor", "b", 0),
        ("poor", "c", 0),
    ]
