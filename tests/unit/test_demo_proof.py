from __future__ import annotations

import ast
from pathlib import Path

import polars as pl
from infra.demo import expected
from infra.demo.proof import compare

KEYS = ("sku", "location")


def frame(*rows: tuple[str, str, int, int]) -> pl.DataFrame:
    schema = {"sku": pl.String, "location": pl.String, "on_hand": pl.Int64, "atp": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def test_equal_rows_in_any_order_do_not_differ() -> None:
    wanted = frame(("a", "x", 1, 1), ("b", "x", 2, 2))
    result = compare("positions", KEYS, wanted, wanted.reverse())
    assert (result.compared, result.differ, result.first) == (2, 0, [])


def test_a_wrong_number_is_named_with_what_it_must_be() -> None:
    result = compare("positions", KEYS, frame(("a", "x", 1, 1)), frame(("a", "x", 1, 7)))
    assert result.first == ["sku a, location x: atp must be 1, is 7"]


def test_a_missing_row_and_a_row_too_many_differ() -> None:
    result = compare("positions", KEYS, frame(("a", "x", 1, 1)), frame(("b", "x", 0, 0)))
    assert (result.compared, result.differ) == (2, 2)
    assert result.first == [
        "sku a, location x: is missing",
        "sku b, location x: should not be there (on_hand 0, atp 0)",
    ]


def test_only_the_first_ten_differences_are_listed() -> None:
    rows = [(f"{number:02d}", "x", number, number) for number in range(30)]
    result = compare("positions", KEYS, frame(*rows), frame())
    assert (result.differ, len(result.first)) == (30, 10)


def test_a_row_that_is_there_twice_differs() -> None:
    once, twice = frame(("a", "x", 1, 1)), frame(("a", "x", 1, 1), ("a", "x", 1, 1))
    assert compare("positions", KEYS, once, twice).differ


def test_the_expected_numbers_use_nothing_of_the_service() -> None:
    folder = Path(expected.__file__).parent
    for name in ("expected.py", "derivation.py", "dice.py"):
        tree = ast.parse((folder / name).read_text("utf-8"))
        nodes = list(ast.walk(tree))
        imported = {a.name for node in nodes if isinstance(node, ast.Import) for a in node.names}
        imported |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert not [module for module in imported if module.startswith("stockfold")], name
