"""Rows of an ERP's file: what its columns, statuses, units and blanks mean."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from stockfold.domain.errors import ContractError
from stockfold.reconcile.statement import Row, Statement, Unread
from stockfold_services.cli.loading.source import open_rows
from stockfold_services.cli.reconciling.erp_rows import ErpRows, Names

PLAIN = Names({}, {})
CALLED = {"ART-1": "milk", "Werk 1": "DC"}


def convert(sku: str, unit: str, quantity: int) -> int:
    if unit != "case":
        raise ContractError("unknown_unit", f"{sku} has no unit {unit!r}", remedy="Import it.")
    return 12 * quantity


def reader(header: Sequence[str], names: Names = PLAIN) -> ErpRows:
    def called(code: str) -> str:
        return CALLED.get(code, code)

    return ErpRows(header, names, sku_of=called, location_of=called, convert=convert)


def read(header: Sequence[str], *rows: Sequence[str], names: Names = PLAIN) -> list:
    return [one for found in reader(header, names).read(rows) for one in found]


def test_names_are_ours_statuses_are_accounts_and_units_are_base_units() -> None:
    names = Names(
        {"Material": "sku", "Werk": "location", "Art": "account", "Menge": "quantity"},
        {"frei": "on_hand", "QI": "quality_hold"},
    )
    header = ["Material", "Werk", "Art", "Menge", "unit", "Text"]
    found = read(
        header,
        ["ART-1", "Werk 1", "FREI", "3", "case", "x"],
        ["bread", "DC", "qi", "4.0", "", ""],
        ["bread", "DC", "damaged", "-1", "", ""],
        names=names,
    )
    assert found == [
        Row(1, "milk", "DC", "on_hand", 36),
        Row(2, "bread", "DC", "quality_hold", 4),
        Row(3, "bread", "DC", "damaged", -1),
    ]
    assert reader(header, names).ignored == ["Text"]


def test_a_column_for_each_account_is_a_figure_for_each_and_blanks_are_none() -> None:
    names = Names({"frei": "on_hand"}, {}, "DC")
    header = ["sku", "frei", "in_transit", "customer"]
    assert read(header, ["milk", "5", "", "7"], ["bread", "", "2", ""], names=names) == [
        Row(1, "milk", "DC", "on_hand", 5),
        Row(2, "bread", "DC", "in_transit", 2),
    ]
    assert reader(header, names).ignored == ["customer"]


def test_outside_accounts_need_no_location_and_shelves_do() -> None:
    header = ["sku", "location", "account", "quantity"]
    lost, shelf = read(header, ["milk", "", "lost", "5"], ["milk", "", "on_hand", "5"])
    assert lost.place == ("", "lost")
    assert (shelf.kind, shelf.reason) == ("bad_row", "it names no location")


@pytest.mark.parametrize(
    ("row", "kind", "reason"),
    [
        (["milk", "DC", "on_hand"], "bad_row", "it has 3 cells, the header 5"),
        (["", "DC", "on_hand", "1", ""], "bad_row", "it names no SKU"),
        (["milk", "DC", "on_hand", "1.5", ""], "bad_row", "'1.5' is no whole number"),
        (["milk", "DC", "on_hand", "", ""], "bad_row", "it has no quantity"),
        (["milk", "DC", "GESPERRT", "1", ""], "mapping_unknown", "there is no account 'GESPERRT'"),
        (["milk", "DC", "on_hand", "1", "pallet"], "unit_unknown", "milk has no unit 'pallet'"),
    ],
)
def test_a_row_that_cannot_be_compared_says_why(row: list[str], kind: str, reason: str) -> None:
    (found,) = read(["sku", "location", "account", "quantity", "unit"], row)
    assert isinstance(found, Unread)
    assert (found.kind, found.reason, found.row) == (kind, reason, 1)


@pytest.mark.parametrize(
    ("header", "mapping", "what"),
    [
        (["location", "quantity"], {}, "no column is sku"),
        (["sku", "quantity"], {}, "no column is location"),
        (["sku", "location"], {}, "no column is quantity"),
        (["sku", "location", "quantity"], {"Menge": "quantity"}, "of no column or no field"),
        (["sku", "location", "n"], {"n": "colour"}, "of no column or no field"),
        (["sku", "location", "n", "account"], {"n": "damaged"}, "there is a quantity or account"),
    ],
)
def test_a_header_that_will_not_do_says_why(
    header: list[str], mapping: dict[str, str], what: str
) -> None:
    with pytest.raises(ContractError, match=what):
        reader(header, Names(mapping, {}))


def test_a_status_may_only_mean_an_account() -> None:
    with pytest.raises(ContractError, match="there is no account 'shelf'"):
        reader(["sku", "location", "quantity"], Names({}, {"FREI": "shelf"}))


def test_lots_of_one_place_add_up_and_the_first_row_is_remembered() -> None:
    header = ["sku", "location", "quantity"]
    statement = Statement()
    for one in read(header, ["a", "DC", "1"], ["b", "DC", "2"], ["a", "DC", "4"], ["a", "DC", "x"]):
        statement.add(one)
    figure = statement.of("a")["DC", "on_hand"]
    assert (figure.units, figure.rows, figure.first_row) == (5, 2, 1)
    total = statement.totals["DC", "on_hand"]
    assert (total.rows, total.units, total.unread_rows) == (3, 7, 1)


def test_ndjson_is_read_by_the_names_of_its_first_object(tmp_path: Path) -> None:
    path = tmp_path / "night.jsonl"
    path.write_text('{"sku": "a", "quantity": 3}\n\n{"quantity": 4, "sku": "b", "more": 1}\n')
    with open_rows(path, "utf-8", None) as rows:
        assert rows.header == ["sku", "quantity"]
        assert list(rows) == [["a", "3"], ["b", "4", ""]]
    path.write_text('{"sku": "a"}\n[1]\n')
    with open_rows(path, "utf-8", None) as rows, pytest.raises(ContractError, match="no flat"):
        list(rows)
    path.write_text('{"sku": {"id": 1}}\n')
    with pytest.raises(ContractError, match="no flat JSON object"), open_rows(path, "utf-8", None):
        pass
