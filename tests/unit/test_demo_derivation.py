from __future__ import annotations

import polars as pl
import pytest
from infra.demo.dataset import LINES_ALL, read_lines
from infra.demo.derivation import PLAIN_CASES, World, derive
from infra.demo.dice import Dice

LINES = 8_000


@pytest.fixture(scope="module")
def lines() -> pl.DataFrame:
    return read_lines(LINES)


@pytest.fixture(scope="module")
def world(lines: pl.DataFrame) -> World:
    return derive(lines, 1)


def tables(world: World) -> dict[str, pl.DataFrame]:
    return {
        name: value
        for name in World.__slots__
        if isinstance(value := getattr(world, name), pl.DataFrame)
    }


def test_the_data_set_holds_the_lines_it_is_said_to() -> None:
    everything = read_lines(None)
    assert everything.height == LINES_ALL
    assert dict(everything["sort"].value_counts().iter_rows()) == {
        "sensible": 1_445_741,
        "zero": 8_869,
        "fuel": 14_697,
    }
    assert everything.select("basket", "line").n_unique() == LINES_ALL


def test_the_first_lines_are_the_same_however_many_are_read(lines: pl.DataFrame) -> None:
    assert read_lines(500).equals(lines.head(500))


def test_a_seed_gives_the_same_world_every_time(lines: pl.DataFrame, world: World) -> None:
    again = tables(derive(lines, 1))
    assert all(table.equals(again[name]) for name, table in tables(world).items())


def test_another_seed_gives_another_world(lines: pl.DataFrame, world: World) -> None:
    other = derive(lines, 2)
    assert not other.lines["case"].equals(world.lines["case"])
    assert other.lines.select("basket", "quantity").equals(world.lines.select("basket", "quantity"))


def test_the_rule_is_fixed_for_ever() -> None:
    keys = pl.DataFrame({"a": [1, 2, 3], "b": [5, 6, 7]})
    rolled = keys.select(Dice(1).roll("x", 1_000_000, "a", "b"))
    assert rolled.to_series().to_list() == [7876, 116990, 571810]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_at_least_one_line_in_a_hundred_meets_something(lines: pl.DataFrame, seed: int) -> None:
    cases = derive(lines, seed).lines["case"].value_counts()
    met = dict(cases.filter(~pl.col("case").is_in(["served", "returned"])).iter_rows())
    for case in ("refused", "repeated", "conflicting", "late", "shipped_first", "allocated_first"):
        assert met[case] > 0, case
    odd = sum(count for case, count in met.items() if case not in ("reserved", "allocated"))
    assert odd >= LINES // 100


def test_cases_are_met_about_as_often_as_the_rule_says(world: World) -> None:
    plain = world.lines.filter(~pl.col("scarce"))
    counts = dict(plain["case"].value_counts().iter_rows())
    for case, share in PLAIN_CASES:
        expected = plain.height * share / 10_000
        assert abs(counts.get(case, 0) - expected) < 5 * expected**0.5 + 1, case


def test_nothing_but_shortage_happens_to_scarce_pairs(world: World) -> None:
    scarce = world.lines.filter("scarce")
    assert set(scarce["case"]) <= {"served", "waiting", "refused", "refused_shipped"}
    pairs = scarce.select("sku", "store").unique()
    assert not pairs.join(world.via_centre, on=["sku", "store"]).height
    assert not pairs.join(world.pairs, on=["sku", "store"]).height
    arrivals = world.moves.select("sku", store="to")
    assert not pairs.join(arrivals, on=["sku", "store"]).height


def test_every_waiting_line_that_is_served_is_served_later(world: World) -> None:
    served = world.lines.filter(pl.col("served_wave").is_not_null())
    assert (served["served_wave"] > served["wave"]).all()
    assert set(served["case"]) <= {"waiting"}


def test_nothing_comes_back_that_did_not_go_out(world: World) -> None:
    returned = world.lines.filter(pl.col("case") == "returned")
    assert returned.height
    assert (returned["back"] >= 1).all()
    assert (returned["back"] <= returned["quantity"]).all()
